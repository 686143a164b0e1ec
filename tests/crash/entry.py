"""A command with a fuse, for tests only: `run` or `python -m tests.crash.entry POINT COUNT MODEL run -c FILE`.

Hooks the database engine from outside, so that shipped code has no fail points. POINT is one of POINTS or CASE_POINTS;
the process kills itself with SIGKILL when that point is reached for the COUNT-th time. MODEL is `real` or `words` (a
word list in place of the classifier, which spares the loading of it).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.default import DefaultDialect

import alerts.email_settings
import monitor.daemon
import monitor.delivery
import monitor.model
import monitor.outbox
from monitor.cli import main
from monitor.lanes import Work
from monitor.store import Store
from rules.base import NONE, Label, Sentiment, Verdict, View

POINTS = (
    "after parse",  # the page is fetched and read, nothing is stored
    "before commit",  # the page is written, not committed
    "after commit",  # the page is committed, nothing is claimed
    "after claim",  # an alert is claimed, not sent
    "before mark",  # the receiver has replied, the mark is not committed
    "after mark",
)
HASTE = 5  # times as often does `run_hastily` look what is due
LEASE = timedelta(seconds=2)  # there, instead of half a minute
CASE_POINTS = (
    "before step",  # a step of an escalation is written with its alerts, not committed
    "after step",
    "before waking",  # the end of a snooze is written, not committed
    "after waking",
    "before action",  # somebody's action is written, not committed
    "after action",
)


class Fuse:
    """Recognises the points by the statements of the transaction that is under way.

    Works that share a transaction reach their points one by one.
    """

    def __init__(self, point: str, count: int) -> None:
        self.point = point
        self.count = count
        self.transaction: object = None
        self.works = [""]

    def begin(self, transaction: object) -> None:
        """Another work of this transaction."""
        self.works = [*self.works, ""] if transaction is self.transaction else [""]
        self.transaction = transaction

    def reach(self, point: str) -> None:
        if point != self.point:
            return
        self.count -= 1
        if self.count <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(self, text: str) -> None:
        if text.startswith("SELECT seen."):
            self.reach("after parse")
        elif text.startswith("UPDATE alerts SET state"):
            self.works[-1] = self.works[-1] or "mark"
        else:
            self.works[-1] = next((work for part, work in _WORKS if part in text), self.works[-1])

    def commits(self) -> None:
        for work in self.works:
            self.reach("before commit" if work == "page" else f"before {work}")

    def committed(self) -> None:
        ended, self.works = self.works, [""]
        for work in ended:
            self.reach("after commit" if work == "page" else f"after {work}")


_WORKS = (
    ("UPDATE cursors SET cursor", "page"),
    ("UPDATE alerts SET attempts", "claim"),
    ("UPDATE escalations SET step", "step"),
    ("UPDATE cases SET snoozed_until", "waking"),
    ("UPDATE cases SET state", "action"),
)


def light(fuse: Fuse) -> None:
    """Attach the fuse to every engine of this process."""

    @sa.event.listens_for(Engine, "before_cursor_execute")
    def execute(_c: Any, _r: Any, statement: str, _p: Any, _x: Any, _m: Any) -> None:
        fuse.statement(statement)

    def announced(work: Work, connection: Connection) -> Any:
        fuse.begin(connection.get_transaction())
        return work(connection)

    write_all = Store._write_all
    Store._write_all = lambda self, works: write_all(self, [partial(announced, work) for work in works])  # type: ignore[method-assign]

    commit = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        fuse.commits()
        commit(self, connection)  # type: ignore[no-untyped-call]  # SQLAlchemy's own is untyped
        fuse.committed()

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]  # the hook that this module is for


class WordClassifier:
    """A verdict by one word: enough to route by."""

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        return [self._verdict(view) for view in views]

    def _verdict(self, view: View) -> Verdict:
        is_broken = "broken" in view.text
        tags = (Label.COMPLAINT.value,) if is_broken else (NONE,)
        return Verdict({Label.COMPLAINT: float(is_broken)}, tags, Sentiment.NEUTRAL, "en", model="words")


def run(arguments: Sequence[str]) -> int:
    """The command after POINT, COUNT and MODEL; its exit code."""
    point, count, model, *rest = arguments
    light(Fuse(point, int(count)))
    alerts.email_settings.LEAST_DIGEST = timedelta(seconds=1)  # type: ignore[misc]  # final for whoever ships it
    if model == "words":
        monitor.model.load_classifier = lambda *_: WordClassifier()  # type: ignore[assignment]
    return main(rest)


def run_hastily(arguments: Sequence[str]) -> int:
    """The same for what is killed again and again: what a kill left claimed is free in two seconds, and what is due is
    seen several times a second.
    """
    monitor.outbox.LEASE, monitor.delivery.LEAST_LEASE = LEASE, LEASE / 2
    monitor.daemon.TICK /= HASTE
    monitor.delivery.POLL /= HASTE
    return run(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
