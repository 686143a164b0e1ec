"""What the demonstration prints around the alerts of the console receiver: the narrator and what arrives elsewhere."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_WIDTH = 110  # of lines, where the terminal is not narrower
_LEAST = 40
_COLOURS = {"narrator": "\x1b[36m{}\x1b[0m", "Slack": "\x1b[35m{}\x1b[0m", "Mail": "\x1b[34m{}\x1b[0m"}
_OTHER = "\x1b[32m{}\x1b[0m"

# Bytes that command a terminal would be acted on, not shown; tests plant them.
_CONTROL = {code: "�" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}


@dataclass(slots=True)
class Screen:
    """Writes through `write_line`. `colour`: it is a terminal. `arrived` counts what the servers were sent."""

    write_line: Callable[[str], None]
    colour: bool = False
    arrived: Counter[str] = field(default_factory=Counter)

    def say(self, text: str) -> None:
        """A paragraph, or lines where it has line ends."""
        self.write_line(text)

    def narrate(self, second: int, text: str) -> None:
        """`— 00:40  a customer asks`."""
        lead = f"— {second // 60:02}:{second % 60:02}  "
        told = ("\n" + " " * len(lead)).join(_wrapped(text, len(lead)))
        self.write_line(self._coloured("narrator", lead + told) + "\n")

    def arrive(self, where: str, lines: Iterable[str]) -> None:
        """What a person or a system got, behind a bar: `Slack #care | Complaint about ...`."""
        self.arrived[where] += 1
        shown = [part for line in lines for part in _wrapped(line.translate(_CONTROL), len(where) + 3)]
        leads = [where, *[" " * len(where)] * (len(shown) - 1)]
        style = where.split()[0]
        bar = [f"{self._coloured(style, f'{lead} |')} {line}" for lead, line in zip(leads, shown, strict=True)]
        self.write_line("\n".join([*bar, ""]))

    def _coloured(self, style: str, text: str) -> str:
        return _COLOURS.get(style, _OTHER).format(text) if self.colour else text


def _wrapped(line: str, margin: int) -> list[str]:
    """The line in pieces that fit beside `margin` characters; long words, such as addresses, stay whole."""
    room = max(_LEAST, min(_WIDTH, shutil.get_terminal_size((_WIDTH, 0)).columns) - margin)
    return textwrap.wrap(line, room, break_long_words=False, break_on_hyphens=False) or [""]
