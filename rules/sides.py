"""Two brands in one text: which words are about which, clause by clause.

"bei OTHER 40 Minuten gewartet, bei TARGET ging sofort wer ran": seen from the target the first half is about somebody
else. A clause that names one brand is about it, and so are the clauses after it until another brand is named. One that
names both is about the one that somebody goes to ("von TARGET zu OTHER wechseln": the other), else about both, as is
what stands before the first name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from rules.lexicon import Hit
from rules.words import MASKS, OTHER, TARGET

if TYPE_CHECKING:
    from rules.reading import Reading

BOTH = "BOTH"
_SIGNS = frozenset([",", ";", ".", "!", "?", ":", "-", "–", "—", "(", ")", "…", "\n", "\n\n"])
_GERMAN = ["aber", "dagegen", "waehrend", "hingegen", "doch", "und", "sondern", "obwohl", "dafuer", "jetzt", "statt"]
_ENGLISH = ["but", "while", "whereas", "and", "though", "although", "instead", "now", "so"]
_TOWARDS = frozenset(["zu", "zum", "zur", "nach", "to", "for"])
_AWAY = frozenset(["von", "vom", "from"])
_CONJUNCTIONS = frozenset([*_GERMAN, *_ENGLISH])


def names_both(words: Sequence[str]) -> bool:
    """Whether target and another brand are in the text."""
    return set(words) >= MASKS


def whose(words: Sequence[str]) -> list[str]:
    """For each folded word TARGET, OTHER or BOTH."""
    clauses: list[list[str]] = [[]]
    for word in words:
        if word in _SIGNS or word in _CONJUNCTIONS:
            clauses.append([])
        clauses[-1].append(word)
    owners, last = [], BOTH
    for clause in clauses:
        named = MASKS.intersection(clause)
        if named:
            last = _goal(clause) if len(named) > 1 else next(iter(named))
        owners += [last] * len(clause)
    return owners


def _goal(clause: Sequence[str]) -> str:
    """Which of the two brands of a clause somebody goes to; BOTH where it is about no going, or says nothing clear."""
    goals = {after for before, after in pairwise(clause) if after in MASKS and before in _TOWARDS}
    left = {after for before, after in pairwise(clause) if after in MASKS and before in _AWAY}
    candidates = goals or MASKS.difference(left)
    return next(iter(candidates)) if len(candidates) == 1 else BOTH


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


def side_features(reading: Reading) -> Iterator[str]:
    """What is said of the other brand, and who comes first; nothing where only one is named."""
    if not names_both(reading.folded):
        return
    owners = whose(reading.folded)
    yield f"oc {owners[0]}"
    yield "oc " + " ".join(side for side in (TARGET, OTHER, BOTH) if side in owners)
    for word, owner in zip(reading.folded, owners, strict=True):
        if owner == OTHER and word not in MASKS:
            yield f"ow {word}"
    yield from (f"ox {hit.field}" for hit in reading.hits if owners[hit.start] == OTHER)
