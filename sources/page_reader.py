"""Values out of HTML pages by CSS selectors, in a child process with limits (see sources.page_worker)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator

from sources.child import Child
from sources.feed_encoding import decode

TIMEOUT = 5.0  # seconds for one page

_SELECTOR = re.compile(r"(.*?)(?:@([A-Za-z_:][\w:.-]*))?", re.DOTALL)
_CHARSET = re.compile(rb"""<meta\b[^<>]{0,200}charset\s*=\s*["']?\s*([\w:.-]{1,40})""", re.IGNORECASE)
_HEAD = 4096  # bytes within which a page says how it is encoded; browsers look at 1,024


@dataclass(frozen=True, slots=True)
class Selector:
    """`div.post` is the content of the first match, `a@href` its attribute, `@id` an attribute of the item itself."""

    css: str
    attribute: str | None

    @classmethod
    def of(cls, written: str) -> Selector:
        match = _SELECTOR.fullmatch(written.strip())
        assert match is not None  # it takes everything
        return cls(match[1].strip(), match[2])


def _written(value: str) -> str:
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    selector = Selector.of(value)
    try:
        if selector.css or not selector.attribute:
            LexborHTMLParser("<p>").css_first(selector.css)
    except SelectolaxError:
        raise ValueError("a CSS selector such as div.post, a.link@href or @id") from None
    return value


WrittenSelector = Annotated[str, AfterValidator(_written)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for: in each item, and once on the page."""

    item: str = ""
    fields: Mapping[str, Selector] = field(default_factory=dict)
    page: Mapping[str, Selector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Caught:
    """What was found, by the names in the question: HTML, or an attribute's value. What was not found is not there."""

    items: tuple[Mapping[str, str], ...]
    page: Mapping[str, str]


class PageError(Exception):
    """The page cannot be read within the limits, or the question not at all."""


class PageReader(Protocol):
    """Looks for values on pages."""

    async def read(self, text: str, question: Question) -> Caught:
        """Raises PageError."""
        ...


class LexborReader:
    """Implements PageReader: one page after the other; safe to share between sources of one event loop."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._child = Child("sources.page_worker", timeout)

    async def read(self, text: str, question: Question) -> Caught:
        """Raises PageError."""
        try:
            return caught_from(await self._child.ask(asked(text, question)))
        except TimeoutError as error:
            raise PageError(f"the page took longer than {self._child.timeout:g} s to read") from error
        except OSError as error:
            raise PageError("the reader broke off on the page: too large or nested too deeply") from error

    async def close(self) -> None:
        """End the child process."""
        await self._child.close()


def asked(text: str, question: Question) -> dict[str, Any]:
    """The question in the form of sources.page_worker."""
    return {
        "text": text,
        "item": question.item,
        "fields": {name: [selector.css, selector.attribute] for name, selector in question.fields.items()},
        "page": {name: [selector.css, selector.attribute] for name, selector in question.page.items()},
    }


def caught_from(answer: Mapping[str, Any]) -> Caught:
    """What the child answered. Raises PageError where it could not read the question."""
    if "trouble" in answer:
        raise PageError(answer["trouble"])
    return Caught(tuple(answer["items"]), answer["page"])


def decode_page(body: bytes, content_type: str | None) -> str:
    """Return the text of a page: the charset of the header, else that of its `meta` element."""
    declared = _CHARSET.search(body[:_HEAD])
    if declared and "charset" not in (content_type or "").lower():
        content_type = f"text/html; charset={declared[1].decode('ascii')}"
    return decode(body, content_type)
