"""Listeners that fail are started again, each by itself, until that is no use."""

from __future__ import annotations

import asyncio
import logging
from random import Random

import pytest

from alerts.base import ReceiverError
from monitor import listening
from monitor.listening import Listening
from tests.fake_desk import MemoryDesk
from tests.fakes import START, ScriptedListener, ScriptedReceiver

LATER = ReceiverError("no connection")


def supervised(listener: ScriptedListener) -> tuple[Listening, list[tuple[str, ReceiverError]]]:
    stopped: list[tuple[str, ReceiverError]] = []

    async def tell(name: str, error: ReceiverError) -> None:
        stopped.append((name, error))

    return Listening("care", listener, MemoryDesk(clock=lambda: START), Random(1), tell), stopped


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "SHORTEST_WAIT", 0.001)
    monkeypatch.setattr(listening, "LONGEST_WAIT", 0.002)


@pytest.mark.parametrize("trouble", [LATER, RuntimeError("broken")])
async def test_a_listener_that_fails_is_started_again(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    listener = ScriptedListener(*[trouble] * 5)
    task = asyncio.create_task(supervised(listener)[0].run())
    await asyncio.wait_for(listener.listens.wait(), 5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert listener.tries == 6
    assert sum("trying again" in record.getMessage() for record in caplog.records) == 1, (
        "trouble is said when it begins"
    )


async def test_what_is_refused_for_good_is_told_once_and_not_tried_again() -> None:
    refused = ReceiverError("invalid_auth", permanent=True, channel=True)
    listener = ScriptedListener(refused)
    supervisor, stopped = supervised(listener)
    await supervisor.run()
    assert (listener.tries, stopped) == (1, [("care", refused)])


async def test_what_has_nothing_to_listen_to_ends() -> None:
    listener = ScriptedListener(has_nothing=True)
    await asyncio.wait_for(supervised(listener)[0].run(), 5)
    assert listener.tries == 1


def test_waits_double_up_to_a_limit_and_begin_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(listening, "SHORTEST_WAIT", 1.0)
    monkeypatch.setattr(listening, "LONGEST_WAIT", 300.0)
    supervisor = supervised(ScriptedListener())[0]
    waits = [supervisor.wait_after(LATER, 0.0) for _ in range(12)]
    for number, wait in enumerate(waits):
        assert min(2.0**number, 300.0) <= wait <= min(2.0**number, 300.0) * listening.JITTER
    assert supervisor.wait_after(LATER, 3600.0) <= listening.JITTER
    assert "recovered" in caplog.text
    assert supervisor.wait_after(ReceiverError("ratelimited", retry_after=30.0), 0.0) == 30.0


def test_listeners_are_found_among_the_receivers() -> None:
    async def tell(name: str, error: ReceiverError) -> None:
        raise AssertionError(name)

    receivers = {"care": ScriptedListener(), "crm": ScriptedReceiver()}
    built = listening.build_listenings(receivers, MemoryDesk(clock=lambda: START), Random(1), tell)
    assert [one.name for one in built] == ["care"]
