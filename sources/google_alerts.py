"""Mails of Google Alerts, taken apart into their results.

Each carries its results as JSON in `<script data-scope="inboxmarkup" type="application/json">` (`cards[].widgets[]`
with `title`, `description`, `url`), and as links in its HTML. All links lead through `google.com/url?...&url=`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from sources.base import JSON
from sources.http import web_link
from sources.shape import items, text
from sources.text import html_to_text, plain_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

SENDER = "googlealerts-noreply@google.com"
MOST_RESULTS = 200  # of one mail; they have 20 or so


@dataclass(frozen=True, slots=True)
class Result:
    """One page that Google found."""

    url: str
    title: str
    text: str = ""
    publisher: str = ""


def unwrapped(link: str) -> str | None:
    """Where a link leads to; None where that is Google itself, or nowhere."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if not host.startswith("google."):
        return web_link(link)
    if parts.path != "/url":
        return None
    query = parse_qs(parts.query)
    return web_link((query.get("url") or query.get("q") or [""])[0])


def unpack(html: str) -> list[Result]:
    """The results in a mail, each address once; none where it cannot be understood."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html)
    linked, found = _each_once(_linked(tree)), _each_once(_marked(tree))
    for url in found.keys() & linked.keys():
        found[url] = replace(linked[url], title=found[url].title, text=found[url].text or linked[url].text)
    return list((found or linked).values())[:MOST_RESULTS]


def _each_once(results: Iterable[Result]) -> dict[str, Result]:
    found: dict[str, Result] = {}
    for result in results:
        found.setdefault(result.url, result)
    return found


def _marked(tree: LexborHTMLParser) -> Iterator[Result]:
    """What the JSON lists."""
    for script in tree.css('script[data-scope="inboxmarkup"]'):
        try:
            said: JSON = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        for card in items(said, "cards"):
            for widget in items(card, "widgets"):
                url, title = unwrapped(text(widget, "url")), html_to_text(text(widget, "title"))
                if url and title:
                    yield Result(url, title, html_to_text(text(widget, "description")))


def _linked(tree: LexborHTMLParser) -> Iterator[Result]:
    """What the HTML links to; the text around a link is the cell that it stands in."""
    for link in tree.css("a[href]"):
        href = link.attributes.get("href") or ""
        url, title = unwrapped(href) if "/url?" in href else None, plain_text(link.text())
        if url and title:
            row = _row(link)
            yield Result(url, title, _property(row, "description"), _property(row, "publisher"))


def _row(link: LexborNode) -> LexborNode:
    node = link
    for _ in range(8):
        if node.tag in ("tr", "table", "body") or node.parent is None:
            break
        node = node.parent
    return node


def _property(node: LexborNode, name: str) -> str:
    found = node.css_first(f'[itemprop="{name}"]')
    return plain_text(found.text()) if found is not None else ""
