"""What Slack sends is taken apart whatever it looks like; buttons mean what they say and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts import slack_modal
from alerts.base import ActionKind
from alerts.slack_buttons import ACTIONS, Control, Pressed, return_at
from alerts.slack_buttons import read as read_button
from alerts.slack_commands import read_silence
from alerts.slack_payload import Submission, read
from tests.alerts.samples import NOW

KEYS = st.sampled_from(
    [
        *("type", "user", "id", "name", "actions", "action_id", "value", "selected_option", "channel", "container"),
        *("message_ts", "message", "view", "state", "values", "private_metadata", "command", "text", "response_url"),
        *("block_actions", "view_submission", "labels", "note", "sentiment", '{"mention": 7}'),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)
PAYLOADS = st.dictionaries(KEYS, ANYTHING, max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PAYLOADS, st.sampled_from(["block_actions", "view_submission", None]))
def test_no_payload_breaks_the_reader(payload: dict[str, Any], kind: str | None) -> None:
    did = read({**payload, "type": kind})
    if isinstance(did, Submission):
        slack_modal.read(did)


@given(st.text(max_size=60), st.text(max_size=30))
def test_no_button_and_no_command_breaks_its_reader(action_id: str, value: str) -> None:
    read_button(action_id, value)
    read_silence(f"{action_id} for {value}", NOW)


@pytest.mark.parametrize(
    ("action_id", "value", "means"),
    [
        ("claim", "m7", Pressed(Control.CLAIM, 7)),
        ("dismiss", "g4", Pressed(Control.DISMISS, None, 4)),
        ("snooze", "m7:4h", Pressed(Control.SNOOZE, 7, None, "4h")),
        ("handle:7", "answer@m7", Pressed(Control.ANSWER, 7)),
        ("handle:7", "m7", None),
        ("handle:7", "handle@m7", None),
        ("claim", "", None),
        ("claim", "m", None),
        ("claim", "x7", None),
        ("claim", "m7 m8", None),
        ("claim", "m" + "9" * 30, None),
        ("constructor", "m7", None),
        ("claim", "tag@m7", None),
    ],
)
def test_what_a_press_is_about(action_id: str, value: str, means: Pressed | None) -> None:
    assert read_button(action_id, value) == means


def test_every_control_is_an_action_a_modal_or_a_menu() -> None:
    assert set(ACTIONS) == set(Control) - {Control.CORRECT, Control.HANDLE}
    assert set(ACTIONS.values()) == set(ActionKind) - {ActionKind.NOTE, ActionKind.TAG, ActionKind.CORRECT}


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("now", "time", "until"),
    [
        ("2026-03-28T12:00+00:00", "tomorrow", "2026-03-29T06:00+00:00"),  # summer time begins in the night
        ("2026-10-24T12:00+00:00", "tomorrow", "2026-10-25T07:00+00:00"),  # and ends
        ("2026-11-22T23:30+00:00", "tomorrow", "2026-11-24T07:00+00:00"),  # in Berlin it is Monday already
        ("2026-11-22T23:30+00:00", "monday", "2026-11-30T07:00+00:00"),
        ("2026-11-22T12:00+00:00", "monday", "2026-11-23T07:00+00:00"),
        ("2026-11-22T12:00+00:00", "1h", "2026-11-22T13:00+00:00"),
        ("2026-11-22T12:00+00:00", "never", None),
    ],
)
def test_mornings_are_those_of_the_zone(now: str, time: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until) if until else None
    assert return_at(time, datetime.fromisoformat(now).astimezone(UTC), BERLIN) == expected
