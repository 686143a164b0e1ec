"""`mentiond cases` and `mentiond case` on a small store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.assembly import utc_now
from monitor.cli import main
from monitor.commands import FAILED, OK, USAGE
from monitor.store import Store
from tests.monitor.builders import build_works, make_page, make_post, route_all
from tests.monitor.query_runs import Said

CONFIG = """
store: {{url: "sqlite:///{folder}/mentiond.db"}}
watchlists: [{{name: acme, kind: brand, names: [Acme], query: acme}}, {{name: globex, kind: competitor, query: globex}}]
sources: [{{name: news, type: file, path: posts.jsonl}}]
receivers: [{{name: console, type: console}}]
routes: {{receiver: console}}
"""
Run = Callable[..., Said]


@pytest.fixture
async def run(tmp_path: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command on a store with a crisis, a complaint and a question of one person, and somebody's praise of Globex."""
    (tmp_path / "config.yaml").write_text(CONFIG.format(folder=tmp_path))
    store = Store(sqlite_url)
    works = build_works(store, root=route_all("console"))
    works.clock.now = utc_now() - timedelta(hours=3)
    texts = ("Acme how", "Acme is broken", "Acme fire", "Globex")
    for number, text in enumerate(texts):
        author = "Ann" if number < 3 else "Ben"
        await works.poll(make_page(make_post(str(number), text, author=author, published_at=works.clock())))
        works.clock.advance(timedelta(minutes=1))
    store.close()

    def run(*arguments: str) -> Said:
        try:
            code = main([*arguments, "-c", str(tmp_path / "config.yaml")])
        except SystemExit as ended:  # argparse
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def listed(run: Run, *options: str) -> list[Any]:
    said = run("cases", *options, "--json")
    assert said.code == OK, said.err
    return [json.loads(line) for line in said.out.splitlines()]


def ids(run: Run, *options: str) -> list[int]:
    return [case["id"] for case in listed(run, *options)]


def test_the_most_pressing_comes_first(run: Run) -> None:
    assert ids(run) == [3, 2, 1, 4]
    assert ids(run, "--limit", "2") == [3, 2]
    assert ids(run, "--label", "question") == [1]
    assert ids(run, "--watchlist", "globex") == [4]
    table = run("cases").out.splitlines()
    assert table[0].split() == ["id", "priority", "state", "owner", "watchlist", "labels", "waits", "due", "text"]
    assert "Acme fire" in table[1]
    assert "2h" in table[1]


def test_lists_by_owner_and_state(run: Run) -> None:
    assert run("case", "claim", "1", "2", "--by", "Kim").out == "case 1 is claimed by Kim\ncase 2 is claimed by Kim\n"
    assert run("case", "answer", "2", "--by", "Kim", "--note", "called her").code == OK
    assert ids(run, "--mine", "--by", "Kim") == [1]
    assert ids(run, "--owner", "Kim") == [2, 1]
    assert ids(run, "--open") == [3, 1, 4]
    assert ids(run, "--state", "answered", "--state", "claimed") == [2, 1]
    assert ids(run, "--overdue") == []
    assert run("cases", "--owner", "Robin").out == "no cases\n"
    assert run("cases", "--open", "--mine").code == USAGE
    assert "unsure or none" in run("cases", "--review", "--label", "praise").err


def test_one_case_is_shown_with_its_history_and_what_came_before(run: Run) -> None:
    run("case", "claim", "1", "--by", "Kim")
    run("case", "tag", "3", "--tag", "vip", "--tag", "press", "--by", "Kim")
    run("case", "tag", "3", "--remove", "press", "--by", "Kim")
    run("case", "note", "3", "--note", "asked the\x1b[2J plant", "--by", "Kim")
    said = run("case", "show", "3").out
    assert said.splitlines()[0] == "case 3 is new, priority 68, indirect"
    for part in ("acme: crisis", "Ann at news", "Acme fire", "tags: vip", "first answer promised until"):
        assert part in said
    assert "earlier cases of the same person or thread: 2" in said
    assert "Kim (cli) note: asked the" in said
    assert "\x1b" not in said
    [shape] = [json.loads(run("case", "show", "3", "--json").out)]
    assert [(one["id"], one["owner"]) for one in shape["earlier"]] == [(2, None), (1, "Kim")]
    assert [event["action"] for event in shape["events"]] == ["tag", "tag", "note"]
    assert run("case", "show", "99").code == FAILED


def test_a_snooze_ends_after_its_duration(run: Run) -> None:
    said = run("case", "snooze", "3", "--for", "4h", "--by", "Kim")
    assert (said.code, said.out.startswith("case 3 is new, snoozed until 20")) == (OK, True)
    assert run("case", "snooze", "3", "--for", "soon").code == USAGE
    assert run("case", "snooze", "3").code == USAGE
    assert listed(run, "--open")[0]["snoozed"]


def test_what_is_refused_is_said_for_each(run: Run) -> None:
    run("case", "claim", "1", "--by", "Kim")
    said = run("case", "claim", "1", "2", "99", "--by", "Sascha", "--json")
    assert said.code == FAILED
    assert [json.loads(line)["id"] for line in said.out.splitlines()] == [2]
    assert "case 1 is claimed by Kim since" in said.err
    assert "mention 99 is unknown" in said.err
    assert run("case", "note", "1", "--by", "Kim").err == "a note needs a text\n"
    assert run("case", "tag", "1", "--by", "Kim").err == "tags are needed\n"
    assert run("case", "reopen", "1", "--by", "Kim").out == "case 1 is new\n"


def test_figures_say_how_cases_went(run: Run) -> None:
    assert "share of proactive answers: -" in run("cases", "--figures").out
    run("case", "answer", "2", "3", "--by", "Kim")
    run("case", "dismiss", "4", "--by", "Kim")
    said = run("cases", "--figures").out.splitlines()
    assert said[0].endswith(": 1 new, 2 answered, 1 dismissed")
    assert said[1:3] == ["2 answered for the first time", "share of proactive answers: 100 %"]
    assert said[3].startswith("median time to the first answer: 17")  # minutes, of three hours
    assert said[4].endswith("100 %")
    figures = json.loads(run("cases", "--figures", "--json", "--watchlist", "globex").out)
    assert (figures["opened"], figures["answered"], figures["median_seconds"]) == (1, 0, None)
    assert run("cases", "--figures", "--since", "ever").code == USAGE
