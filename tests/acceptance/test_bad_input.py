"""Bad input: one clear message on standard error, no traceback, the documented exit code."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from monitor.commands import FAILED, MODEL, STORE, USAGE
from monitor.model import SHIPPED
from tests.acceptance.running import ACME, CONSOLE, Installation, configuration

POST = b'{"text": "My Acme is broken"}\n'
FILE: dict[str, Any] = {"name": "export", "type": "file", "path": "posts.jsonl"}


@pytest.fixture
def good(installed: Installation) -> Installation:
    """An installation that works, to be spoilt in one place."""
    (installed.folder / "posts.jsonl").write_bytes(POST)
    installed.write(configuration([FILE], [CONSOLE]))
    return installed


async def test_the_good_one_works(good: Installation) -> None:
    assert (await good.once()).code == 0


async def test_no_configuration_file(good: Installation) -> None:
    missing = good.folder / "missing.yaml"
    for command in (["check"], ["run", "--once"], ["sources"], ["alerts"], ["query", "acme"]):
        ended = await good.mentiond(*command, "-c", missing)
        ended.said_plainly(USAGE, str(missing), "No such file")


async def test_a_configuration_that_cannot_be_read(good: Installation) -> None:
    (await good.mentiond("check", "-c", good.folder)).said_plainly(USAGE, str(good.folder), "directory")
    good.config.write_bytes(b"languages: [d\xff]\n")
    (await good.mentiond("check", "-c", good.config)).said_plainly(USAGE, str(good.config), "UTF-8")
    good.write("sources: [\n")
    (await good.mentiond("check", "-c", good.config)).said_plainly(USAGE, f"{good.config}:")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_configuration_that_may_not_be_read(good: Installation) -> None:
    good.config.chmod(0)
    (await good.mentiond("check", "-c", good.config)).said_plainly(USAGE, "Permission denied")


async def test_an_unknown_key(good: Installation) -> None:
    good.write(configuration([FILE | {"pathh": "x"}], [CONSOLE]))
    (await good.mentiond("run", "--once", "-c", good.config)).said_plainly(
        USAGE, f"{good.config}:", "sources[0].pathh", 'did you mean "path"?'
    )


async def test_a_wrong_type(good: Installation) -> None:
    good.write(configuration([FILE], [CONSOLE], http={"per_host": "two"}))
    (await good.mentiond("check", "-c", good.config)).said_plainly(USAGE, f"{good.config}:3", "http.per_host", "number")


async def test_a_query_cut_by_a_comment(good: Installation) -> None:
    good.write(
        "watchlists: [{name: acme, kind: brand, query: x}]\n"
        "sources: [{name: export, type: file, path: posts.jsonl}]\n"
        "receivers: [{name: screen, type: console}]\n"
        "routes: {receiver: screen}\n".replace("query: x}]", "query: acme OR #AcmeFail\n}]")
    )
    (await good.mentiond("check", "-c", good.config)).said_plainly(
        USAGE, f"{good.config}:1", "watchlists[0].query", "quote"
    )


async def test_a_missing_secret(good: Installation) -> None:
    slack = {"name": "care", "type": "slack", "token": "${NO_SUCH_TOKEN}", "channel": "#care"}
    good.write(configuration([FILE], [slack]))
    (await good.mentiond("run", "-c", good.config)).said_plainly(USAGE, "receivers[0].token", "NO_SUCH_TOKEN")


async def test_a_secret_is_never_shown(good: Installation) -> None:
    good.environ["MY_TOKEN"] = "xoxb-very-secret"
    slack = {
        "name": "care",
        "type": "slack",
        "token": "${MY_TOKEN}",
        "channel": "#${MY_TOKEN} x",
        "lang": "${MY_TOKEN}",
    }
    good.write(configuration([FILE], [slack]))
    ended = await good.mentiond("check", "-c", good.config)
    assert ended.code == USAGE
    assert "very-secret" not in ended.err + ended.out


async def test_everything_that_is_wrong_is_said_at_once(good: Installation) -> None:
    good.write(configuration([FILE | {"every": "soon"}], [CONSOLE | {"lang": "fr"}], timezone="Europe/Berlni"))
    ended = await good.mentiond("check", "-c", good.config)
    assert ended.code == USAGE
    assert [word for word in ("sources[0].every", "receivers[0].lang", "Europe/Berlin") if word not in ended.err] == []


async def test_an_unreachable_database(good: Installation) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"postgresql://mentiond:hush-hush@127.0.0.1:{taken.getsockname()[1]}/mentiond"
        good.write(configuration([FILE], [CONSOLE], store={"url": url}))
        listed = [await good.mentiond(command, "-c", good.config) for command in ("sources", "alerts")]
        for ended in (await good.once(), *listed):
            ended.said_plainly(STORE, "store.url", "127.0.0.1")
            assert "hush-hush" not in ended.err


async def test_a_folder_that_cannot_be_written(good: Installation) -> None:
    for folder in ("nowhere", "posts.jsonl"):
        good.write(configuration([FILE], [CONSOLE], store={"url": f"sqlite:///{folder}/mentiond.db"}))
        (await good.once()).said_plainly(STORE, folder, "store.url")


async def test_a_file_that_is_no_database(good: Installation) -> None:
    good.write(configuration([FILE], [CONSOLE], store={"url": "sqlite:///posts.jsonl"}))
    (await good.once()).said_plainly(STORE, "posts.jsonl")
    assert (good.folder / "posts.jsonl").read_bytes() == POST


async def test_a_corrupt_model(good: Installation, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(SHIPPED, model)
    largest = max((file for file in model.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    ended = await good.mentiond("classify", "--model", model, stdin=POST)
    ended.said_plainly(MODEL, str(largest), "mentiond train")
    shutil.rmtree(model)
    ended = await good.mentiond("classify", "--model", model, stdin=POST)
    ended.said_plainly(MODEL, str(model), "is missing")


async def test_a_source_to_enable_that_is_unknown(good: Installation) -> None:
    assert (await good.once()).code == 0
    ended = await good.mentiond("sources", "enable", "exprot", "-c", good.config)
    ended.said_plainly(USAGE, "exprot", "export")


@pytest.mark.parametrize("query", ["acme AND (globex", "acme OR globex jobs", "NOT acme", "", "acme NEAR/ globex"])
async def test_a_bad_query(good: Installation, query: str) -> None:
    ended = await good.mentiond("query", query, "posts.jsonl")
    assert (ended.code, ended.out) == (USAGE, "")
    assert ended.err.strip()
    assert "Traceback" not in ended.err
    good.write(configuration([FILE], [CONSOLE], watchlists=[ACME | {"query": query}]))
    configured = await good.mentiond("check", "-c", good.config)
    assert configured.code == USAGE
    assert f"{good.config}:" in configured.err
    assert "watchlists[0].query" in configured.err


async def test_files_of_posts_that_cannot_be_read(good: Installation) -> None:
    for command in (["query", "acme", "missing.jsonl"], ["classify", "missing.jsonl"]):
        (await good.mentiond(*command)).said_plainly(USAGE, "missing.jsonl", "No such file")
    (await good.mentiond("classify", good.folder)).said_plainly(USAGE, str(good.folder), "directory")


async def test_lines_that_are_no_posts(good: Installation) -> None:
    lines = b'{"text": "My Acme is broken"}\nnot json\n{"title": "no text"}\n'
    ended = await good.mentiond("classify", stdin=lines)
    assert ended.code == FAILED
    assert [line["line"] for line in ended.lines] == [1, 2, 3]
    assert ["error" in line for line in ended.lines] == [False, True, True]
    searched = await good.mentiond("query", "acme", "-", stdin=lines)
    assert "-:2:" in searched.err
    assert "-:3:" in searched.err
    assert "1 of 1 posts match" in searched.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["run", "--nonsense"],
        ["query", "--nonsense"],
        ["sources", "disable"],
        ["alerts", "--limit", "many"],
        ["alerts", "--limit", "-1"],
    ],
    ids=" ".join,
)
async def test_arguments_that_do_not_exist(good: Installation, arguments: list[str]) -> None:
    ended = await good.mentiond(*arguments)
    assert ended.code == USAGE
    assert "usage: mentiond" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["routes", "test", "colour=red"],
        ["routes", "test", "label=anger"],
        ["routes", "test", "label"],
        ["routes", "test", "watchlist=nobody"],
        ["routes", "test", "score=high"],
        ["query", "acme", "--since", "yesterday"],
        ["query", "acme", "--since", "99999999999d"],
        ["routes", "test", "followers=1e400"],
        ["classify", "--languages", "german"],
        ["classify", "--languages", ""],
        ["train", "--corpus", "nowhere", "--out", "models"],
    ],
    ids=" ".join,
)
async def test_values_that_cannot_be(good: Installation, arguments: list[str]) -> None:
    has_config = arguments[0] in ("routes", "query", "alerts")
    ended = await good.mentiond(*arguments, *(["-c", str(good.config)] if has_config else []))
    ended.said_plainly(USAGE)


def test_a_second_program_called_rules_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "__init__.py").write_text("")
    home = Path(__file__).parents[2]
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(home)!r}]; from monitor.cli import main; sys.exit(main())"
    )
    ended = subprocess.run(["python3", "-c", code, "schema"], capture_output=True, text=True, check=False)
    assert "an environment of its own" in ended.stderr
    assert ended.returncode == FAILED
