"""`mentiond sources try`: what it prints and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.commands import OK, TROUBLE, USAGE
from tests.acceptance.running import CONSOLE, configuration


@pytest.fixture
def path(tmp_path: Path) -> Path:
    posts: list[dict[str, Any]] = [
        {"external_id": str(n), "text": f"Acme {n}", "published_at": f"2026-11-2{n}T08:00:00Z"} for n in range(3)
    ]
    posts[1] |= {"kind": "review", "rating": 2, "author": "Kim", "url": "https://x.test/1", "title": "Naja"}
    (tmp_path / "posts.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts) + "broken\n")
    sources = [{"name": "export", "type": "file", "path": "posts.jsonl"}, {"name": "gone", "type": "file", "path": "x"}]
    written = tmp_path / "config.yaml"
    written.write_text(json.dumps(configuration(sources, [CONSOLE])))
    return written


def test_a_page_is_printed_newest_first_and_nothing_is_stored(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "try", "export", "-c", str(path), "--limit", "2"]) == OK
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "2026-11-22T08:00:00Z · post · author unknown",
        "  Acme 2",
        "  2",
        "2026-11-21T08:00:00Z · review · Kim · rating 2",
        "  Naja. Acme 1",
        "  https://x.test/1",
    ]
    assert "line 4 was left out" in said.err
    assert "export: 3 posts on this page, 2 shown" in said.err
    assert not list(path.parent.glob("*.db"))


def test_json_lines_hold_the_whole_post(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "try", "export", "-c", str(path), "--json"]) == OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["external_id"] for row in rows] == ["2", "1", "0"]
    assert (rows[1]["rating"], rows[1]["author"], rows[1]["published_at"]) == (2.0, "Kim", "2026-11-21T08:00:00Z")


def test_a_source_that_fails_has_an_exit_code_of_its_own(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "try", "gone", "-c", str(path)]) == TROUBLE
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"), [(["exprot"], "export, gone"), (["export", "--part", "x"], "no part")]
)
def test_unknown_names_are_told_with_the_known_ones(
    path: Path, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sources", "try", *arguments, "-c", str(path)]) == USAGE
    assert reason in capsys.readouterr().err
