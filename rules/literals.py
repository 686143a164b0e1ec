"""Fixed pieces of regular expressions: characters that stand in a row in whatever matches.

What is uncertain is taken for nothing fixed, so that an expression may be asked for less than it needs, never for more.
"""

from __future__ import annotations

import re

_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|..)|[0-7]{1,3}|.)", re.DOTALL)
_REPEAT = re.compile(r"(?:(?:[*+?]|\{\d+(?:,\d*)?\})\??)+")
_ONCE_OR_MORE = re.compile(r"(?:\+|\{0*[1-9]\d*(?:,\d*)?\})\??")
_QUOTES = r"\Q"  # everything up to \E stands for itself: rare, and not read


def literals(pattern: str) -> list[str]:
    """Runs of letters and digits of which every match holds one: the longest of each branch, "" where none is sure."""
    return [max(runs, key=len) for runs in _branches(pattern)]


def _branches(pattern: str) -> list[list[str]]:
    """The runs that stand fixed in each alternative."""
    if _QUOTES in pattern:
        return [[""]]
    branches = [[""]]
    at = 0
    while at < len(pattern):
        character, runs = pattern[at], branches[-1]
        if character == "|":
            branches.append([""])
            at += 1
            continue
        end = _end_of_piece(pattern, at)
        repeat = _REPEAT.match(pattern, end)
        if not character.isalnum():
            runs.append("")
        elif repeat is None:
            runs[-1] += character
        else:
            runs[-1] += character if _ONCE_OR_MORE.fullmatch(repeat[0]) else ""
            runs.append("")
        at = repeat.end() if repeat else end
    return branches


def _end_of_piece(pattern: str, at: int) -> int:
    """Where the character, class, escape or group that begins at `at` ends."""
    if pattern[at] == "(":
        return _end_of_group(pattern, at)
    match = {"[": _CLASS, "\\": _ESCAPE}.get(pattern[at])
    found = match.match(pattern, at) if match else None
    return found.end() if found else at + 1


def _end_of_group(pattern: str, at: int) -> int:
    depth = 0
    while at < len(pattern):
        if pattern[at] == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        elif pattern[at] == "(":
            depth += 1
        at += 1 if pattern[at] in "()" else _end_of_piece(pattern, at) - at
    return at
