"""What must hold of a scene after its quiet time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from alerts.base import Reason
from monitor.schema import alerts, gaps
from tests.simulation.receivers import hold, told
from tests.simulation.scene import RECIPIENTS, TOLD, Scene
from tests.simulation.world import PAGE


@dataclass(frozen=True, slots=True)
class Checks:
    """Each raises Violation."""

    scene: Scene

    def check(self) -> None:
        owed = self.scene.rows(
            sa.select(alerts.c.id, alerts.c.receiver, alerts.c.due_at).where(alerts.c.state == "owed")
        )
        hold(not owed, f"still owed at {self.scene.clocks()}: {owed}")
        hold(len(self.scene.rows(sa.select(gaps.c.id))) <= self.scene.raised, "gaps that no page had")
        self._check_all_shown()
        self._check_mentions()
        self._check_alerts()
        self._check_digests()

    def _check_all_shown(self) -> None:
        """What is in a feed now and what the API ever had is read."""
        for feed in self.scene.feeds:
            lacking = {item.token for item in feed.document()} - set(self.scene.ledger.known)
            hold(not lacking, f"{feed.name}: never read: {lacking}")
        crowd = Counter(at for at, _ in self.scene.api.items.values())
        promised = {item.token for at, item in self.scene.api.items.values() if crowd[at] < PAGE - 1}
        hold(promised <= set(self.scene.ledger.known), f"hn: never read: {promised - set(self.scene.ledger.known)}")

    def _check_mentions(self) -> None:
        """One mention for each post and watchlist, of each post that ever named it."""
        count = Counter((token, watchlist) for _, token, watchlist in self.scene.ever.values())
        for token, known in self.scene.ledger.known.items():
            for brand in known.item.brands:
                hold(count[token, brand], f"{token}: no mention for {brand}")
        for (token, brand), number in count.items():
            if token in self.scene.ledger.known and self.scene.ledger.known[token].is_clean:
                hold(number == self.scene.ledger.made[token, brand], f"{token}: {number} mentions for {brand}")

    def _check_alerts(self) -> None:
        """Everybody heard of every clean post as often as it was news, and of no held one."""
        dead = self.scene.dead | {key for box in self.scene.boxes.values() for key in box.refused}
        for receiver in TOLD:
            for recipient in RECIPIENTS[receiver]:
                heard = self._heard(receiver, recipient)
                missing = self._dead_of(dead, receiver, recipient)
                for kind in {*self.scene.ledger.expected, *heard}:
                    self._check_kind(kind, heard[kind], missing[kind], f"{receiver} {recipient}")

    def _check_kind(self, kind: tuple[str, str, Reason], heard: int, dead: int, who: str) -> None:
        token, brand, reason = kind
        known = self.scene.ledger.known.get(token)
        if known is None or not known.is_clean:
            return
        is_held = reason is Reason.FIRST and (token, brand) in self.scene.ledger.held
        wanted = 0 if is_held else self.scene.ledger.expected[kind]
        hold(wanted - dead <= heard <= wanted, f"{who}: {heard} of {wanted} ({dead} dead) {reason} {token} {brand}")

    def _heard(self, receiver: str, recipient: str) -> Counter[tuple[str, str, Reason]]:
        return Counter(
            (token, watchlist, alert.reason)
            for alert in self.scene.boxes[receiver].accepted.values()
            if alert.recipient == recipient and alert.reason in (Reason.FIRST, Reason.EDITED)
            for token, watchlist in told(alert)
        )

    def _dead_of(self, dead: set[str], receiver: str, recipient: str) -> Counter[tuple[str, str, Reason]]:
        found: Counter[tuple[str, str, Reason]] = Counter()
        for key in dead - set(self.scene.boxes[receiver].accepted):
            subject, to, address, reason, _ = key.split("|")
            if (to, address) == (receiver, recipient) and subject.startswith("mention:"):
                _, token, watchlist = self.scene.ever[int(subject.removeprefix("mention:"))]
                found[token, watchlist, Reason(reason)] += 1
        return found

    def _check_digests(self) -> None:
        for (held_for, receiver, recipient), count in self.scene.held.items():
            key = f"{held_for}|{receiver}|{recipient}|digest|0"
            alert = self.scene.boxes[receiver].accepted.get(key)
            if alert is None:
                hold(key in self.scene.dead | self.scene.boxes[receiver].refused, f"never offered: {key}")
            else:
                hold(alert.count == count, f"{key}: {alert.count} of {count}")
        offered = [alert for box in self.scene.boxes.values() for alert in box.accepted.values()]
        digests = [alert for alert in offered if alert.reason is Reason.DIGEST]
        for alert in digests:
            subject = alert.key.partition("|")[0]
            hold(
                alert.n == 0 and (subject, alert.receiver, alert.recipient) in self.scene.held,
                f"two digests: {alert.key}",
            )
