"""`mentiond init`: what it writes is valid, whatever the brand is called, and nothing is written over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli import main
from monitor.commands import OK, USAGE
from monitor.config import Config, load
from monitor.initial import Answers, watchlist_name, write_configuration
from rules.base import WatchlistKind
from rules.query import QueryError, parse

SECRETS = {"SLACK_BOT_TOKEN": "xoxb-1"}


def read(path: Path) -> Config:
    return load(path, os.environ | SECRETS)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.yaml"


def test_a_brand_is_enough(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--brand", "Acme"]) == OK
    config = read(path)
    assert [(one.name, one.kind, one.names) for one in config.watchlists] == [("acme", WatchlistKind.BRAND, ("Acme",))]
    assert [receiver.type for receiver in config.receivers] == ["console"]
    assert "mentiond run -c config.yaml" in capsys.readouterr().out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_everything_at_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given_arguments = ["--names", "@acme, Acme Phone,", "--competitors", "Globex", "--feeds", "https://example.com/rss"]
    sent_to = ["--slack", "#care", "--mail", "pr@example.com", "--smtp", "mail.example.com", "--lang", "en"]
    assert main(["init", "--brand", "Acme", *given_arguments, *sent_to]) == OK
    config = read(path)
    assert config.watchlists[0].names == ("Acme", "@acme", "Acme Phone")
    assert config.watchlists[1].kind is WatchlistKind.COMPETITOR
    assert {source.type for source in config.sources} == {"news", "feed"}
    assert {receiver.name for receiver in config.receivers} == {"console", "slack", "mail"}
    assert "export SLACK_BOT_TOKEN=" in capsys.readouterr().out
    assert "xoxb" not in path.read_text()


def test_a_file_that_is_there_stays(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("mine")
    assert main(["init", "--brand", "Acme"]) == USAGE
    assert path.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_answers_that_make_no_configuration_leave_no_file(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--brand", "Acme", "--feeds", "nonsense"]) == USAGE
    assert "sources[1].url: expected an address" in capsys.readouterr().err
    assert not path.exists()


def test_without_a_terminal_a_brand_has_to_be_given(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == USAGE
    assert "--brand NAME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("brand", "name"), [("Müller & Söhne", "mueller-soehne"), ("Café Noir", "cafe-noir"), ("東京", "brand")]
)
def test_a_brand_has_a_name_of_ascii(brand: str, name: str) -> None:
    assert watchlist_name(brand) == name


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1), min_size=1))
def test_no_name_gets_out_of_its_quotes(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("init") / "config.yaml"
    try:
        path.write_text(write_configuration(Answers(brand="Acme", names=tuple(names))), encoding="utf-8")
    except QueryError:
        return
    if any("${" in name or not name.strip() for name in names):
        return
    config = read(path)
    assert config.watchlists[0].names == tuple(dict.fromkeys(("Acme", *names)))
    parse(config.watchlists[0].query)
