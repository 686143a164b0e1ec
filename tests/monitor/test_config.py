"""The configuration: what it says, what it refuses, and in which words."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.config import Config, build_routes, build_watchlists, json_schema, load
from monitor.config_errors import ConfigErrors
from rules.base import WatchlistKind
from sources.file import FileSettings
from sources.registry import SOURCE_TYPES

BAD = sorted((Path(__file__).parents[1] / "data" / "config").glob("*.yaml"))
EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
ENVIRON = {
    "TOKEN": "xoxb-geheim-4711",
    "NUMBER": "4711471147",
    "EMPTY": "",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SMTP_PASSWORD": "pw",
    "CRM_SECRET": "s",
    "PGPASSWORD": "pg",
    "CHAOS_TOKEN": "t",
    "REDDIT_ID": "id",
    "REDDIT_SECRET": "s",
    "SURVEY_SECRET": "s",
    "TRUSTPILOT_KEY": "k",
    "ETRUSTED_ID": "i",
    "ETRUSTED_SECRET": "s",
    "GOOGLE_CLIENT_ID": "i",
    "GOOGLE_CLIENT_SECRET": "s",
    "GOOGLE_REFRESH_TOKEN": "r",
    "PLAY_ACCOUNT": '{"client_email": "a@example.com", "private_key": "k"}',
    "STACKEXCHANGE_KEY": "k",
    "YOUTUBE_KEY": "k",
    "X_TOKEN": "t",
    "IMAP_PASSWORD": "s",
}
MINIMAL = """\
watchlists:
  - {name: acme, kind: brand, query: 'acme'}
sources:
  - {name: posts, type: file, path: posts.jsonl}
receivers:
  - {name: console, type: console}
routes:
  receiver: console
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def errors_of(path: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, ENVIRON)
    return [str(error) for error in caught.value.errors]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_f39_every_mistake_is_named_where_it_stands(path: Path) -> None:
    expected = [
        f"{path}:{line.removeprefix('#! ')}"
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("#! ")
    ]
    assert expected
    assert errors_of(path) == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_f39_no_error_shows_a_secret(path: Path) -> None:
    printed = "\n".join(errors_of(path))
    assert "geheim" not in printed
    assert "4711" not in printed


def test_defaults_and_paths_from_the_file(tmp_path: Path) -> None:
    config = load(write(tmp_path, MINIMAL), {})
    assert config.languages == ("de", "en")
    assert config.timezone == "UTC"
    assert config.store.url == f"sqlite:///{tmp_path}/mentiond.db"
    assert config.store.retention == timedelta(days=180)
    source = config.sources[0]
    assert isinstance(source, FileSettings)
    assert source.path == str(tmp_path / "posts.jsonl")
    assert source.backlog == "all"


def test_standard_input_and_absolute_paths_stay(tmp_path: Path) -> None:
    text = MINIMAL.replace("path: posts.jsonl", 'path: "-"') + 'store: {url: "sqlite:////var/lib/x.db"}\n'
    config = load(write(tmp_path, text), {})
    assert isinstance(config.sources[0], FileSettings)
    assert config.sources[0].path == "-"
    assert config.store.url == "sqlite:////var/lib/x.db"


@pytest.mark.parametrize(("model", "expected"), [("models", "{folder}/models"), ("/srv/models", "/srv/models")])
def test_the_classifiers_model_counts_from_the_file(tmp_path: Path, model: str, expected: str) -> None:
    assert load(write(tmp_path, MINIMAL), {}).classifier.model is None
    config = load(write(tmp_path, MINIMAL + f"classifier: {{model: {model}}}\n"), {})
    assert config.classifier.model == expected.format(folder=tmp_path)


def test_paths_count_from_the_file_wherever_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, MINIMAL)
    monkeypatch.chdir(tmp_path)
    assert load(Path("config.yaml"), {}).store.url == f"sqlite:///{tmp_path}/mentiond.db"


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "crm").write_text("0123\n")
    receivers = """\
  - {name: crm, type: webhook, url: "https://crm.example.com", secret: "${file:secrets/crm}"}
  - {name: care, type: slack, token: "${TOKEN}", channel: "#care"}
  - {name: pr, type: email, to: [a@example.com], from: b@example.com, smtp: {host: "${HOST}", port: 25}}
"""
    text = MINIMAL.replace("routes:", receivers + "routes:")
    config = load(write(tmp_path, text), {"TOKEN": "xoxb-geheim", "HOST": "localhost"})
    crm, care = config.receivers[1], config.receivers[2]
    assert crm.type == "webhook"
    assert crm.secret.get_secret_value() == "0123"
    assert care.type == "slack"
    assert care.token.get_secret_value() == "xoxb-geheim"
    assert "geheim" not in repr(config)
    assert "0123" not in repr(config)


