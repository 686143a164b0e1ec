"""What stands in the cells of exports, as people and programs write it."""

from __future__ import annotations

import re

# 4 · 4,5 · 4.5/5 · 4 von 5 · 4,0 von 5 Sternen · 3 stars · 5 étoiles
_RATING = re.compile(
    r"(\d{1,3}(?:[.,]\d{1,6})?)(?:\s*(?:/|von|out of|of|sur)\s*\d{1,3}(?:[.,]0+)?)?"
    r"(?:\s*(?:★|⭐|stern(?:en|e)?|stars?|étoiles?|punkte?n?|points?))?"
)
_STARS = re.compile("((?:[★⭐]\ufe0f?)*)[☆✩]*")
_COUNT = re.compile(r"\d{1,15}|\d{1,3}(?:[.,' \u00a0\u202f]\d{3}){1,4}")
_NO = frozenset({"", "0", "-", "–", "n", "no", "nein", "false", "falsch", "none", "null", "n/a", "n.a."})


def read_rating(cell: str) -> float | None:
    """The figure before any "of 5", or the number of stars drawn; None where there is none."""
    written = " ".join(cell.split()).casefold()
    if match := _RATING.fullmatch(written):
        return float(match[1].replace(",", "."))
    drawn = _STARS.fullmatch(written.replace(" ", ""))
    return float(len(drawn[1].replace("\ufe0f", ""))) if drawn and drawn[0] else None


def read_count(cell: str) -> int | None:
    """A whole number, also with signs between its thousands."""
    match = _COUNT.fullmatch(cell.strip())
    return int(re.sub(r"\D", "", match[0])) if match else None


def read_flag(cell: str) -> bool:
    """Whether it says yes: the answer itself does too."""
    return cell.strip().casefold() not in _NO
