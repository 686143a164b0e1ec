"""Which entry of a feed is which, from one document to the next.

The ladder: guid, else canonical link, else hash of title and content. A feed that breaks it is read by a stricter
policy from then on, for all its entries, and `renamed` says what every known entry is called now:
guids that stand for several entries get the link (and where that is the same too, the title) added; guids that are
drawn anew at every poll are no longer looked at.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sources.document import Entry
from sources.text import html_to_text

LONGEST_ID = 500  # characters; longer ones are hashed, so that every database can index them


class Policy(StrEnum):
    """What an external id is made of."""

    GUID = "guid"
    GUID_LINK = "guid+link"
    GUID_LINK_TITLE = "guid+link+title"
    LINK = "link"
    LINK_TITLE = "link+title"


_LADDERS = ((Policy.GUID, Policy.GUID_LINK, Policy.GUID_LINK_TITLE), (Policy.LINK, Policy.LINK_TITLE))
_WITH_LINK = frozenset({Policy.GUID_LINK, Policy.GUID_LINK_TITLE, Policy.LINK, Policy.LINK_TITLE})
_WITH_TITLE = frozenset({Policy.GUID_LINK_TITLE, Policy.LINK_TITLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One document, identified. `last` is what the next one is compared with: {external id: mark of link and title}."""

    policy: Policy
    ids: tuple[str, ...]  # per entry, in document order; copies of one entry share theirs
    last: dict[str, str]
    renamed: dict[str, str]
    gap: bool  # no entry in common with the document before


def identify(entries: Sequence[Entry], *, scope: str, policy: Policy, last: Mapping[str, str]) -> Reading:
    """Name every entry. `scope` (host and path of the feed) is added to guids that are not unique by their form."""
    ids = [_identity(entry, policy, scope) for entry in entries]
    marks = [_mark(entry) for entry in entries]
    redrawn = _redrawn(ids, marks, last)
    if len(redrawn) * 2 > len(set(ids)) and policy in _LADDERS[0]:
        strict = _strict_enough(entries, Policy.LINK, scope)
        new = [_identity(entry, strict, scope) for entry in entries]
        renamed, gap = {old: new[index] for old, index in redrawn.items()}, False
    else:
        is_enough = len(set(ids)) == len(entries)
        strict = policy if is_enough else _strict_enough(entries, policy, scope)
        new = ids if strict is policy else [_identity(entry, strict, scope) for entry in entries]
        renamed = {} if strict is policy else _renamed(ids, new, marks, last)
        gap = bool(entries and last) and not any(each in last for each in ids)
    return Reading(policy=strict, ids=tuple(new), last=dict(zip(new, marks, strict=True)), renamed=renamed, gap=gap)


def stable_id(text: str) -> str:
    """`text` itself where it can be a key in every database, else its hash."""
    return text if len(text) <= LONGEST_ID and text.isprintable() else digest(text)


def digest(text: str) -> str:
    """128 bits in hexadecimal; lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|dclid|msclkid|mc_cid|mc_eid|igshid|wt_\w+|at_\w+")


def canonical_link(link: str) -> str:
    """The address without what changes from one copy to the next: scheme, upper case in the host, tracking keys."""
    try:
        parts = urlsplit(link.strip())
        host = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 80, 443) else "")
    except ValueError:
        return link.strip()
    if parts.scheme not in ("http", "https"):
        return link.strip()
    query = parts.query
    if _TRACKING.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(key, value) for key, value in pairs if not _TRACKING.fullmatch(key.lower())])
    return urlunsplit(("https", host, parts.path or "/", query, parts.fragment))


_UNIQUE = re.compile(r"[a-z][a-z0-9+.-]*://.+|urn:.+|tag:.+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _scoped(guid: str, scope: str) -> str:
    guid = " ".join(guid.split())
    return guid if not guid or _UNIQUE.fullmatch(guid) else f"{scope} {guid}"


def _essence(markup: str) -> str:
    text = html_to_text(markup)
    return "".join(filter(str.isalnum, text.casefold())) or text


def _identity(entry: Entry, policy: Policy, scope: str) -> str:
    guid = _scoped(entry.id or "", scope) if policy in _LADDERS[0] else ""
    link = canonical_link(entry.link) if entry.link else ""
    if not guid and not link:
        return digest(f"{_essence(entry.title)}\n{_essence(entry.content)}")
    parts = [guid, link] if policy in _WITH_LINK else [guid or link]
    if policy in _WITH_TITLE:
        parts.append(digest(_essence(entry.title) or _essence(entry.content)))
    return stable_id(" ".join(filter(None, parts)))


def _mark(entry: Entry) -> str:
    link, title = canonical_link(entry.link) if entry.link else "", _essence(entry.title)
    return digest(f"{link}\n{title}" if link or title else f"\n\n{_essence(entry.content)}")[:16]


def _strict_enough(entries: Sequence[Entry], policy: Policy, scope: str) -> Policy:
    """The first policy from `policy` on that gives no two different entries one id."""
    ladder = next(each for each in _LADDERS if policy in each)
    strictest = [_identity(entry, ladder[-1], scope) for entry in entries]
    for candidate in ladder[ladder.index(policy) :]:
        ids = [_identity(entry, candidate, scope) for entry in entries]
        if len(set(ids)) == len(set(strictest)):
            return candidate
    return ladder[-1]


def _redrawn(ids: Sequence[str], marks: Sequence[str], last: Mapping[str, str]) -> dict[str, int]:
    """{id that vanished: index of the entry that has its link and title under an id never seen}.

    Marks that several entries share (one link for all, no titles) prove nothing and are left out.
    """
    shown = dict(zip(ids, marks, strict=True))  # copies of one entry count once
    before, now = Counter(last.values()), Counter(shown.values())
    vanished = {mark: old for old, mark in last.items() if before[mark] == 1 and old not in shown}
    return {
        vanished[mark]: index
        for index, mark in enumerate(marks)
        if mark in vanished and now[mark] == 1 and ids[index] not in last
    }


def _renamed(old: Sequence[str], new: Sequence[str], marks: Sequence[str], last: Mapping[str, str]) -> dict[str, str]:
    """Old name to new. Of entries that shared a name, the one that the last document showed keeps its history."""
    bearers: dict[str, dict[str, str]] = {}
    for before, after, mark in zip(old, new, marks, strict=True):
        bearers.setdefault(before, {})[after] = mark
    renamed = {}
    for before, named in bearers.items():
        known = [after for after, mark in named.items() if len(named) == 1 or last.get(before) == mark]
        if len(known) == 1:
            renamed[before] = known[0]
    return renamed
