"""The configuration: what it says, what it refuses, and in which words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alerts.base import Member
from alerts.storm import Storm
from monitor.assembly import build_authors
from monitor.config import (
    Config,
    build_hours,
    build_inhibit_rules,
    build_routes,
    build_teams,
    build_watchlists,
    json_schema,
    load,
)
from monitor.config_errors import ConfigErrors
from rules.base import WatchlistKind
from rules.hours import ALWAYS, Window
from rules.routing import EscalationStep, Intervals, Options, Sla
from sources.file import FileSettings
from sources.registry import SOURCE_TYPES

BAD = sorted((Path(__file__).parents[1] / "data" / "config").glob("*.yaml"))
EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
ENVIRON = {
    "TOKEN": "xoxb-geheim-4711",
    "NUMBER": "4711471147",
    "EMPTY": "",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SMTP_PASSWORD": "pw",
    "CRM_SECRET": "s",
    "TEAMS_URL": "workflows://host/flow/signature",
    "PGPASSWORD": "pg",
    "BLUESKY_APP_PASSWORD": "p",
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
    "META_APP_SECRET": "s",
    "META_VERIFY_TOKEN": "s",
    "META_PAGE_TOKEN": "s",
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


OPTIONS = """\
  group_by: [watchlist]
  group_wait: 30s
  sla: {first_response: 60m, hours: office}
  escalate: [{after: 60m}, {after: 4h, receiver: console}]
  routes:
    - matchers: ['hours = office', 'label = crisis']
      receiver: second
      repeat_interval: 4h
      mute_time_intervals: [office]
      routes:
        - {receiver: none, group_by: ["..."], sla: off, escalate: [], repeat_interval: off}
        - sla: {first_response: 30m, warn_before: 5m}
hours: {office: {week: {mon-fri: ["09:00-12:30"]}, holidays: DE-BY}}
timezone: Europe/Berlin
"""


def test_routes_hand_their_options_down_and_not_their_intervals(tmp_path: Path) -> None:
    text = MINIMAL.replace("receivers:", "receivers:\n  - {name: second, type: console}") + OPTIONS
    root = build_routes(load(write(tmp_path, text), {}))
    (child,) = root.routes
    off, strict = child.routes
    hour = timedelta(hours=1)
    assert root.options == Options(
        ("watchlist",),
        timedelta(seconds=30),
        timedelta(minutes=5),
        None,
        Sla(hour, "office", hour / 4),
        (EscalationStep(hour, "console"), EscalationStep(4 * hour, "console")),
    )
    steps = (EscalationStep(hour, "second"), EscalationStep(4 * hour, "console"))
    assert child.options == replace(root.options, repeat_interval=4 * hour, escalate=steps)
    assert off.options == Options(group_wait=timedelta(seconds=30))
    assert strict.options == replace(child.options, sla=Sla(hour / 2, None, hour / 12))
    assert (child.intervals, strict.intervals) == (Intervals(("office",)), Intervals())
    assert [hours.name for hours in child.matchers[0].hours] == ["office"]


def test_hours_as_the_rules_know_them(tmp_path: Path) -> None:
    text = """\
timezone: Europe/Berlin
hours:
  office: {holidays: DE-BY, week: {mon-thu: ["13:30-18:00", "09:00-12:30"], saturday: ["22:00-06:00"], sun: []}}
  rare: {timezone: UTC, months: [12, "may:august"], days_of_month: [1, "-3:-1"], years: ["2027:2028"]}
  weekend: {week: {sat-sun: ["00:00-24:00"], mon: ["00:00-06:00"]}}
"""
    hours = build_hours(load(write(tmp_path, MINIMAL + text), {}))
    office, rare, weekend = hours["office"], hours["rare"], hours["weekend"]
    day = (Window(540, 750), Window(810, 1080))
    assert office.week == (day, day, day, day, (), (Window(1320, 1800),), ())
    assert date(2027, 1, 6) in office.holidays  # Epiphany: Bavaria, not Berlin
    assert date(2027, 1, 7) not in office.holidays
    assert (str(office.zone), str(rare.zone)) == ("Europe/Berlin", "UTC")
    assert (rare.months, rare.days_of_month, rare.years) == (((12, 12), (5, 8)), ((1, 1), (-3, -1)), ((2027, 2028),))
    assert rare.week == ALWAYS
    assert weekend.next_change(datetime(2026, 11, 7, 12, tzinfo=UTC)) == datetime(2026, 11, 9, 5, tzinfo=UTC)


def test_inhibit_rules_as_the_rules_know_them(tmp_path: Path) -> None:
    text = """\
inhibit_rules:
  - {source_matchers: ['label = crisis'], target_matchers: ['label = complaint'], equal: [watchlist]}
"""
    (rule,) = build_inhibit_rules(load(write(tmp_path, MINIMAL + text), {}))
    assert (rule.source[0].text, rule.target[0].text) == ("label = crisis", "label = complaint")
    assert (rule.equal, rule.for_) == (("watchlist",), timedelta(hours=1))


@pytest.mark.parametrize(
    ("written", "expected"),
    [("20/5m", Storm(20, timedelta(minutes=5))), ("1/1d", Storm(1, timedelta(days=1))), ("off", None)],
)
def test_the_storm_brake(tmp_path: Path, written: str, expected: Storm | None) -> None:
    slack = "  - {name: care, type: slack, token: x, channel: '#care'%s}\nroutes:"
    default = load(write(tmp_path, MINIMAL.replace("routes:", slack % "")), {})
    assert [one.storm for one in default.receivers] == [None, Storm(20, timedelta(minutes=5))]
    config = load(write(tmp_path, MINIMAL.replace("routes:", slack % f", storm: {written}")), {})
    assert config.receivers[1].storm == expected


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
    assert {receiver.type for receiver in config.receivers} == {"console", "slack", "email", "webhook", "apprise"}
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


TEAMS = """\
timezone: Europe/Berlin
teams:
  care:
    members: [{name: Kim, slack: U1, mail: kim@example.com}, {name: Sascha}]
    on_call:
      rotation: [Kim, Sascha]
      handover: "fri 18:00"
      start: 2026-11-02
      overrides: [{from: "2026-12-24 00:00", to: "2026-12-27 00:00", member: Sascha}]
  pr: {members: [{name: Alex}]}
identities:
  - {name: Ann, accounts: {file: [ann], posts: ["@Ann_B"]}}
"""


def test_teams_have_members_and_a_rota_on_the_clock_of_the_configuration(tmp_path: Path) -> None:
    config = load(write(tmp_path, TEAMS + MINIMAL), {})
    teams = build_teams(config)
    assert teams.member("Kim") == Member("Kim", "U1", "kim@example.com")
    assert list(teams.members) == ["Alex", "Sascha", "Kim"]
    assert teams.member("Robin") is None

    def on_call(moment: str) -> Member | None:
        return teams.on_call("care", datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert on_call("2026-11-06 16:59") == Member("Sascha")  # 17:59 in Berlin
    assert on_call("2026-11-06 17:00") == teams.member("Kim")
    assert on_call("2026-12-23 23:00") == Member("Sascha")
    assert teams.on_call("pr", datetime(2026, 12, 1, tzinfo=UTC)) is None
    assert teams.on_call(None, datetime(2026, 12, 1, tzinfo=UTC)) is None
    accounts = build_authors(config).accounts
    assert accounts == {("file", "ann"): "Ann", ("posts", "ann_b"): "Ann"}
