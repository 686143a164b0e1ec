"""The configuration of the source `forum`: where its pages are, and by which selectors they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, Strict, model_validator

from sources.base import Duration, PostKind, SourceSettings
from sources.http import WebAddress
from sources.page_reader import Question, Selector, WrittenSelector

FIELDS = ("id", "link", "author", "date", "title", "body", "rating", "replies", "thread")  # read in each item
OLDEST_FIRST = "oldest_first"


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("a time zone such as Europe/Berlin") from None
    return value


def _date_format(value: str) -> str:
    try:
        datetime.strptime(datetime(2026, 11, 21, 14, 5).strftime(value), value)
    except ValueError:
        value = ""
    if "%" not in value:
        raise ValueError("a strptime format such as %d.%m.%Y, %H:%M")
    return value


class ForumSettings(SourceSettings):
    """A board or a comment page, read by CSS selectors."""

    type: Literal["forum"]
    urls: tuple[WebAddress, ...] = Field(min_length=1, description="the pages that list the posts; each is a part")
    item: WrittenSelector = Field(description="one post: everything below but `next` and `empty` is looked for in it")
    id: WrittenSelector | None = Field(None, description="what identifies the post, such as `@id`")
    link: WrittenSelector | None = Field(None, description="its own address, such as `a.permalink@href`")
    author: WrittenSelector | None = Field(None, description="who wrote it")
    date: WrittenSelector | None = Field(None, description="when, such as `time@datetime`")
    title: WrittenSelector | None = Field(None, description="its title")
    body: WrittenSelector = Field(description="its text")
    rating: WrittenSelector | None = Field(None, description="the stars or points it gives")
    replies: WrittenSelector | None = Field(None, description="how many answers it has")
    thread: WrittenSelector | None = Field(None, description="the thread it stands in, such as `a.topic@href`")
    next: WrittenSelector | None = Field(None, description="the link to the next page, such as `a[rel=next]@href`")
    empty: WrittenSelector | None = Field(None, description="what stands on a page that has no post yet")
    order: Literal["newest_first", "oldest_first"] = Field("newest_first", description="how the posts are ordered")
    kind: Annotated[PostKind, Strict(False)] = Field(PostKind.POST, description="what the items are")
    date_formats: tuple[Annotated[str, AfterValidator(_date_format)], ...] = Field(
        (), description="strptime formats, tried before the known ones"
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="time zone of dates without one")
    pause: Duration = Field(timedelta(seconds=2), le=timedelta(seconds=60), description="pause between two pages")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @model_validator(mode="after")
    def _has_identity(self) -> Self:
        if self.id is None and self.link is None:
            raise ValueError("`id` or `link` must say how posts are told apart")
        return self

    @property
    def positions(self) -> str:
        """What a cursor counts in; a cursor of another kind leads nowhere."""
        return f"{self.order} {'dates' if self.date else 'numbers'}"

    @property
    def selectors(self) -> Mapping[str, str]:
        """Those of an item's fields, as written."""
        return {name: written for name in FIELDS if (written := getattr(self, name)) is not None}

    @property
    def question(self) -> Question:
        """What is looked for on each page."""
        page = {"base": Selector.of("base@href"), "lang": Selector.of("html@lang")}
        if self.next is not None:
            following = Selector.of(self.next)
            page["next"] = following if following.attribute else Selector(following.css, "href")
        if self.empty is not None:
            page["empty"] = Selector.of(self.empty)
        fields = {name: Selector.of(written) for name, written in self.selectors.items()}
        for name in ("link", "thread"):
            if name in fields and not fields[name].attribute:
                fields[name] = Selector(fields[name].css, "href")
        return Question(item=self.item, fields=fields, page=page)
