"""What Google's two review APIs have in common: lists that are missing where they are empty, and how they say no.

Errors are `{"error": {"code", "message", "status", "details"}}` (cloud.google.com/apis/design/errors).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sources.api import Refusal
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, JSON, Response, SourceError
from sources.http import refusal
from sources.pages import stale
from sources.shape import Item, items, listed, text

TOKENS = "https://oauth2.googleapis.com/token"
PAUSE = timedelta(hours=1)  # where a quota is used up, or none
QUOTA = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"})


def reviews(answer: JSON, beside: Collection[str]) -> list[Item]:
    """The list `reviews`. Without it only the keys in `beside` may be there. Raises SourceError."""
    if isinstance(answer, dict) and "reviews" not in answer and answer.keys() <= set(beside):
        return []
    return listed(answer, "reviews")


def explained(hint: str) -> Refusal:
    """How a Google API says no; `hint` is told beside a 403, and beside a quota that is 0."""

    def refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
        if response.status not in (403, 429):
            return stale(response, said, now)
        details = items(said, "error", "details")
        reasons = {text(each, "reason") for each in [*details, *items(said, "error", "errors")]}
        has_none = any(text(each, "metadata", "quota_limit_value") == "0" for each in details)
        passes = bool(reasons & QUOTA) and not has_none
        message = text(said, "error", "message")
        if response.status == 429 and not has_none:
            return None
        pause = PAUSE.total_seconds() if passes or has_none else None
        error = refusal(response, response.url, message if passes else f"{message} ({hint})".lstrip(), pause)
        error.backoff_limit = BACKOFF_SHORT if passes else BACKOFF_LONG
        return error

    return refused
