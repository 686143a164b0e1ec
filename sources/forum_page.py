"""From what the selectors caught on a page to posts, and the alarm when they catch nothing: the layout changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from sources.base import BACKOFF_LONG, Post, SourceError
from sources.board_dates import board_date
from sources.dates import believed
from sources.feed_entry import absolute, language
from sources.feed_identity import canonical_link, stable_id
from sources.forum_settings import ForumSettings
from sources.http import is_web_address, rebased, shown
from sources.page_reader import Caught
from sources.text import html_to_text, plain_text
from sources.walk import Place

_SESSION = re.compile(r"(?:^|(?<=&))(?:sid|s|phpsessid|jsessionid|session_?id)=[0-9a-z]{16,}(?:&|$)", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,2})?")
_COUNT = re.compile(r"\d{1,3}(?:[.,' ]\d{3})+(?!\d)|\d+")
_LAST_NUMBER = re.compile(r"(\d{1,18})\D*$")


@dataclass(frozen=True, slots=True)
class BoardPage:
    """One page, read. `next` is the address of the one after it; `url` is its own."""

    url: str
    posts: tuple[Post, ...]  # in the order of the page
    places: tuple[Place, ...]  # of those that have one
    next: str | None
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageMaker:
    """Makes the posts of one part, whose configured address is `site`."""

    config: ForumSettings
    site: str

    def read(self, caught: Caught, url: str, now: datetime) -> BoardPage:
        """`url` is where the page came from. Raises SourceError where it is not what the selectors were written for."""
        check(self.config, caught, url, now)
        base = absolute(caught.page.get("base"), url) or url
        made: dict[str, Post] = {}
        doubled = lost = 0
        for item in caught.items:
            post = self._post(item, base, language(caught.page.get("lang")), url, now)
            if post is None:
                lost += 1
            elif post.external_id in made:
                doubled += 1
            else:
                made[post.external_id] = post
        posts = tuple(made.values())
        places = tuple(place for post in posts if (place := self._place(post)) is not None)
        if not posts and caught.items:
            raise changed(url, "no item has an identity and a text")
        if doubled and len(posts) == 1:
            raise changed(url, f"all {doubled + 1} items have the same identity ({posts[0].external_id})")
        return BoardPage(
            url=url,
            posts=posts,
            places=places,
            next=self._next(address_of(caught.page.get("next"), base), url),
            notices=tuple(_notices(lost, doubled, has_places=bool(places) or not posts)),
        )

    def _post(self, item: Mapping[str, str], base: str, lang: str | None, url: str, now: datetime) -> Post | None:
        link = address_of(item.get("link"), base)
        identity = self._identity(item.get("id", ""), link)
        title, body = html_to_text(item.get("title", "")), html_to_text(item.get("body", ""))
        if identity is None or not (title or body):
            return None
        raw = excerpt(item.get("date", ""), longest=200)
        published_at, dated = believed(self._date(raw, now), now)
        thread = address_of(item.get("thread"), base) or plain_text(item.get("thread", ""))
        return Post(
            source=self.config.name,
            external_id=identity,
            url=link or _anchor(self.config, item.get("id"), url),
            title=title,
            text=body,
            author=excerpt(item.get("author", ""), longest=200) or None,
            lang=lang,
            kind=self.config.kind,
            thread=stable_id(canonical_link(thread)) if thread else None,
            rating=rating_of(html_to_text(item.get("rating", ""))),
            engagement=count_of(html_to_text(item.get("replies", ""))),
            published_at=published_at,
            published_raw=raw or None,
            dated=dated,
            raw=item.get("body", ""),
        )

    def _next(self, link: str | None, url: str) -> str | None:
        """The next page; never one of another host, whose robots.txt was not asked."""
        address = rebased(self.config.base_url, self.site)(link) if link else None
        return address if address and urlsplit(address).netloc == urlsplit(url).netloc else None

    def _identity(self, written: str, link: str | None) -> str | None:
        if self.config.id is None:
            return stable_id(canonical_link(link)) if link else None
        name = excerpt(written, longest=500)
        return stable_id(f"{urlsplit(self.site).netloc} {name}") if name else None

    def _date(self, raw: str, now: datetime) -> datetime | None:
        return board_date(raw, now, ZoneInfo(self.config.timezone), self.config.date_formats)

    def _place(self, post: Post) -> Place | None:
        """By its date in seconds; where the page shows none, by the last number in its identity."""
        if self.config.date is not None:
            at = int(post.published_at.timestamp())
            return Place(at, at) if post.dated else None
        number = _LAST_NUMBER.search(post.external_id)
        return Place(int(number[1]), 0) if number else None


def check(config: ForumSettings, caught: Caught, url: str, now: datetime) -> None:
    """Raise SourceError, which names the selector, where a page shows no item, or items without what makes them one."""
    if not caught.items:
        if "empty" in caught.page:
            return
        hint = "" if config.empty else " (`empty` can name what stands on a page without posts)"
        raise changed(url, f"no item matches `item: {config.item}`{hint}")

    def is_date(value: str) -> bool:
        zone = ZoneInfo(config.timezone)
        return board_date(excerpt(value, longest=200), now, zone, config.date_formats) is not None

    for name in ("id", "link", "body", "date"):
        if name in config.selectors and not (name == "link" and config.id):
            _check_caught(config, caught, url, name, is_date if name == "date" else lambda value: bool(excerpt(value)))


def _check_caught(config: ForumSettings, caught: Caught, url: str, name: str, is_good: Callable[[str], bool]) -> None:
    values = [item[name] for item in caught.items if name in item]
    if any(map(is_good, values)):
        return
    example = f" in {excerpt(values[0])!r}" if values else ""
    count = len(caught.items)
    raise changed(url, f"none of the {count} items has a {name} by `{name}: {config.selectors[name]}`{example}")


def changed(url: str, what: str) -> SourceError:
    """The alarm."""
    return SourceError(f"{shown(url)}: {what}; has the layout changed?", backoff_limit=BACKOFF_LONG)


def excerpt(value: str, longest: int = 60) -> str:
    """What a selector caught, in one line."""
    words = " ".join(html_to_text(value[: 50 * longest]).split())
    return words if len(words) <= longest else words[: longest - 1] + "…"


def address_of(link: str | None, base: str) -> str | None:
    """The address made absolute, without the session that some boards put into every link."""
    address = absolute(link, base)
    if not address or not is_web_address(address):
        return None
    parts = urlsplit(address)
    query = _SESSION.sub("", parts.query).rstrip("&")
    return address if query == parts.query else urlunsplit(parts._replace(query=query))


def rating_of(words: str) -> float | None:
    """The first number ("4,5 von 5"), else the full stars."""
    if match := _NUMBER.search(words):
        return float(match[0].replace(",", "."))
    stars = words.count("★")
    return float(stars) if stars else None


def count_of(words: str) -> int | None:
    """The first whole number, however its thousands are set apart."""
    match = _COUNT.search(words)
    return int(re.sub(r"\D", "", match[0])[:18]) if match else None


def _anchor(config: ForumSettings, identity: str | None, url: str) -> str | None:
    """The place on the page: where the identity is the item's own anchor."""
    page = address_of(url, url)
    if config.id != "@id" or not identity or not page or not re.fullmatch(r"[\w:.-]{1,200}", identity):
        return page
    return f"{page.partition('#')[0]}#{identity}"


def _notices(lost: int, doubled: int, *, has_places: bool) -> Iterator[str]:
    if lost:
        yield f"{lost} items without an identity or a text were left out"
    if doubled:
        yield f"{doubled} items with the identity of another one were left out"
    if not has_places:
        yield "neither dates nor numbers in the identities: only the first page is read, and gaps are not noticed"
