"""`mentiond silence` and the log of attempts of `mentiond alerts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alerts.base import Alert, Reason, ReceiverError
from monitor import marks, outbox
from monitor.cli import main
from monitor.config import load
from monitor.loading import load_alerts
from monitor.store import Store
from tests.acceptance.running import ACME, CONSOLE
from tests.fakes import START
from tests.monitor.builders import in_transaction, owe


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    source = {"name": "news", "type": "file", "path": "posts.jsonl"}
    values = {"watchlists": [ACME], "sources": [source], "receivers": [CONSOLE], "routes": {"receiver": "screen"}}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], config: Path, *words: str) -> tuple[int, str, str]:
    code = main([*words, "-c", str(config)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_silence_is_added_listed_and_expired(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    matchers = ("watchlist = acme", "label != crisis")
    code, out, _ = run(capsys, config, "silence", "add", *matchers, "--for", "2h", "--by", "Kim", "--comment", "sale")
    assert (code, out.startswith("silence 1, until 20")) == (0, True)
    code, out, _ = run(capsys, config, "silence", "list", "--json")
    [listed] = map(json.loads, out.splitlines())
    assert {name: listed[name] for name in ("id", "matchers", "active", "by", "comment")} == {
        "id": 1,
        "matchers": list(matchers),
        "active": True,
        "by": "Kim",
        "comment": "sale",
    }
    assert run(capsys, config, "silence", "expire", "1")[0] == 0
    assert run(capsys, config, "silence", "list")[1] == "no silences\n"
    assert "watchlist = acme, label != crisis" in run(capsys, config, "silence", "list", "--all")[1]
    code, _, err = run(capsys, config, "silence", "expire", "1")
    assert (code, "over already" in err) == (1, True)


def test_without_a_time_it_holds_until_it_is_expired(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    assert run(capsys, config, "silence", "add", "author = bot")[1] == "silence 1, until it is expired\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("watchlst = acme",), '^ cannot match on this; did you mean "watchlist"?'),
        (("watchlist = acme", "label = complain"), '^ no such label; did you mean "complaint"?'),
        (("label != praise",), "would silence everything"),
        (("watchlist = acme", "--for", "soon"), "--for soon: expected"),
        (("watchlist = acme", "--for", "0s"), "--for 0s: expected"),
        (("hours = night",), "no hours are called so"),
    ],
)
def test_what_cannot_be_silenced_is_refused(
    capsys: pytest.CaptureFixture[str], config: Path, words: tuple[str, ...], message: str
) -> None:
    code, out, err = run(capsys, config, "silence", "add", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert run(capsys, config, "silence", "list")[1] == "no silences\n"


def test_an_alert_is_shown_with_every_attempt(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    store = Store(load(config, {}).store.url)
    store.migrate()
    [number] = owe(store, 1, receiver="screen")

    def claim() -> Alert:
        ids = in_transaction(store, outbox.claim, "screen", "t", START, limit=1, pace=0.0)
        return in_transaction(store, load_alerts, ids, "")[0]

    failure = marks.Failure(ReceiverError("503 from the proxy"), START, 0.25)
    tries: dict[str, Any] = {"backoff": lambda failures: START - START, "retry_for": START - START}
    in_transaction(store, marks.mark_failed, claim(), "t", failure, **tries)
    in_transaction(store, marks.mark_sent, claim(), "t", marks.Sent("1700.1", START, 1.5))
    store.close()
    code, out, _ = run(capsys, config, "alerts", str(number), "--json")
    shown = json.loads(out)
    assert (code, shown["state"], shown["reason"]) == (0, "sent", Reason.NOTICE)
    assert [(one["attempt"], one["outcome"], one["seconds"], one["detail"]) for one in shown["log"]] == [
        (1, "failed", 0.25, "503 from the proxy"),
        (2, "sent", 1.5, "1700.1"),
    ]
    assert "503 from the proxy" in run(capsys, config, "alerts", str(number))[1]
    code, _, err = run(capsys, config, "alerts", "77")
    assert (code, err.startswith("alert 77 is unknown")) == (1, True)
