"""A receiver that fails as it is told to, and holds every alert against what it accepted before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from alerts.base import Alert, Reason, Receipt, ReceiverError
from tests.simulation.world import token_of

IN_ORDER = 5  # attempts after which a row that fails lets the next one through


class Killed(BaseException):
    """kill -9: nothing of mentiond may catch it."""


class Violation(BaseException):
    """mentiond broke a promise; nothing of it may catch this either."""


def hold(condition: object, message: str) -> None:
    """Raises Violation where it does not."""
    if not condition:
        raise Violation(message)


@dataclass(slots=True)
class Box:
    """One channel as its people see it."""

    name: str
    troubles: list[str] = field(default_factory=list)
    accepted: dict[str, Alert] = field(default_factory=dict)  # by key, as first accepted
    refused: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)  # replies that never came back, by key
    unanswered: str = ""  # accepted, and not marked yet
    is_disordered: bool = False  # a row failed that often
    copies: int = 0

    async def send(self, alert: Alert) -> Receipt:
        match self.troubles.pop(0) if self.troubles else "":
            case "down":
                self.is_disordered |= alert.attempt >= IN_ORDER
                raise ReceiverError("503", maybe_sent=True)
            case "lost":
                self._accept(alert)
                self.is_disordered |= alert.attempt >= IN_ORDER
                self.lost[alert.key] += 1
                raise ReceiverError("reset after write", maybe_sent=True)
            case "wait":
                raise ReceiverError("429", retry_after=1800.0)
            case "refuse":
                self.refused.add(alert.key)
                raise ReceiverError("too long", permanent=True)
            case "stop":
                raise ReceiverError("invalid_auth", permanent=True, channel=True)
            case "broken":
                self.is_disordered |= alert.attempt >= IN_ORDER
                raise RuntimeError("the library threw")
            case "kill":
                raise Killed
            case "kill after":
                self._accept(alert)
                self.lost[alert.key] += 1
                raise Killed
        self._accept(alert)
        self.unanswered = alert.key
        return Receipt(f"ref-{alert.id}")

    async def probe(self) -> str:
        return "simulated"

    def marked(self) -> None:
        """The store has the reply."""
        self.unanswered = ""

    def died(self) -> None:
        """mentiond was killed: a reply that it had not marked is lost."""
        if self.unanswered:
            self.lost[self.unanswered] += 1
            self.unanswered = ""

    def _accept(self, alert: Alert) -> None:
        if (earlier := self.accepted.get(alert.key)) is not None:
            hold(alert.possibly_sent_twice, f"{self.name}: a copy that is not flagged: {alert.key}")
            hold(self.lost[alert.key] > 0, f"{self.name}: a copy although no reply was lost: {alert.key}")
            hold(told(earlier) == told(alert) or alert.reason is Reason.DIGEST, f"{alert.key} stands for two posts")
            self.lost[alert.key] -= 1
            self.copies += 1
            return
        newest = next(reversed(self.accepted.values())).id if self.accepted else 0
        hold(self.is_disordered or alert.id > newest, f"{self.name}: {alert.key} overtaken by alert {newest}")
        self.accepted[alert.key] = alert


def told(alert: Alert) -> list[tuple[str, str]]:
    """Token and watchlist of everything that the alert tells of."""
    return [(token_of(mention.post.title), mention.watchlist.name) for mention in alert.mentions]
