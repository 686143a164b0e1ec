"""The registry: configuration to sources, and what a cursor points into."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import HttpError
from sources.registry import SOURCE_TYPES, SourceConfig, build, fingerprint
from sources.tools import WHOLE
from tests.fakes import FailingHttp, source_tools
from tests.sources.benches import benches, name_of

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
FEED = {"name": "a", "type": "feed", "url": "https://x.test/feed"}
NEWS = {"name": "a", "type": "hackernews"}
FILE = {"name": "a", "type": "file", "path": "posts.jsonl"}


def mark(written: dict[str, Any], **changes: Any) -> str:
    return fingerprint(CONFIG.validate_python(written | changes), WHOLE)


@pytest.mark.parametrize("written", [FEED, NEWS, FILE, FILE | {"path": "-"}])
def test_every_type_is_built(written: dict[str, Any]) -> None:
    tools = source_tools(FailingHttp(HttpError("no network")))
    assert list(build(CONFIG.validate_python(written), tools)) == [WHOLE]


def test_a_fingerprint_changes_with_what_the_cursor_points_into() -> None:
    base = "http://127.0.0.1:1"
    marks = [
        mark(FEED),
        mark(FEED, url="https://x.test/feed2"),
        mark(FEED, base_url=base),
        mark(NEWS),
        mark(NEWS, base_url=base),
        mark(FILE),
        mark(FILE, path="other.jsonl"),
        mark(FILE, format="csv"),
    ]
    assert len(set(marks)) == len(marks)


@pytest.mark.parametrize("written", [FEED, NEWS, FILE])
def test_a_fingerprint_stays_over_everything_else(written: dict[str, Any]) -> None:
    assert mark(written) == mark(written, name="b", was="a", every="7m", backlog="3d")


def test_every_type_has_a_server_in_the_contracts() -> None:
    modules = [*benches("make"), *benches("make_stream")]
    assert set(SOURCE_TYPES) <= {name_of(module) for module in modules}


def test_defaults() -> None:
    news, file = CONFIG.validate_python(NEWS), CONFIG.validate_python(FILE)
    assert news.every.total_seconds() == 60
    assert file.backlog == "all"


@pytest.mark.parametrize(
    "written",
    [
        FEED | {"url": "ftp://x.test/feed"},
        FEED | {"url": "x.test/feed"},
        FEED | {"url": "https://x.test/a b"},
        FEED | {"url": "https://x.test:99999/"},
        FEED | {"url": "http://[x/"},
        FEED | {"urll": "https://x.test/"},
        NEWS | {"backlog": "all"},
        FILE | {"path": ""},
        {"name": "a", "type": "nntp"},
    ],
)
def test_mistakes_are_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONFIG.validate_python(written)


def test_the_configuration_models_load_no_heavy_library() -> None:
    heavy = "spacy praw sqlalchemy alembic aiohttp slack_sdk feedparser lxml apscheduler"
    code = f"import sys, sources.registry; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
