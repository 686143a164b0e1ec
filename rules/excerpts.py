"""Long texts are read as a whole and around what is watched, so that a brand in the last paragraph is not drowned."""

from __future__ import annotations

import re

from rules.words import TARGET

LONG = 800  # characters; shorter texts are read as they are
_AROUND = 300  # characters on either side of a name, grown to whole sentences
_MOST = 2  # excerpts beside the whole: bounds the time that one post can cost
_END = re.compile(r"[.!?…][\"”“»)]?\s+|\n+")
_NAME = re.compile(rf"\b{TARGET}")


def excerpts(text: str) -> list[str]:
    """The text; of a long one also the passages around the target's first names, or its start where none is named."""
    if len(text) <= LONG:
        return [text]
    breaks = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    windows: list[tuple[int, int]] = []
    for found in _NAME.finditer(text):
        if windows and found.start() < windows[-1][1]:
            continue
        windows.append(_grown(breaks, found.start() - _AROUND, found.end() + _AROUND))
        if len(windows) == _MOST:
            break
    return [text, *(text[start:end] for start, end in windows or [_grown(breaks, 0, 2 * _AROUND)])]


def _grown(breaks: list[int], start: int, end: int) -> tuple[int, int]:
    """The bounds moved inwards to ends of sentences where some are near."""
    begin = next((at for at in breaks if start <= at <= start + _AROUND // 2), max(0, start))
    finish = next((at for at in reversed(breaks) if end - _AROUND // 2 <= at <= end), end)
    return begin, finish
