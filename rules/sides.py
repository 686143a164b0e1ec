"""Two brands in one text: which words are about which, clause by clause.

"bei OTHER 40 Minuten gewartet, bei TARGET ging sofort wer ran": seen from the target the first half is about somebody
else. A clause that names one brand is about it, and so are the clauses after it until another brand is named; what
stands before the first name belongs to that one. A clause that names both is about the one that somebody goes to
("von TARGET zu OTHER wechseln": the other), else about the one that is measured by the other ("TARGET ist besser als
OTHER": the target), else about both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rules.lexicon import Hit
from rules.words import HANDLE, MASKS, OTHER, TARGET

if TYPE_CHECKING:
    from rules.reading import Reading

BOTH = "BOTH"
TOWARDS, MEASURE, AWAY = "to", "than", "from"  # how a clause leads up to a brand

_SIGNS = frozenset([",", ";", ".", "!", "?", ":", "-", "–", "—", "(", ")", "…", "\n", "\n\n"])
_GERMAN = ["aber", "dagegen", "waehrend", "hingegen", "doch", "und", "sondern", "obwohl", "dafuer", "jetzt"]
_ENGLISH = ["but", "while", "whereas", "and", "though", "although", "now", "so"]
_CONJUNCTIONS = frozenset([*_GERMAN, *_ENGLISH])
_GOING = frozenset(["zu", "zum", "zur", "nach", "auf", "richtung", "to", "for", "onto", "into"])
_GERMAN_LEAVING = ["von", "vom", "kuendige", "gekuendigt", "tschuess"]
_ENGLISH_LEAVING = ["from", "off", "leave", "leaving", "left", "quit", "dump", "ditched", "dropped", "bye"]
_LEAVING = frozenset([*_GERMAN_LEAVING, *_ENGLISH_LEAVING])
_GERMAN_MEASURES = ["als", "wie", "statt", "anstatt", "anstelle", "gegen", "gegenueber", "gegensatz", "verglichen"]
_ENGLISH_MEASURES = ["than", "like", "unlike", "over", "versus", "vs", "compared", "instead", "next"]
_VERBS = ["ersetzt", "schlaegt", "beats", "replaces", "replaced"]
_MEASURING = frozenset([*_GERMAN_MEASURES, "vergleich", *_ENGLISH_MEASURES, *_VERBS])
_COMPARING = frozenset(["gegensatz", "vergleich", "verglichen", "compared", "next"])  # "zu" or "to" a brand
_ARTICLES = ["der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "the", "a", "an"]
_OWNERS = ["mein", "meine", "meinem", "meinen", "unser", "unsere", "unseren", "my"]
_PASSED_OVER = frozenset([*_ARTICLES, *_OWNERS, "im", "am", "beim", HANDLE])


def names_both(words: Sequence[str]) -> bool:
    """Whether target and another brand are in the text."""
    return TARGET in words and OTHER in words


def whose(words: Sequence[str]) -> list[str]:
    """For each folded word TARGET, OTHER or BOTH."""
    owners: list[str] = []
    last = None
    for clause in _clauses(words):
        if MASKS.intersection(clause):
            owner = _owner(clause)
            if last is None:
                owners = [owner] * len(owners)
            last = owner
        owners += [last or BOTH] * len(clause)
    return owners


def _clauses(words: Sequence[str]) -> list[list[str]]:
    clauses: list[list[str]] = [[]]
    for word in words:
        if word in _SIGNS or word in _CONJUNCTIONS:
            clauses.append([])
        clauses[-1].append(word)
    return clauses


def _owner(clause: Sequence[str]) -> str:
    named = MASKS.intersection(clause)
    if len(named) == 1:
        return next(iter(named))
    roles = _roles(clause)
    for role, candidates in (
        (TOWARDS, roles[TOWARDS]),
        (MEASURE, MASKS - roles[MEASURE]),
        (AWAY, MASKS - roles[AWAY]),
    ):
        if roles[role] and len(candidates) == 1:
            return next(iter(candidates))
    return BOTH


def _roles(clause: Sequence[str]) -> dict[str, set[str]]:
    """The brands that a clause goes to, comes from, or takes as a measure."""
    roles: dict[str, set[str]] = {TOWARDS: set(), AWAY: set(), MEASURE: set()}
    for at, word in enumerate(clause):
        if word in MASKS and (role := _role(_before(clause, at))):
            roles[role].add(word)
    return roles


def _role(before: Sequence[str]) -> str | None:
    """What the two words before a brand, the nearest one first, make of it."""
    if before[:1] and before[0] in _GOING:
        return MEASURE if before[-1] in _COMPARING else TOWARDS
    if before[:1] and before[0] in _LEAVING:
        return AWAY
    return MEASURE if _MEASURING.intersection(before) else None


def _before(clause: Sequence[str], at: int) -> list[str]:
    """The two words before a brand, nearest first, articles passed over; none beyond another brand."""
    before: list[str] = []
    for word in reversed(clause[:at]):
        if word in MASKS or len(before) == 2:
            break
        if word not in _PASSED_OVER:
            before.append(word)
    return before


def seen_from_target(reading: Reading) -> Reading:
    """The reading without what is about the other brand alone."""
    if not names_both(reading.folded):
        return reading
    owners = whose(reading.folded)
    kept = [at for at, owner in enumerate(owners) if owner != OTHER]
    place = {at: number for number, at in enumerate(kept)}
    hits = [
        Hit(hit.field, place[hit.start], place[hit.end - 1] + 1)
        for hit in reading.hits
        if hit.start in place and hit.end - 1 in place
    ]
    return replace(
        reading,
        words=[reading.words[at] for at in kept],
        folded=[reading.folded[at] for at in kept],
        glued=[reading.glued[at] for at in kept if reading.glued],
        hits=hits,
    )


def seen_from_other(reading: Reading) -> Reading:
    """The same text as the other brand's watchlist reads it."""
    swapped = {TARGET: OTHER, OTHER: TARGET}
    return replace(
        reading,
        words=[swapped.get(word, word) for word in reading.words],
        folded=[swapped.get(word, word) for word in reading.folded],
    )


def side_features(reading: Reading) -> Iterator[str]:
    """What is said of the other brand, who comes first, and who is left, gone to or a measure for whom.

    Nothing where only one brand is named.
    """
    if not names_both(reading.folded):
        return
    owners = whose(reading.folded)
    yield f"oc {owners[0]}"
    yield "oc " + " ".join(side for side in (TARGET, OTHER, BOTH) if side in owners)
    for word, owner in zip(reading.folded, owners, strict=True):
        if owner == OTHER and word not in MASKS:
            yield f"ow {word}"
    yield from (f"ox {hit.field}" for hit in reading.hits if owners[hit.start] == OTHER)
    yield from _role_features(reading)


def _role_features(reading: Reading) -> Iterator[str]:
    """The role of each brand in its clause, alone and with each field of the clause."""
    start = 0
    for clause in _clauses(reading.folded):
        fields = [hit.field for hit in reading.hits if start <= hit.start < start + len(clause)]
        start += len(clause)
        named = [word for word in clause if word in MASKS]
        roles = [f"ro {role} {brand}" for role, brands in _roles(clause).items() for brand in sorted(brands)]
        if set(named) == MASKS:
            roles += [f"rb {_owner(clause)}", f"rf {named[0]}"]
        for role in roles:
            yield role
            yield from (f"{role} {field}" for field in fields)
