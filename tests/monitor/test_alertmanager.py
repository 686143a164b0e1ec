"""Alertmanager's behaviours, as far as mentiond keeps them: what is sent, to whom and when.

Each case is a configuration, what happens at which second, and what the receivers must have got. They follow what the
tests of Alertmanager assert of its dispatcher, its deduplication, its silences, its inhibition and its time intervals
(https://github.com/prometheus/alertmanager, dispatch, notify, silence, inhibit, timeinterval and test/with_api_v2), in
mentiond's own words; docs/alertmanager.md lists what differs, and such cases say so in their names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from alerts.base import CaseState, ReceiverError
from monitor.assembly import build_rules
from monitor.config import build_routes, load
from monitor.silences import expire_silence
from monitor.store import Store
from tests.acceptance.running import ACME, CONSOLE, GLOBEX
from tests.fakes import START, EditingReceiver, FixedClock, ScriptedReceiver
from tests.monitor.builders import in_transaction
from tests.monitor.delivery_scene import Stage

Happening = Callable[[Stage], None]
Got = tuple[float, str, str]  # second, receiver, posts; a reason other than `first` stands before them


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    routes: Mapping[str, Any]
    events: tuple[tuple[float, Happening], ...]
    sends: tuple[Got, ...]
    more: Mapping[str, Any] = field(default_factory=dict)  # keys beside `routes`
    until: float = 3600
    start: str = "2026-11-21 12:00"  # UTC, a Saturday: second 0


# -- what happens ----------------------------------------------------------------------------------------------------


def say(*names: str, **changes: Any) -> Happening:
    def happen(stage: Stage) -> None:
        stage.say(*names, **changes)

    return happen


def silence(*matchers: str, seconds: float | None = None) -> Happening:
    def happen(stage: Stage) -> None:
        stage.silence(*matchers, seconds=seconds)

    return happen


def expire(number: int) -> Happening:
    def happen(stage: Stage) -> None:
        assert in_transaction(stage.store, expire_silence, number, stage.clock())

    return happen


def close(mention_id: int, state: CaseState = CaseState.ANSWERED) -> Happening:
    return lambda stage: stage.set_case(mention_id, state)


def fail(receiver: str, *errors: ReceiverError) -> Happening:
    return lambda stage: stage.receivers[receiver].failures.extend(errors)


def restart(stage: Stage) -> None:
    stage.start()


# -- cases -----------------------------------------------------------------------------------------------------------

BY_WATCHLIST = {"receiver": "a", "group_by": ["watchlist"], "group_wait": "30s", "group_interval": "5m"}
BOTH = {
    "receiver": "a",
    "routes": [{"receiver": "a", "matchers": ["watchlist =~ .*"], "continue": True}, {"receiver": "b"}],
}
DOWN = ReceiverError("503")
REASONS = {"source_matchers": ["label = crisis"], "target_matchers": ["label = complaint"], "equal": ["watchlist"]}
INHIBIT = {"inhibit_rules": [REASONS]}
NIGHT = {"hours": {"night": {"timezone": "UTC", "week": {"mon-sun": ["22:00-24:00", "00:00-06:00"]}}}}
DAY = {"hours": {"day": {"timezone": "UTC", "week": {"mon-sun": ["06:00-22:00"]}}}}

DISPATCH = (
    Case("the first message of a group waits for group_wait", BY_WATCHLIST, ((0, say("1")),), ((30, "a", "1"),)),
    Case(
        "what comes within group_wait is in it",
        BY_WATCHLIST,
        ((0, say("1")), (10, say("2")), (29, say("3"))),
        ((30, "a", "1 2 3"),),
    ),
    Case(
        "what comes later waits for group_interval after the flush",
        BY_WATCHLIST,
        ((0, say("1")), (40, say("2")), (200, say("3"))),
        ((30, "a", "1"), (330, "a", "2 3")),
    ),
    Case(
        "each flush starts the interval anew",
        BY_WATCHLIST,
        ((0, say("1")), (40, say("2")), (340, say("3"))),
        ((30, "a", "1"), (330, "a", "2"), (630, "a", "3")),
    ),
    Case(
        "a group that was empty for an interval waits for group_wait again",
        BY_WATCHLIST,
        ((0, say("1")), (1000, say("2"))),
        ((30, "a", "1"), (1030, "a", "2")),
    ),
    Case("without anything new nothing is sent again", BY_WATCHLIST, ((0, say("1")),), ((30, "a", "1"),), until=90000),
    Case(
        "other labels are another group with a wait of its own",
        BY_WATCHLIST,
        ((0, say("1")), (5, say("2", watchlist="globex"))),
        ((30, "a", "1"), (35, "a", "2")),
    ),
    Case(
        "grouped by two labels both must be the same",
        BY_WATCHLIST | {"group_by": ["watchlist", "author"]},
        ((0, say("1", author="x")), (1, say("2", author="y")), (2, say("3", author="x"))),
        ((30, "a", "1 3"), (31, "a", "2")),
    ),
    Case(
        "a label that is lacking is a value like any other",
        BY_WATCHLIST | {"group_by": ["author"]},
        ((0, say("1")), (1, say("2", author="x")), (2, say("3"))),
        ((30, "a", "1 3"), (31, "a", "2")),
    ),
    Case(
        "grouped by nothing all are one group",
        BY_WATCHLIST | {"group_by": []},
        ((0, say("1")), (1, say("2", watchlist="globex"))),
        ((30, "a", "1 2"),),
    ),
    Case(
        "differs: grouped by everything each is a message at once, without group_wait",
        {"receiver": "a", "group_by": ["..."], "group_wait": "30s"},
        ((0, say("1", "2")),),
        ((0, "a", "1"), (0, "a", "2")),
    ),
    Case(
        "differs: group_wait counts from the arrival, also of what is old",
        BY_WATCHLIST,
        ((0, say("1", rating=1.0)),),
        ((30, "a", "1"),),
    ),
    Case(
        "with a group_wait of nothing the first one is not lost",
        BY_WATCHLIST | {"group_wait": "0s"},
        ((0, say("1")), (1, say("2"))),
        ((0, "a", "1"), (300, "a", "2")),
    ),
    Case(
        "routes have groups of their own though labels and receiver are the same",
        BY_WATCHLIST
        | {"routes": [{"matchers": ["label = crisis"]}, {"matchers": ["label = complaint"], "group_wait": "10s"}]},
        ((0, say("1", labels=("crisis",))), (0, say("2"))),
        ((10, "a", "2"), (30, "a", "1")),
    ),
    Case(
        "a child has what its parent says of groups",
        BY_WATCHLIST | {"routes": [{"receiver": "b", "matchers": ["watchlist = acme"]}]},
        ((0, say("1")), (3, say("2"))),
        ((30, "b", "1 2"),),
    ),
    Case(
        "a child may be told at once where its parent groups",
        BY_WATCHLIST | {"routes": [{"receiver": "b", "matchers": ["label = crisis"], "group_by": ["..."]}]},
        ((0, say("1", labels=("crisis",))), (0, say("2"))),
        ((0, "b", "1"), (30, "a", "2")),
    ),
    Case(
        "what no route matches is the root's",
        {"receiver": "a", "routes": [{"receiver": "b", "matchers": ["watchlist = globex"]}]},
        ((0, say("1")), (0, say("2", watchlist="globex"))),
        ((0, "a", "1"), (0, "b", "2")),
    ),
    Case(
        "continue tells the next route as well",
        BOTH,
        ((0, say("1")),),
        ((0, "a", "1"), (0, "b", "1")),
    ),
    Case(
        "batches follow one another, repeats among them",
        BY_WATCHLIST | {"group_wait": "1s", "group_interval": "1s", "repeat_interval": "5s"},
        ((1, say("1")), (2.5, say("2")), (9, close(1)), (9, close(2))),
        ((2, "a", "1"), (3.5, "a", "2"), (7, "a", "repeat 1"), (8.5, "a", "repeat 2")),
        until=30,
    ),
)

NOTIFY = (
    Case(
        "what was not answered is repeated after repeat_interval",
        {"receiver": "a", "repeat_interval": "20m"},
        ((0, say("1")), (3000, close(1))),
        ((0, "a", "1"), (1200, "a", "repeat 1"), (2400, "a", "repeat 1")),
        until=9000,
    ),
    Case(
        "differs: nothing is repeated unless a route says so",
        {"receiver": "a"},
        ((0, say("1")),),
        ((0, "a", "1"),),
        until=90000,
    ),
    Case(
        "differs: an answer ends it and is no message of its own",
        {"receiver": "a", "repeat_interval": "20m"},
        ((0, say("1")), (600, close(1))),
        ((0, "a", "1"),),
    ),
    Case(
        "a receiver that fails is tried again, later each time",
        {"receiver": "a"},
        ((0, fail("a", DOWN, DOWN, DOWN)), (0, say("1"))),
        ((7, "a", "1"),),
        until=60,
    ),
    Case(
        "one receiver's failure holds up no other",
        BOTH,
        ((0, fail("a", *[DOWN] * 4)), (0, say("1"))),
        ((0, "b", "1"), (15, "a", "1")),
        until=60,
    ),
    Case(
        "a message that is refused for good is not tried again",
        {"receiver": "a"},
        ((0, fail("a", ReceiverError("400", permanent=True))), (0, say("1", "2"))),
        ((0, "a", "2"),),
    ),
    Case(
        "a receiver that asks to wait is left alone for so long",
        {"receiver": "a"},
        ((0, fail("a", ReceiverError("429", retry_after=120))), (0, say("1", "2"))),
        ((120, "a", "1"), (120, "a", "2")),
    ),
    Case(
        "a restart forgets nothing and tells nothing again",
        BY_WATCHLIST,
        ((0, say("1")), (40, restart), (50, say("2")), (60, restart)),
        ((30, "a", "1"), (330, "a", "2")),
    ),
    Case(
        "a group that is pending when it restarts keeps its time",
        BY_WATCHLIST,
        ((0, say("1")), (20, restart), (25, say("2"))),
        ((30, "a", "1 2"),),
    ),
    Case(
        "a receiver that edits shows in place what has changed, not before three seconds",
        {"receiver": "edits"},
        ((0, say("1")), (10, close(1, CaseState.CLAIMED)), (11, close(1))),
        ((0, "edits", "1"), (10, "edits", "update 1"), (14, "edits", "update 1")),
    ),
)

SILENCES = (
    Case(
        "what a silence matches is not sent", {"receiver": "a"}, ((0, silence("watchlist = acme")), (1, say("1"))), ()
    ),
    Case(
        "what it does not match is",
        {"receiver": "a"},
        ((0, silence("watchlist = acme")), (1, say("1", watchlist="globex"))),
        ((1, "a", "1"),),
    ),
    Case(
        "all of its matchers must hold",
        {"receiver": "a"},
        ((0, silence("watchlist = acme", "author = x")), (1, say("1", author="y")), (2, say("2", author="x"))),
        ((1, "a", "1"),),
    ),
    Case(
        "a pattern is anchored",
        {"receiver": "a"},
        ((0, silence("author =~ 'bot|noise.*'")), (1, say("1", author="robot")), (2, say("2", author="noisemaker"))),
        ((1, "a", "1"),),
    ),
    Case(
        "a negative matcher silences what lacks the value",
        {"receiver": "a"},
        ((0, silence("watchlist = acme", "author != x")), (1, say("1")), (2, say("2", author="x"))),
        ((2, "a", "2"),),
    ),
    Case(
        "it ends at its time",
        {"receiver": "a"},
        ((0, silence("watchlist = acme", seconds=100)), (99, say("1")), (100, say("2"))),
        ((100, "a", "2"),),
    ),
    Case(
        "it ends when somebody expires it",
        {"receiver": "a"},
        ((0, silence("watchlist = acme")), (10, expire(1)), (11, say("1"))),
        ((11, "a", "1"),),
    ),
    Case(
        "differs: what it dropped is not sent when it ends",
        {"receiver": "a"},
        ((0, silence("watchlist = acme", seconds=100)), (1, say("1"))),
        (),
    ),
    Case(
        "a group is sent without its silenced members",
        BY_WATCHLIST,
        ((0, say("1", author="x")), (1, say("2")), (2, silence("author = x"))),
        ((30, "a", "2"),),
    ),
    Case(
        "a silence that ends before the flush of a group drops nothing of it",
        BY_WATCHLIST,
        ((0, silence("watchlist = acme", seconds=20)), (1, say("1"))),
        ((31, "a", "1"),),
    ),
    Case(
        "two silences of the same: one is enough",
        {"receiver": "a"},
        ((0, silence("watchlist = acme")), (0, silence("author = x")), (5, expire(1)), (6, say("1", author="x"))),
        (),
    ),
    Case(
        "it silences repeats, which come again after it",
        {"receiver": "a", "repeat_interval": "10m"},
        ((0, say("1")), (10, silence("watchlist = acme", seconds=1000)), (1900, close(1))),
        ((0, "a", "1"), (1200, "a", "repeat 1"), (1800, "a", "repeat 1")),
    ),
)

INHIBITION = (
    Case(
        "a source keeps its targets quiet",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (5, say("2"))),
        ((0, "a", "1"),),
        INHIBIT,
    ),
    Case(
        "where `equal` differs it does not",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (5, say("2", watchlist="globex"))),
        ((0, "a", "1"), (5, "a", "2")),
        INHIBIT,
    ),
    Case(
        "with nothing to agree in, it keeps all targets quiet",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (5, say("2", watchlist="globex"))),
        ((0, "a", "1"),),
        {"inhibit_rules": [REASONS | {"equal": []}]},
    ),
    Case(
        "what is no target is told",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (5, say("2", labels=("question",)))),
        ((0, "a", "1"), (5, "a", "2")),
        INHIBIT,
    ),
    Case(
        "a source that is resolved, here answered, inhibits no more",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (4, close(1)), (5, say("2"))),
        ((0, "a", "1"), (5, "a", "2")),
        INHIBIT,
    ),
    Case(
        "differs: it inhibits for an hour at the most",
        {"receiver": "a"},
        ((0, say("1", labels=("crisis",))), (3599, say("2")), (3600, say("3"))),
        ((0, "a", "1"), (3600, "a", "3")),
        INHIBIT,
    ),
    Case(
        "nothing inhibits itself, nor what matches both sides",
        {"receiver": "a"},
        ((0, say("1", "2", labels=("crisis", "complaint"))),),
        ((0, "a", "1"), (0, "a", "2")),
        INHIBIT,
    ),
    Case(
        "source and target that come together: the target is quiet",
        BY_WATCHLIST,
        ((0, say("1")), (1, say("2", labels=("crisis",)))),
        ((30, "a", "2"),),
        INHIBIT,
    ),
    Case(
        "a source that nobody is told of inhibits too",
        {"receiver": "a", "routes": [{"receiver": "none", "matchers": ["label = crisis"]}]},
        ((0, say("1", labels=("crisis",))), (5, say("2"))),
        (),
        INHIBIT,
    ),
    Case(
        "a silenced source inhibits too",
        {"receiver": "a"},
        ((0, silence("label = crisis")), (1, say("1", labels=("crisis",))), (5, say("2"))),
        (),
        INHIBIT,
    ),
)

QUIET = {"matchers": ["watchlist = acme"], "mute_time_intervals": ["night"]}
MUTED = {"receiver": "a", "routes": [QUIET]}
ACTIVE = {"receiver": "a", "routes": [{"matchers": ["watchlist = acme"], "active_time_intervals": ["day"]}]}
HOUR = 3600.0

INTERVALS = (
    Case("outside of the interval it is sent", MUTED, ((0, say("1")),), ((0, "a", "1"),), NIGHT),
    Case(
        "within a mute interval it is held until the end",
        MUTED,
        ((11 * HOUR, say("1")),),
        ((18 * HOUR, "a", "1"),),
        NIGHT,
        until=20 * HOUR,
    ),
    Case(
        "outside of an active interval it is held until the next",
        ACTIVE,
        ((9 * HOUR, say("1")), (11 * HOUR, say("2"))),
        ((9 * HOUR, "a", "1"), (18 * HOUR, "a", "2")),
        DAY,
        until=20 * HOUR,
    ),
    Case(
        "the start belongs to the interval, the end does not",
        MUTED,
        ((10 * HOUR - 1, say("1")), (10 * HOUR, say("2")), (18 * HOUR, say("3"))),
        ((10 * HOUR - 1, "a", "1"), (18 * HOUR, "a", "2"), (18 * HOUR, "a", "3")),
        NIGHT,
        until=20 * HOUR,
    ),
    Case(
        "an interval is on the clock of its own zone",
        MUTED,
        ((0, say("1")), (9 * HOUR, say("2"))),  # 21:00 in London is 22:00 in Berlin
        ((0, "a", "1"), (17 * HOUR, "a", "2")),
        {"hours": {"night": NIGHT["hours"]["night"] | {"timezone": "Europe/Berlin"}}},
        until=20 * HOUR,
    ),
    Case(
        "a muted group goes on gathering and is one message at the end",
        {"receiver": "a", "routes": [QUIET | {"group_by": ["watchlist"]}]},
        ((11 * HOUR, say("1")), (15 * HOUR, say("2"))),
        ((18 * HOUR, "a", "1 2"),),
        NIGHT,
        until=20 * HOUR,
    ),
    Case(
        "other routes are heard meanwhile",
        MUTED,
        ((11 * HOUR, say("1")), (11 * HOUR, say("2", watchlist="globex"))),
        ((11 * HOUR, "a", "2"), (18 * HOUR, "a", "1")),
        NIGHT,
        until=20 * HOUR,
    ),
    Case(
        "muted and silenced it is dropped when the mute ends",
        MUTED,
        ((11 * HOUR, say("1")), (17 * HOUR, silence("watchlist = acme"))),
        (),
        NIGHT,
        until=20 * HOUR,
    ),
    Case(
        "of two intervals one is enough to mute",
        {"receiver": "a", "routes": [{"matchers": ["watchlist = acme"], "mute_time_intervals": ["night", "weekend"]}]},
        ((0, say("1")),),  # Saturday noon
        ((42 * HOUR, "a", "1"),),  # Monday at six
        {"hours": NIGHT["hours"] | {"weekend": {"timezone": "UTC", "week": {"sat-sun": ["00:00-24:00"]}}}},
        until=50 * HOUR,
    ),
)

CASES = (*DISPATCH, *NOTIFY, *SILENCES, *INHIBITION, *INTERVALS)


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "_") for case in CASES])
async def test_f38_what_is_sent_is_what_alertmanager_would_send(case: Case, store: Store, tmp_path: Path) -> None:
    stage = make_stage(case, store, tmp_path)
    origin = stage.clock()
    offset = (origin - START).total_seconds()
    for second, happening in case.events:
        await stage.run_until(offset + second)
        happening(stage)
        await stage.deliver()
    await stage.run_until(offset + case.until)
    assert [
        (send.at - offset, send.receiver, " ".join([*([send.reason] if send.reason != "first" else []), *send.told]))
        for send in stage.sends
    ] == list(case.sends)


def make_stage(case: Case, store: Store, folder: Path) -> Stage:
    """The configuration is read as an operator's would be; only receivers and clock are fakes."""
    path = folder / "config.yaml"
    source = {"name": "news", "type": "file", "path": "posts.jsonl"}
    named = [CONSOLE | {"name": name, "storm": False} for name in ("a", "b", "edits")]
    values = {"watchlists": [ACME, GLOBEX], "sources": [source], "receivers": named, "routes": case.routes}
    path.write_text(json.dumps(values | dict(case.more)), encoding="utf-8")
    config = load(path, {})
    receivers = {"a": ScriptedReceiver(), "b": ScriptedReceiver(), "edits": EditingReceiver()}
    start = datetime.fromisoformat(f"{case.start}+00:00")
    return Stage(store, build_routes(config), receivers, rules=build_rules(config), clock=FixedClock(start))


def test_the_page_counts_what_is_here() -> None:
    page = Path("docs/alertmanager.md").read_text(encoding="utf-8")
    assert f"{len(CASES)} cases" in page
    for case in CASES:
        if case.name.startswith("differs: "):
            assert case.name.removeprefix("differs: ").lower() in " ".join(page.lower().split()), case.name
