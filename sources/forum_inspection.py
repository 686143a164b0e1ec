"""What each selector caught on a page, for whoever writes the configuration of a source `forum`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sources.board_dates import board_date
from sources.forum_page import count_of, excerpt, rating_of
from sources.forum_settings import ForumSettings
from sources.http import shown
from sources.page_reader import Caught

SHOWN = 2  # values of each selector


def inspection(config: ForumSettings, caught: Caught, url: str, now: datetime) -> tuple[str, ...]:
    """A line for each selector: how many items it caught, and the first values with what is read in them."""
    return tuple(_lines(config, caught, url, now))


def _lines(config: ForumSettings, caught: Caught, url: str, now: datetime) -> Iterator[str]:
    yield f"{shown(url)}: {len(caught.items)} items by `item: {config.item}`"
    for name, written in config.selectors.items():
        values = [item[name] for item in caught.items if name in item]
        examples = ", ".join(_example(config, name, value, now) for value in values[:SHOWN])
        yield f"  {name:8} {len(values):4} of {len(caught.items)} by `{written}`" + (
            f": {examples}" if examples else ""
        )
    for name, selector in (("next", config.next), ("empty", config.empty)):
        if selector is not None:
            value = caught.page.get(name)
            yield f"  {name:8} " + (
                f"`{selector}`: {excerpt(value)!r}" if value is not None else f"none by `{selector}`"
            )


def _example(config: ForumSettings, name: str, value: str, now: datetime) -> str:
    """The value, and what it is read as where that is something else."""
    seen = repr(excerpt(value))
    if name == "date":
        when = board_date(excerpt(value, longest=200), now, ZoneInfo(config.timezone), config.date_formats)
        return f"{seen} = {when:%Y-%m-%d %H:%M} UTC" if when else f"{seen} is no date that is understood"
    if name in ("rating", "replies"):
        read = rating_of(excerpt(value)) if name == "rating" else count_of(excerpt(value))
        return f"{seen} = {read:g}" if read is not None else f"{seen} is no number"
    return seen