def test_the_database_password_is_not_in_the_repr(tmp_path: Path) -> None:
    text = MINIMAL + 'store: {url: "postgresql://u:${PW}@db/x"}\n'
    config = load(write(tmp_path, text), {"PW": "geheim"})
    assert config.store.url == "postgresql://u:geheim@db/x"
    assert "geheim" not in repr(config)


def test_an_unquoted_reference_is_typed_and_a_quoted_one_stays_text(tmp_path: Path) -> None:
    text = MINIMAL + "http:\n  per_host: ${N}\n  contact: '${N}'\n"
    config = load(write(tmp_path, text), {"N": "3"})
    assert config.http.per_host == 3
    assert config.http.contact == "3"


def test_routes_inherit_receivers_and_keep_their_order(tmp_path: Path) -> None:
    routes = """\
  routes:
    - matchers: ['watchlist = acme']
      continue: true
      routes:
        - {matchers: ['label = crisis'], receiver: none}
"""
    config = load(write(tmp_path, MINIMAL + routes), {})
    root = build_routes(config)
    assert root.receiver == "console"
    assert root.routes[0].receiver == "console"
    assert root.routes[0].is_continued
    assert root.routes[0].routes[0].receiver == "none"
    assert root.routes[0].routes[0].matchers[0].text == "label = crisis"


def test_watchlists_as_the_rules_know_them(tmp_path: Path) -> None:
    text = MINIMAL.replace("query: 'acme'", "query: 'acme', names: [Acme], team: care")
    (watchlist,) = build_watchlists(load(write(tmp_path, text), {}))
    assert watchlist.kind is WatchlistKind.BRAND
    assert watchlist.names == ("Acme",)
    assert watchlist.team == "care"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# nothing but a remark\n", "is empty"),
        ("- a\n", "expected keys with values at the top of the file"),
        ("a: " + "[" * 100 + "]" * 100, "nested too deeply"),
    ],
)
def test_a_file_without_a_configuration(tmp_path: Path, text: str, message: str) -> None:
    (error,) = errors_of(write(tmp_path, text))
    assert message in error


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert errors_of(tmp_path / "none.yaml") == [f"{tmp_path}/none.yaml: cannot be read: No such file or directory"]
    assert errors_of(tmp_path) == [f"{tmp_path}: cannot be read: Is a directory"]


def test_the_example_works_as_it_stands() -> None:
    config = load(EXAMPLE, {})
    assert config.operations.receiver == "console"
    assert {source.type for source in config.sources} == {"feed", "hackernews"}


def uncommented(text: str) -> str:
    return text.replace("#:", "")


def test_the_example_works_with_everything_in_it(tmp_path: Path) -> None:
    text = uncommented(EXAMPLE.read_text(encoding="utf-8"))
    first, second = text.index("\nstore:"), text.index("# PostgreSQL")
    config = load(write(tmp_path, text[:first] + "\n" + text[second:]), ENVIRON)
    assert config.store.url == "postgresql://mentiond:pg@localhost/mentiond"
    assert {receiver.type for receiver in config.receivers} == {"console", "slack", "email", "webhook"}
    assert {source.type for source in config.sources} == set(SOURCE_TYPES)
    assert len(config.routes.routes) == 4


BLOCKS = re.findall(r"^#:(  - name: \S+)", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_of_the_example_works_by_itself(tmp_path: Path, block: str) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("#:" + block))
    end = next(
        number
        for number, line in enumerate(lines)
        if number > start and not (line.startswith("#:    ") and not line.startswith("#:    -"))
    )
    lines[start:end] = [line.removeprefix("#:") for line in lines[start:end]]
    config = load(write(tmp_path, "\n".join(lines)), ENVIRON)
    names = [source.name for source in config.sources] + [receiver.name for receiver in config.receivers]
    assert block.removeprefix("  - name: ") in names


def test_the_schema_is_json_and_knows_every_section() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert set(schema["properties"]) == set(Config.model_fields)
    assert schema["additionalProperties"] is False
