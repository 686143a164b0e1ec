"""Logs as JSON: the pairs of a message become fields, and nothing in it steers a terminal."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from monitor.logs import JsonLines


def logged(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    exception = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("mentiond.pipeline", logging.WARNING, "file", 1, message, arguments, exception)
    record.created = 1_795_000_000.25
    line = JsonLines().format(record)
    assert "\n" not in line
    read: dict[str, Any] = json.loads(line)
    return read


def test_pairs_become_fields() -> None:
    assert logged("page stored source=%s new=%d edited=%d", "news/a", 3, 0) == {
        "time": "2026-11-18T11:06:40.250Z",
        "level": "warning",
        "logger": "mentiond.pipeline",
        "event": "page stored",
        "source": "news/a",
        "new": 3,
        "edited": 0,
    }


@pytest.mark.parametrize(
    ("message", "arguments", "event", "fields"),
    [
        ("store recovered", (), "store recovered", {}),
        ("gap source=%s %s", ("news", "lost 3"), "gap", {"source": "news", "detail": "lost 3"}),
        ("took 100% of it", (), "took 100% of it", {}),
        ("failed level=%s", ("high",), "failed", {}),
        ("%s broke", ("news",), "news broke", {"detail": "news"}),
    ],
)
def test_every_form_of_message(message: str, arguments: tuple[Any, ...], event: str, fields: dict[str, Any]) -> None:
    line = logged(message, *arguments)
    assert line.pop("event") == event
    assert {key: line[key] for key in line if key not in ("time", "level", "logger")} == fields


def test_an_exception_is_a_field() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        line = logged("source broke source=%s", "news", error=sys.exc_info()[1])
    assert line["exception"].endswith("ValueError: no")


def test_what_a_server_said_steers_no_terminal() -> None:
    record = logging.LogRecord("mentiond", logging.ERROR, "file", 1, "failing error=%s", ("\x1b[2J\u202e\r\n",), None)
    assert [sign for sign in "\x1b\u202e\r\n" if sign in JsonLines().format(record)] == []
