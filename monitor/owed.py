"""An alert as it begins: a row that is owed from now on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts.base import Reason


def owed_row(subject: str, receiver: str, recipient: str, reason: Reason, n: int, now: datetime) -> dict[str, Any]:
    """An alert that is owed from now on."""
    return {
        "subject": subject,
        "receiver": receiver,
        "recipient": recipient,
        "reason": reason.value,
        "n": n,
        "mention_id": None,
        "group_id": None,
        "routes": [],
        "intervals": [],
        "called": [],
        "revision": 0,
        "repeat_every": None,
        "notice": "",
        "state": "owed",
        "held_for": None,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
        "possibly_sent": False,
    }
