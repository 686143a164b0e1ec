"""`mentiond check`: what the linter says of the queries of a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.commands import OK, USAGE
from tests.acceptance.running import CONSOLE, configuration

SOURCE = {"name": "export", "type": "file", "path": "posts.jsonl"}
GOOD, BROAD, DEAD, DOUBLE = "acme", "acme OR the", "acme NOT acme", "acme OR acme"


def write(folder: Path, *queries: str) -> Path:
    watchlists: list[dict[str, Any]] = [
        {"name": f"w{number}", "kind": "topic", "query": query} for number, query in enumerate(queries)
    ]
    path = folder / "config.yaml"
    path.write_text(json.dumps(configuration([SOURCE], [CONSOLE], watchlists=watchlists), indent=1))
    return path


def place(path: Path, query: str, column: int = 1) -> str:
    """`FILE:LINE:COLUMN` of a character of a query."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if json.dumps(query) in line:
            return f"{path}:{number}:{line.index(json.dumps(query)) + 1 + column}"
    raise AssertionError(query)


def test_a_warning_follows_the_ok_and_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD, BROAD)
    assert main(["check", "-c", str(path)]) == OK
    said = capsys.readouterr()
    ok, warning = said.out.splitlines()
    assert ok == f"{path}: ok (1 sources, 2 watchlists, 1 receivers)"
    assert warning.startswith(f"{place(path, BROAD, 9)}: watchlists[1].query: warning: `the`")
    assert said.err == ""


def test_a_query_that_can_never_match_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, BROAD, DEAD)
    assert main(["check", "-c", str(path)]) == USAGE
    said = capsys.readouterr()
    assert said.out == ""
    [error] = said.err.splitlines()
    assert error.startswith(place(path, DEAD).rpartition(":")[0])
    assert "watchlists[1].query: " in error


def test_a_hint_is_only_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, DOUBLE)
    assert main(["check", "-c", str(path)]) == OK
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main(["check", "-c", str(path), "--json"]) == OK
    [hint] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (hint["kind"], hint["name"], hint["ok"], hint["level"]) == ("query", "w0", True, "hint")


def test_json_lists_every_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, GOOD, BROAD, DEAD)
    assert main(["check", "-c", str(path), "--json"]) == USAGE
    broad, dead = map(json.loads, capsys.readouterr().out.splitlines())
    assert broad.keys() == {"kind", "name", "ok", "detail", "level", "line", "column"}
    assert (broad["name"], broad["ok"], broad["level"]) == ("w1", True, "warning")
    assert f"{path}:{broad['line']}:{broad['column']}" == place(path, BROAD, 9)
    assert (dead["name"], dead["ok"], dead["level"]) == ("w2", False, "error")


def test_a_configuration_without_findings_prints_nothing_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD)
    assert main(["check", "-c", str(path), "--json"]) == OK
    assert capsys.readouterr().out == ""
