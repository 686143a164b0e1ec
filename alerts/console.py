"""The receiver `console`: alerts on standard output, for people or as JSON lines (the shape of `payload.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Literal

from pydantic import Field, field_validator

from alerts.base import Alert, Receipt, ReceiverError, ReceiverSettings
from alerts.excerpt import Piece
from alerts.payload import alert_payload, json_line
from alerts.wording import Item, Message, compose
from alerts.words import Lang

_TEXT_LIMIT = 400  # of one post on the screen


class ConsoleSettings(ReceiverSettings):
    """`type: console`. Everything that is not an alert goes to standard error."""

    type: Literal["console"]
    format: Literal["text", "json"] = Field("text", description="text for people, json for one JSON object a line")
    lang: Lang = Field("en", description="the language of the words around a post")

    @field_validator("base_url")
    @classmethod
    def _has_no_address(cls, value: str | None) -> None:
        if value is not None:
            raise ValueError("the console has no address: leave base_url out")


@dataclass(frozen=True, slots=True)
class Style:
    """How the parts of a message stand out in plain text."""

    headline: str
    hit: str
    note: str
    faint: str


PLAIN = Style("{}", "[{}]", "{}", "{}")
_COLOURED = Style("\x1b[1m{}\x1b[0m", "\x1b[1;33m{}\x1b[0m", "\x1b[31m{}\x1b[0m", "\x1b[2m{}\x1b[0m")


class Console:
    """Writes through `write_line`, which adds the line end and flushes. `colour`: standard output is a terminal.

    A closed output (nobody reads any more) stops the channel; any other trouble (a full disk) is tried again.
    """

    def __init__(
        self, settings: ConsoleSettings, write_line: Callable[[str], None], colour: bool, zone: tzinfo = UTC
    ) -> None:
        self._settings = settings
        self._zone = zone
        self._write_line = write_line
        self._style = _COLOURED if colour else PLAIN

    async def send(self, alert: Alert) -> Receipt:
        text = self._render(alert)
        try:
            self._write_line(text)
        except UnicodeEncodeError as error:
            message = f"standard output cannot show the text in {error.encoding}: set PYTHONIOENCODING=utf-8"
            raise ReceiverError(message, permanent=True, channel=True) from error
        except (BrokenPipeError, ValueError) as error:  # ValueError: the file object is closed
            raise ReceiverError("standard output is closed", permanent=True, channel=True) from error
        except OSError as error:
            raise ReceiverError(f"standard output: {error.strerror}", maybe_sent=True) from error
        return Receipt()

    async def probe(self) -> str:
        return f"writes {self._settings.format} to standard output"

    def _render(self, alert: Alert) -> str:
        settings = self._settings
        if settings.format == "json":
            return json_line(alert_payload(alert, show_personal=settings.show_personal))
        message = compose(alert, settings.lang, _TEXT_LIMIT, zone=self._zone, show_personal=settings.show_personal)
        return "\n".join(plain_lines(message, self._style))


def plain_lines(message: Message, style: Style) -> list[str]:
    """The headline at the margin, everything else indented, a blank line at the end."""
    body = [style.note.format(f"! {note}") for note in message.notes]
    body += [line for line in (message.state, message.earlier) if line]
    body += [_marked(pieces, style) for pieces in (message.title, message.text) if pieces]
    body += [line for item in message.items for line in _item_lines(item)]
    body += [style.faint.format(line) for line in (message.more(len(message.items)), message.byline) if line]
    body += [style.faint.format(line) for line in message.why]
    body += [f"{link.label}: {link.url}" for link in (*message.links, *message.seen_at)]
    return [style.headline.format(message.headline), *(f"  {line}" for line in body), ""]


def _item_lines(item: Item) -> list[str]:
    lines = [f"- {item.headline}" + (f" · {item.state}" if item.state else ""), f"  {item.text}"]
    return [*lines, f"  {item.url}"] if item.url else lines


def _marked(pieces: tuple[Piece, ...], style: Style) -> str:
    return "".join(style.hit.format(piece.text) if piece.is_hit else piece.text for piece in pieces)
