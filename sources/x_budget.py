"""A monthly budget of paid reads that is never exceeded, whatever is killed at whatever time.

What a call may cost is set aside in the cursor, and stored, before it is made; what it did cost takes its place after.
Only the process that set it aside may use it, and once: after a kill, or an answer that got lost, nobody knows whether
the call was made, so what was set aside counts as spent, and the next call is a small one. Months are those of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from weakref import WeakKeyDictionary

from sources.base import Cursor, Http, SourceError
from sources.shape import text, whole


@dataclass(slots=True)
class Process:
    """The life of one HTTP session. `used`: by source, what was set aside and has been asked for."""

    id: str = field(default_factory=lambda: token_hex(8))
    used: dict[str, str] = field(default_factory=dict)


_PROCESSES: WeakKeyDictionary[Http, Process] = WeakKeyDictionary()


def process_of(http: Http) -> Process:
    """What this process knows of its calls; another process knows nothing of them."""
    return _PROCESSES.setdefault(http, Process())


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The part of a cursor that is money: units of `month`, of which `reserved` may be asked for with `ticket`."""

    month: str
    spent: int = 0
    calls: int = 0  # all that were ever prepared: numbers the tickets
    reserved: int = 0
    ticket: str = ""
    is_wary: bool = False  # the last call got lost

    @classmethod
    def of(cls, cursor: Cursor, now: datetime) -> Account:
        """The account as it stands; a new month begins with nothing spent."""
        month = f"{now:%Y-%m}"
        spent = (whole(cursor, "spent") or 0) if cursor.get("month") == month else 0
        return cls(
            month=month,
            spent=spent,
            calls=whole(cursor, "calls") or 0,
            reserved=whole(cursor, "reserved") or 0,
            ticket=text(cursor, "ticket"),
            is_wary=cursor.get("wary") is True,
        )

    def cursor(self) -> Cursor:
        """As part of a cursor."""
        kept: Cursor = {"month": self.month, "spent": self.spent, "calls": self.calls}
        if self.ticket:
            kept |= {"reserved": self.reserved, "ticket": self.ticket}
        return kept | ({"wary": True} if self.is_wary else {})

    def written_off(self) -> Account:
        """What was set aside counts as spent."""
        lost = bool(self.ticket)
        return Account(
            month=self.month, spent=self.spent + self.reserved, calls=self.calls, is_wary=self.is_wary or lost
        )

    def reserve(self, units: int, process: Process) -> Account:
        """Set units aside for one call of this process."""
        number = self.calls + 1
        return Account(
            month=self.month,
            spent=self.spent,
            calls=number,
            reserved=units,
            ticket=f"{process.id}:{number}",
            is_wary=self.is_wary,
        )

    def settled(self, units: int) -> Account:
        """After an answer that cost so much."""
        return Account(month=self.month, spent=self.spent + units, calls=self.calls)

    def is_usable(self, process: Process, source: str) -> bool:
        """Whether this process set something aside that it has not asked for yet."""
        return self.ticket.startswith(f"{process.id}:") and process.used.get(source) != self.ticket

    def left(self, budget: int) -> str:
        """For the operator."""
        rest = max(budget - self.spent - self.reserved, 0)
        return f"{rest:,} of {budget:,} reads in {self.month}"


def used_up(now: datetime, budget: int) -> SourceError:
    """The error for a month whose budget is spent."""
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    message = f"the budget of {budget:,} reads is used up until {following:%Y-%m-%d}"
    return SourceError(message, retry_after=(following - now).total_seconds())
