"""Watchlists as searches: what a source is built with, what `check` says of it, what a changed query starts anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from monitor.assembly import build_parts, open_tools
from monitor.cli import main
from monitor.commands import OK
from monitor.config import load
from monitor.inbox import EmptyInbox
from monitor.searching import with_searches
from rules.query import parse
from rules.search_terms import translate
from sources.base import SearchDialect, SourceSettings
from sources.news import NewsSettings
from sources.registry import SourceConfig
from tests.acceptance.running import CONSOLE, configuration

SEARCHING: list[type[SourceSettings]] = [
    model for model in get_args(get_args(SourceConfig)[0]) if "search" in model.model_fields
]
PRESS = {"name": "press", "type": "news", "search": {"from": "w"}}


def write(folder: Path, query: str, *sources: dict[str, Any]) -> Path:
    watchlists = [{"name": "w", "kind": "topic", "query": query}]
    path = folder / "config.yaml"
    path.write_text(json.dumps(configuration(list(sources) or [PRESS], [CONSOLE], watchlists=watchlists), indent=1))
    return path


async def fingerprints(path: Path) -> dict[tuple[str, str], str]:
    config = load(path, {})
    async with open_tools(config) as tools:
        return {key: part.fingerprint for key, part in build_parts(config, tools, EmptyInbox()).items()}


def test_a_watchlist_becomes_the_searches_of_a_source(tmp_path: Path) -> None:
    (source,) = with_searches(load(write(tmp_path, 'müller OR "acme phone"'), {})).sources
    assert isinstance(source, NewsSettings)
    assert source.search == ('(müller OR mueller OR "acme phone" OR acmephone)',)


def test_searches_of_ones_own_stay_as_they_are(tmp_path: Path) -> None:
    (source,) = with_searches(load(write(tmp_path, "acme", PRESS | {"search": ["a -b"]}), {})).sources
    assert isinstance(source, NewsSettings)
    assert source.search == ("a -b",)


async def test_a_changed_query_starts_only_the_changed_search_anew(tmp_path: Path) -> None:
    before = await fingerprints(write(tmp_path, "(a1 AND b1) OR (c1 AND d1)"))
    after = await fingerprints(write(tmp_path, "(a1 AND b1) OR (c1 AND e1)"))
    assert set(before) == {("press", "a1 b1"), ("press", "c1 d1")}
    assert set(after) == {("press", "a1 b1"), ("press", "c1 e1")}
    assert before["press", "a1 b1"] == after["press", "a1 b1"]


def test_check_says_what_is_asked_and_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "(acme AND lang:de) OR compl*aint")
    assert main(["check", "-c", str(path)]) == OK
    _, asked, left_out, missed = capsys.readouterr().out.splitlines()
    place = asked.partition(": ")[0]
    assert asked == f"{place}: sources[0].search.from: asks one search: acme"
    assert left_out.endswith("the search cannot say, what comes back is held against it: lang:de")
    assert missed.startswith(f"{place}: sources[0].search.from: warning: the search cannot find `compl*aint`")
    assert json.dumps("w") in path.read_text().splitlines()[int(place.split(":")[-2]) - 1]


def test_check_says_it_to_programs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(write(tmp_path, "acme OR compl*aint")), "--json"]) == OK
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    searching = [line for line in said if line["kind"] == "search"]
    assert [(line["name"], line["level"], line["ok"]) for line in searching] == [
        ("press", "note", True),
        ("press", "warning", True),
    ]
    assert searching[0]["detail"] == "asks one search: acme"


@pytest.mark.parametrize("model", SEARCHING, ids=lambda model: model.__name__)
def test_every_source_that_searches_knows_the_dialect_of_its_search(model: type[SourceSettings]) -> None:
    dialect = getattr(model, "DIALECT", None)
    assert isinstance(dialect, SearchDialect)
    query = '(müller OR "acme phone" OR @acme OR acme.com) AND (kaputt OR defekt OR "geht nicht") NOT arena'
    translation = translate(parse(query), dialect)
    assert translation.missed == ()
    assert max(map(len, translation.searches)) <= dialect.longest
