"""What /metrics shows, in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).

Counters live in the process and begin at zero with it, as Prometheus expects; everything else is read from the store
when it is asked for. Labels are names from the configuration and labels of verdicts: nothing of what people wrote, or
who they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.figures import Figures, Waiting

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Key = TypeVar("Key", bound=tuple[str, ...])

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LOOP_STEP = 0.25  # seconds between two looks at how late the event loop is


class Metrics:
    """The counters of one process. `figures`: what the store said last."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._stored = _Stored()
        self._registry.register(self._stored)
        self.mentions = Counter(
            "mentiond_mentions", "Mentions by watchlist and tag", ["watchlist", "tag"], registry=self._registry
        )
        self.failures = Counter("mentiond_source_failures", "Passes that failed", ["source"], registry=self._registry)
        self.sends = Counter(
            "mentiond_sends",
            "Attempts to send, by outcome: sent, failed, dead, stopped",
            ["receiver", "outcome"],
            registry=self._registry,
        )
        self.send_seconds = Histogram(
            "mentiond_send_seconds", "How long a send took", ["receiver"], buckets=_SECONDS, registry=self._registry
        )
        self.reloads = Counter("mentiond_config_reloads", "Reloads, by outcome", ["outcome"], registry=self._registry)
        self.active = Gauge("mentiond_active", "1: polls and delivers, 0: warm standby", registry=self._registry)
        self.loop_lag = Gauge(
            "mentiond_loop_lag_seconds", "How late the event loop was, the most of a minute", registry=self._registry
        )
        self.tasks = Gauge("mentiond_tasks", "Tasks of the event loop", registry=self._registry)
        ProcessCollector(registry=self._registry)  # memory, descriptors, CPU time; on Linux
        Info("mentiond_build", "Version", registry=self._registry).info({"version": version("mentiond")})

    def count_mentions(self, tags: Iterable[tuple[str, str]]) -> None:
        """(watchlist, tag) of new mentions."""
        for watchlist, tag in tags:
            self.mentions.labels(watchlist, tag).inc()

    def count_send(self, receiver: str, outcome: str, seconds: float) -> None:
        """One attempt to send: sent, failed, dead or stopped."""
        self.sends.labels(receiver, outcome).inc()
        self.send_seconds.labels(receiver).observe(seconds)

    def show(self, figures: Figures | None, failure: str = "") -> bytes:
        """The page; without figures (the store cannot be read) the counters alone. `failure`: of the last write."""
        self._stored.figures, self._stored.failure = figures, failure
        return generate_latest(self._registry)

    async def watch_loop(self) -> None:
        """Measure how late the event loop runs, until cancelled."""
        loop = asyncio.get_running_loop()
        late = [0.0] * int(60 / _LOOP_STEP)
        position = 0
        while True:
            due = loop.time() + _LOOP_STEP
            await asyncio.sleep(_LOOP_STEP)
            late[position] = max(0.0, loop.time() - due)
            position = (position + 1) % len(late)
            self.loop_lag.set(max(late))


class _Stored(Collector):
    """What the store says."""

    def __init__(self) -> None:
        self.figures: Figures | None = None
        self.failure = ""

    def collect(self) -> Iterator[Metric]:
        is_up = self.figures is not None and not self.failure
        yield _gauge("mentiond_store_up", "1: the store can be read and written", {(): float(is_up)}, ())
        if self.figures is not None:
            yield from _sources(self.figures)
            yield from _receivers(self.figures)
            yield from _cases(self.figures)
            yield _gauge("mentiond_store_bytes", "Size of the store", {(): float(self.figures.store_bytes)}, ())


def _gauge(name: str, text: str, values: Mapping[Key, float], labels: tuple[str, ...]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(list(key), value)
    return family


def _sources(figures: Figures) -> Iterator[Metric]:
    labels = ("source", "part")
    parts = {(part.source, part.part): part for part in figures.parts}
    succeeded = {key: part.finished_at.timestamp() for key, part in parts.items() if part.finished_at}
    lags = {key: _age(part.reached_at, figures.at) for key, part in parts.items() if part.reached_at}
    enabled = {key: float(part.disabled is None) for key, part in parts.items()}
    in_a_row = {key: float(part.failures) for key, part in parts.items()}
    overdue = {key: _age(part.due_at, figures.at) for key, part in parts.items() if part.disabled is None}
    gaps = {key: float(figures.gaps.get(key, 0)) for key in parts}
    posts = CounterMetricFamily("mentiond_source_posts", "New posts, ever", labels=labels)
    for key, part in parts.items():
        posts.add_metric(list(key), part.posts)
    yield posts
    yield _gauge("mentiond_source_last_success_timestamp_seconds", "End of the last finished pass", succeeded, labels)
    yield _gauge("mentiond_source_lag_seconds", "How far behind its source, by its own clock", lags, labels)
    yield _gauge("mentiond_source_enabled", "0: switched off", enabled, labels)
    yield _gauge("mentiond_source_failures_in_a_row", "Passes that failed since the last success", in_a_row, labels)
    yield _gauge("mentiond_source_overdue_seconds", "How long a pass has been due", overdue, labels)
    yield _gauge("mentiond_source_gaps", "Gaps on record: posts that the source no longer gave", gaps, labels)


def _receivers(figures: Figures) -> Iterator[Metric]:
    labels = ("receiver",)
    nothing = Waiting(0, figures.at)
    owed = {name: figures.owed.get(name, nothing) for name in figures.channels}
    counts = {(name,): float(waiting.count) for name, waiting in owed.items()}
    ages = {(name,): _age(waiting.oldest, figures.at) for name, waiting in owed.items()}
    dead = {(name,): float(figures.dead.get(name, 0)) for name in figures.channels}
    stopped = {(name,): float(channel.stopped is not None) for name, channel in figures.channels.items()}
    yield _gauge("mentiond_alerts_owed", "Alerts that are due and not sent", counts, labels)
    yield _gauge("mentiond_alerts_oldest_owed_seconds", "How long the oldest of them has been due", ages, labels)
    yield _gauge("mentiond_dead_letters", "Alerts that nobody will try again by itself", dead, labels)
    yield _gauge("mentiond_receiver_stopped", "1: the channel itself was refused", stopped, labels)


def _cases(figures: Figures) -> Iterator[Metric]:
    counts = {(state,): float(waiting.count) for state, waiting in figures.open_cases.items()}
    ages = {(state,): _age(waiting.oldest, figures.at) for state, waiting in figures.open_cases.items()}
    yield _gauge("mentiond_cases_open", "Cases that nobody has answered or dismissed", counts, ("state",))
    yield _gauge("mentiond_cases_oldest_open_seconds", "Age of the oldest of them", ages, ("state",))
    yield _gauge("mentiond_cases_overdue", "Open cases past their SLA", {(): float(figures.overdue_cases)}, ())
    late = {(): float(figures.late_escalations)}
    yield _gauge("mentiond_escalations_late", "Steps that should have been taken a minute ago", late, ())


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
