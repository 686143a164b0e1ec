"""What a query may ask of a post beside its words: texts by name, and values that are compared as a whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

from rules.passage import Passage
from sources.base import Post

_LINK = re.compile(r"""\bhttps?://[^\s"'<>]+""", re.IGNORECASE)
_LINK_END = ".,;:!?)]}"
_DEFANGED_DOT = re.compile(r"\[\.\]|\(\.\)|\[dot\]|\(dot\)| dot ", re.IGNORECASE)
_DEFANGED_SCHEME = re.compile(r"^hxxp")
_DEFANGED = re.compile(r"[\[( ]|hxxp")
_HOST = re.compile(r".*?://(?:[^/?#\\]*@)?([^/?#\\:]*)", re.DOTALL)
_SUBREDDIT = re.compile(r"[^:]*://[^/]*/r/([^/?#]+)")
_ACCOUNT = re.compile(r"^(@|/?u/)")
_LONGEST = 256  # characters of a host


def _fold_value(value: str) -> str:
    """A whole value as it is compared: compatibility forms, any case, without space around it."""
    return value.lower().strip() if value.isascii() else unicodedata.normalize("NFKC", value).casefold().strip()


def links_of(post: Post) -> list[str]:
    """The addresses that a post links to, each once."""
    found = (link.rstrip(_LINK_END) for text in (post.title, post.text, post.raw) for link in _LINK.findall(text))
    return list(dict.fromkeys(found))


def host_of(url: str) -> str:
    """The host of a url in lower case, also of one that was made harmless; empty where it has none."""
    address = url.lower()
    if _DEFANGED.search(address):
        address = _DEFANGED_SCHEME.sub("http", _DEFANGED_DOT.sub(".", address).strip())
    found = _HOST.match(address)
    return found[1].rstrip(".") if found else ""


def _hosts(url: str | None) -> list[str]:
    return list(_with_parents(host_of(url))) if url else []


@lru_cache(maxsize=2**12)
def _with_parents(host: str) -> tuple[str, ...]:
    """The host and its parent domains; a host longer than any in the DNS has none."""
    labels = host.split(".") if len(host) < _LONGEST else [host]
    return tuple(".".join(labels[at:]) for at in range(len(labels))) if host else ()


def _subreddit(url: str | None) -> list[str]:
    if not url or "reddit.com" not in _hosts(url):
        return []
    found = _SUBREDDIT.match(url)
    return [found[1]] if found else []


def _language(lang: str | None) -> list[str]:
    return [re.split("[-_]", lang)[0]] if lang else []


_STATED: dict[str, Callable[[Post], list[str]]] = {
    "author": lambda post: [post.author] if post.author else [],
    "site": lambda post: _hosts(post.url),
    "source": lambda post: [post.source],
    "lang": lambda post: _language(post.lang),
    "kind": lambda post: [post.kind.value],
    "thread": lambda post: [post.thread] if post.thread else [],
    "subreddit": lambda post: _subreddit(post.url),
}


def fold_whole(name: str, value: str) -> str:
    """A value of a field as it is compared, that of a query and that of a post."""
    folded = _fold_value(value)
    if name == "author":
        return _ACCOUNT.sub("", folded)
    return folded.removeprefix("r/") if name == "subreddit" else folded


class Reader:
    """One post as queries read it; what nobody asks for is not worked out."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self._passages: dict[str, Sequence[Passage]] = {}
        self._values: dict[str, list[str]] = {}

    def passages(self, name: str) -> Sequence[Passage]:
        """The texts of a field: one for title and text, none or one for url, any number for links."""
        found = self._passages.get(name)
        if found is None:
            found = self._passages[name] = [Passage(text) for text in self._texts(name)]
        return found

    def _texts(self, name: str) -> list[str]:
        match name:
            case "title":
                return [self.post.title]
            case "text":
                return [self.post.text]
            case "url":
                return [self.post.url] if self.post.url else []
            case _:
                return links_of(self.post)

    def values(self, name: str) -> list[str]:
        """The values of a field that is compared as a whole, folded; a host with its parent domains."""
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = [fold_whole(name, value) for value in self.stated(name)]
        return found

    def stated(self, name: str) -> list[str]:
        """The same values as the post states them."""
        return _STATED[name](self.post)

    def number(self, name: str) -> float | None:
        """The value of a field that has ranges."""
        match name:
            case "rating":
                return self.post.rating
            case "followers":
                return self.post.followers
            case _:
                return self.post.engagement
