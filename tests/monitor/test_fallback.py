"""A stopped channel: its alerts stay owed to it, its fallback hears instead, the operator is told once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.base import ReceiverError
from alerts.storm import Storm
from monitor import outbox
from monitor.assembly import build_fallbacks
from monitor.config import load
from monitor.config_errors import ConfigErrors
from monitor.fallback import Fallback
from monitor.mentions import offer_held
from monitor.store import Store
from rules.routing import Options, Route
from tests.acceptance.running import ACME, CONSOLE
from tests.fakes import EditingReceiver, ScriptedReceiver
from tests.monitor.builders import in_transaction
from tests.monitor.delivery_scene import Stage

REVOKED = ReceiverError("token_revoked", permanent=True, channel=True)


def make_stage(store: Store, root: Route | None = None, **changes: Any) -> Stage:
    """`console` falls back to `mail`, which has two addresses."""
    settings: dict[str, Any] = {
        "recipients": {"mail": ("a@x", "b@x")},
        "fallbacks": {"console": Fallback("mail", ("a@x", "b@x"))},
    }
    receivers = {"console": EditingReceiver(REVOKED), "mail": ScriptedReceiver()}
    return Stage(store, root or Route("console"), receivers, **settings | changes)


async def test_f32_the_fallback_hears_of_everything_owed_and_the_operator_once(store: Store) -> None:
    stage = make_stage(store)
    stage.say("a", "b", "c")
    await stage.deliver()
    assert [alert.recipient for alert in stage.receivers["mail"].accepted] == ["a@x", "b@x"] * 3
    assert stage.told("mail") == [(0, "a"), (0, "a"), (0, "b"), (0, "b"), (0, "c"), (0, "c")]
    assert stage.notices == ["console: token_revoked"]
    assert [row.state for row in stage.rows(receiver="console")] == ["owed"] * 3
    assert stage.receivers["mail"].accepted[0].routes[0] == "instead of console, which is stopped"


async def test_f32_what_comes_while_it_is_stopped_goes_there_too_and_nothing_twice(store: Store) -> None:
    stage = make_stage(store)
    stage.say("a")
    await stage.deliver()
    for minute in range(1, 4):
        await stage.run_until(60 * minute)
        stage.say(f"later{minute}")
        await stage.deliver()
        await stage.deliver()
    heard = [words for _, words in stage.told("mail")]
    assert heard == [name for name in ("a", "later1", "later2", "later3") for _ in range(2)]
    assert stage.notices == ["console: token_revoked"]


async def test_f32_mended_the_channel_gets_all_that_it_is_owed_in_order(store: Store) -> None:
    stage = make_stage(store)
    stage.say("a", "b")
    await stage.deliver()
    stage.start()
    stage.say("c")
    await stage.deliver()
    assert [words for _, words in stage.told()] == ["a", "b", "c"]
    assert [words for _, words in stage.told("mail")] == ["a", "a", "b", "b"]


async def test_what_the_fallback_was_told_anyway_is_not_doubled(store: Store) -> None:
    both = Route("none", routes=(Route("console", is_continued=True), Route("mail")))
    stage = make_stage(store, both)
    stage.say("a")
    await stage.deliver()
    assert [words for _, words in stage.told("mail")] == ["a", "a"]


async def test_groups_and_digests_are_handed_over_whole(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=())))
    stage.announce([replace(stage.news(name), held_for="pass:1") for name in ("old1", "old2")])
    in_transaction(store, offer_held, "pass:1", stage.clock())
    stage.say("a")
    await stage.run_until(5)
    stage.say("b")
    await stage.run_until(60)
    told = [(send.reason, send.told) for send in stage.sends if send.receiver == "mail"]
    assert told == [("digest", ("old1", "old2"))] * 2 + [("first", ("a", "b"))] * 2


async def test_a_storm_reaches_a_fallback_that_cannot_edit_whole(store: Store) -> None:
    stage = make_stage(store, brakes={"console": Storm(2, timedelta(minutes=5))})
    stage.say(*(f"m{number}" for number in range(10)))
    await stage.run_until(60)
    stage.say("more")
    await stage.run_until(900)
    counts = [send.count for send in stage.sends if send.receiver == "mail"]
    assert sum(counts) == 2 * 11


async def test_a_receiver_without_a_fallback_keeps_what_it_is_owed(store: Store) -> None:
    stage = make_stage(store, fallbacks={})
    stage.say("a")
    await stage.deliver()
    assert [(row.receiver, row.state) for row in stage.rows()] == [("console", "owed")]


async def test_once_hands_over_as_well(store: Store) -> None:
    stage = make_stage(store)
    stage.say("a")
    assert await stage.deliveries["console"].run_once() == 1
    assert in_transaction(store, outbox.owed_counts, stage.clock()) == {"console": 1, "mail": 2}


@pytest.fixture
def configuration(tmp_path: Path) -> Any:
    def write(**fallbacks: str) -> Path:
        path = tmp_path / "config.yaml"
        source = {"name": "news", "type": "file", "path": "posts.jsonl"}
        named = [CONSOLE | {"name": name} for name in ("root", "a", "b", "c")]
        receivers = [one | ({"fallback": fallbacks[one["name"]]} if one["name"] in fallbacks else {}) for one in named]
        values = {"watchlists": [ACME], "sources": [source], "receivers": receivers, "routes": {"receiver": "root"}}
        path.write_text(json.dumps(values), encoding="utf-8")
        return path

    return write


def test_left_out_the_fallback_is_the_roots_receiver(configuration: Any) -> None:
    built = build_fallbacks(load(configuration(a="b", b="none"), {}))
    assert {name: one.receiver for name, one in built.items()} == {"a": "b", "c": "root"}


def test_a_fallback_that_is_no_receiver_is_an_error(configuration: Any) -> None:
    with pytest.raises(ConfigErrors, match=r'fallback: no receiver is called "nobody"'):
        load(configuration(a="nobody"), {})
