"""The fields of a post that are compared as a whole, and the addresses in its texts. Part of the reference."""

from __future__ import annotations

import re
import unicodedata

import re2

from rules.query_nodes import Regex, Value, Wildcard
from sources.base import Post


def holds_whole(name: str, part: object, post: Post) -> bool:
    """Whether a field of the post has the value."""
    found = values(name, post)
    match part:
        case Value(wanted):
            return _same(name, wanted) in [_same(name, value) for value in found]
        case Wildcard(pattern):
            return any([_fits(_same(name, pattern), _same(name, value)) for value in found])
        case Regex(pattern):
            return any([re2.search("(?i)" + pattern, value) is not None for value in found])
        case _:
            raise TypeError(f"{part} is no value")


def _same(name: str, value: str) -> str:
    folded = unicodedata.normalize("NFKC", value).casefold().strip()
    if name == "author":
        for sign in ("@", "/u/", "u/"):
            if folded.startswith(sign):
                return folded.removeprefix(sign)
    return folded.removeprefix("r/") if name == "subreddit" else folded


def _fits(pattern: str, value: str) -> bool:
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(_fits(pattern[1:], value[skipped:]) for skipped in range(len(value) + 1))
    return bool(value) and pattern[0] in ("?", value[0]) and _fits(pattern[1:], value[1:])


def values(name: str, post: Post) -> list[str]:
    """What the post has in the field; of a host also its parent domains."""
    match name:
        case "site":
            parts = host(post.url or "").split(".")
            return [".".join(parts[number:]) for number in range(len(parts)) if parts[number:] != [""]]
        case "subreddit":
            return _subreddit(post.url or "")
        case "kind":
            return [post.kind.value]
        case "lang":
            return [re.split("[-_]", post.lang)[0]] if post.lang else []
        case _:
            value = getattr(post, name)
            return [value] if value else []


def host(url: str) -> str:
    """The host of an address, also of one that was made harmless."""
    for sign in ("[.]", "(.)", "[dot]", "(dot)", " dot "):
        url = url.lower().replace(sign, ".")
    url = re.sub("^hxxp", "http", url.strip())
    _, separator, rest = url.partition("://")
    if not separator:
        return ""
    authority = re.split(r"[/?#\\]", rest)[0]
    return authority.rpartition("@")[2].split(":")[0].rstrip(".")


def _subreddit(url: str) -> list[str]:
    if host(url) != "reddit.com" and not host(url).endswith(".reddit.com"):
        return []
    found = re.match("[^:]*://[^/]*/r/([^/?#]+)", url)
    return [found[1]] if found else []


def links(post: Post) -> list[str]:
    """The addresses that the post links to."""
    found = [one for text in (post.title, post.text, post.raw) for one in re.findall(ADDRESS, text)]
    return [one.rstrip(".,;:!?)]}") for one in found]


ADDRESS = r"""(?i)\bhttps?://[^\s"'<>]+"""
