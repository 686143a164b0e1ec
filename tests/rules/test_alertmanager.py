"""What operators know from Alertmanager's routing, matchers and time intervals, as cases with what must follow.

Behaviours are those of its documentation and its tests (`dispatch/route`, `matcher`, `timeinterval`), in mentions and
words of ours; docs/routing.md says what differs. What happens at delivery is in tests/monitor.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.config import build_hours, build_routes, load
from monitor.config_errors import ConfigErrors
from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.hours import Hours
from rules.intervals import muted_until
from rules.matchers import parse_matcher
from rules.routing import Decision, Intervals, Route, decide, matches
from sources.base import Post

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
TREE = """\
watchlists: [{name: acme, kind: brand, query: acme}]
sources:
  - {name: testing, type: file, path: testing.jsonl}
  - {name: production, type: file, path: production.jsonl}
receivers:
  - {name: default, type: console}
  - {name: team-a, type: console}
  - {name: testing, type: console}
  - {name: production-1, type: console}
  - {name: production-2, type: console}
  - {name: team-bc, type: console}
routes:
  receiver: default
  routes:
    - matchers: ['author = team-a']
      receiver: team-a
      routes:
        - {matchers: ['source = testing'], receiver: testing, group_by: ['...']}
        - {matchers: ['source = production'], receiver: production-1, group_by: [team], group_wait: 1m, continue: true}
        - matchers: ['source =~ "produ.*"', 'lang =~ ".*"']
          receiver: production-2
          group_by: [team]
          group_wait: 30s
          group_interval: 10m
          repeat_interval: 1h
    - {matchers: ['author =~ "team-(b|c)"'], receiver: team-bc, group_by: [team, lang], group_wait: 2m}
    - matchers: ['author = role']
      group_by: [post_kind]
      routes:
        - matchers: ['source = testing']
          receiver: testing
          routes:
            - {matchers: ['lang = long'], group_wait: 2m}
"""
WAIT, MINUTE = timedelta(seconds=10), timedelta(minutes=1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Route:
    return build_routes(load(write(tmp_path_factory.mktemp("tree"), TREE), {}))


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mention(author: str | None = None, source: str = "", lang: str = "de", *tags: str) -> Mention:
    post = Post(source=source, external_id="1", text="", published_at=AT, author=author)
    tags = tags or ("complaint",)
    verdict = Verdict({Label(tag): 0.9 for tag in tags}, tags, Sentiment.NEUTRAL, lang)
    return Mention(post, Watchlist("acme", WatchlistKind.BRAND, ""), Match("acme", (), ()), verdict)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (mention("team-x"), [("default", None, WAIT)]),  # no child matches: the root
        (mention(None), [("default", None, WAIT)]),
        (mention("team-a"), [("team-a", None, WAIT)]),  # a child matches, none of its children
        (mention("team-a", "staging"), [("team-a", None, WAIT)]),
        (mention("team-a", "testing"), [("testing", None, WAIT)]),  # the deepest
        (mention("team-c"), [("team-bc", ("team", "lang"), 2 * MINUTE)]),  # a regex for the whole value
        (mention("team-bc"), [("default", None, WAIT)]),
        (
            mention("team-a", "production"),  # continue: the next sibling is asked too
            [("production-1", ("team",), MINUTE), ("production-2", ("team",), timedelta(seconds=30))],
        ),
        (mention("team-a", "produce"), [("production-2", ("team",), timedelta(seconds=30))]),
        (mention("role"), [("default", ("post_kind",), WAIT)]),  # the receiver is inherited, group_by is its own
        (mention("role", "testing"), [("testing", ("post_kind",), WAIT)]),  # group_by is inherited
        (mention("role", "testing", "long"), [("testing", ("post_kind",), 2 * MINUTE)]),  # both, over two levels
    ],
)
def test_routing(tree: Route, one: Mention, expected: list[tuple[str, tuple[str, ...] | None, timedelta]]) -> None:
    decisions = decide(tree, one, "file", AT)
    assert [(decision.receiver, decision.group_by, decision.group_wait) for decision in decisions] == expected


def test_the_other_options_are_those_of_the_route_or_the_defaults(tree: Route) -> None:
    first, second = decide(tree, mention("team-a", "production"), "file", AT)
    assert (first.group_interval, first.repeat_interval) == (timedelta(minutes=5), None)
    assert (second.group_interval, second.repeat_interval) == (timedelta(minutes=10), timedelta(hours=1))


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("['...']", "", None),
        ("['...']", ", group_by: [team, lang]", ("team", "lang")),
        ("[team, lang]", "", ("team", "lang")),
        ("[team]", ", group_by: ['...']", None),
        ("[team]", ", group_by: []", ()),  # everything in one group
    ],
)
def test_grouping_by_everything_is_inherited_and_replaced(
    tmp_path: Path, parent: str, child: str, expected: tuple[str, ...] | None
) -> None:
    text = TREE[: TREE.index("routes:")] + "routes:\n  receiver: default\n"
    text += f"  routes: [{{group_by: {parent}, routes: [{{receiver: testing{child}}}]}}]\n"
    (decision,) = decide(build_routes(load(write(tmp_path, text), {})), mention(), "file", AT)
    assert decision.group_by == expected


def test_intervals_are_not_inherited(tmp_path: Path) -> None:
    text = TREE[: TREE.index("routes:")] + "hours: {night: {week: {mon-sun: ['22:00-06:00']}}}\n"
    text += "routes: {receiver: default, routes: [{mute_time_intervals: [night], routes: [{receiver: testing}]}]}\n"
    (decision,) = decide(build_routes(load(write(tmp_path, text), {})), mention(), "file", AT)
    assert decision.intervals == (Intervals(),)


@pytest.mark.parametrize(
    "routes",
    [
        "{routes: []}",  # the root needs a receiver
        "{receiver: nobody}",
        "{receiver: default, matchers: ['label = crisis']}",
        "{receiver: default, continue: true}",
        "{receiver: default, mute_time_intervals: [night]}",
        "{receiver: default, active_time_intervals: [night]}",
        "{receiver: default, routes: [{mute_time_intervals: [gone]}]}",
        "{receiver: default, group_by: ['...', team]}",
        "{receiver: default, group_by: [team, nonsense]}",
        "{receiver: default, group_interval: 0s}",
        "{receiver: default, repeat_interval: 0s}",
        "{receiver: default, group_waits: 10s}",
    ],
)
def test_trees_that_are_refused(tmp_path: Path, routes: str) -> None:
    text = TREE[: TREE.index("routes:")] + "hours: {night: {week: {mon-sun: ['22:00-06:00']}}}\n"
    with pytest.raises(ConfigErrors) as caught:
        load(write(tmp_path, f"{text}routes: {routes}\n"), {})
    assert len(caught.value.errors) == 1


@pytest.mark.parametrize(
    ("matcher", "present", "other", "absent"),
    [
        ("author = kim", True, False, False),
        ("author != kim", False, True, True),
        ('author =~ "kim|pat"', True, False, False),
        ('author =~ "ki"', False, False, False),  # anchored at both ends
        ('author =~ "k.*"', True, False, False),
        ('author !~ "k.*"', False, True, True),
        ('author = ""', False, False, True),  # absent and empty are the same
        ('author != ""', True, True, False),
        ('author =~ "kim|"', True, False, True),
        ('author =~ ".*"', True, True, True),
        ('author =~ ".+"', True, True, False),
        ('author !~ ".+"', False, False, True),
        ("author=kim", True, False, False),
        ("author = 'kim'", True, False, False),
        ('author = "Kim"', False, False, False),  # in this very case
        ('author =~ "(?i)KIM"', True, False, False),
    ],
)
def test_matchers(matcher: str, present: bool, other: bool, absent: bool) -> None:
    read = [parse_matcher(matcher)]
    answers = [matches(read, mention(author), "file", AT) for author in ("kim", "lee", None)]
    assert answers == [present, other, absent]


def hours(tmp_path: Path, section: str) -> Hours:
    text = TREE[: TREE.index("routes:")] + f"routes: {{receiver: default}}\nhours: {{it: {section}}}\n"
    return build_hours(load(write(tmp_path, text), {}))["it"]


@pytest.mark.parametrize(
    ("section", "inside", "outside"),
    [
        ("{}", ["2026-11-02 00:00", "2028-02-29 23:59"], []),
        ('{week: {mon-sun: ["09:00-17:00"]}}', ["2026-11-02 09:00", "2026-11-02 16:59"], ["2026-11-02 17:00"]),
        ('{week: {mon-sun: ["00:00-24:00"]}}', ["2026-11-02 00:00", "2026-11-02 23:59"], []),
        ('{week: {mon-fri: ["09:00-17:00"]}}', ["2026-11-06 12:00"], ["2026-11-07 12:00", "2026-11-06 08:59"]),
        ('{week: {sat-sun: ["00:00-24:00"]}}', ["2026-11-07 00:00", "2026-11-08 23:59"], ["2026-11-09 00:00"]),
        ('{week: {Sunday: ["00:00-24:00"]}}', ["2026-11-08 00:00"], ["2026-11-07 23:59"]),
        ("{days_of_month: [1]}", ["2026-11-01 12:00"], ["2026-11-02 12:00", "2026-10-31 12:00"]),
        ('{days_of_month: ["1:3", "-2:-1"]}', ["2026-11-03", "2026-11-29", "2026-11-30"], ["2026-11-04", "2026-11-28"]),
        ('{days_of_month: ["-3:-1"]}', ["2026-02-26", "2026-02-28"], ["2026-02-25", "2026-03-01"]),
        ('{days_of_month: ["25:31"]}', ["2026-02-28", "2026-03-31"], ["2026-03-01", "2026-02-24"]),  # cut at the end
        ("{days_of_month: [31]}", ["2026-03-31"], ["2026-04-30", "2026-02-28"]),  # no such day: never
        ("{days_of_month: [-31]}", ["2026-03-01"], ["2026-04-01"]),
        ("{months: [11]}", ["2026-11-30 23:59"], ["2026-12-01 00:00"]),
        ('{months: ["march:may", december]}', ["2026-03-01", "2026-05-31", "2026-12-24"], ["2026-06-01", "2026-02-28"]),
        ('{months: ["6:8"]}', ["2026-06-01", "2026-08-31"], ["2026-09-01"]),
        ("{years: [2027]}", ["2027-01-01 00:00", "2027-12-31 23:59"], ["2026-12-31 23:59", "2028-01-01 00:00"]),
        ('{years: ["2026:2027"]}', ["2026-01-01", "2027-12-31"], ["2025-12-31", "2028-01-01"]),
        (
            '{months: [12], days_of_month: ["24:26"], week: {mon-sun: ["18:00-24:00"]}}',  # all of them must hold
            ["2026-12-24 18:00", "2027-12-26 23:59"],
            ["2026-12-24 17:59", "2026-12-27 18:00", "2026-11-24 18:00"],
        ),
    ],
)
def test_time_intervals(tmp_path: Path, section: str, inside: list[str], outside: list[str]) -> None:
    it = hours(tmp_path, section)
    assert [at for at in inside if not it.contains(datetime.fromisoformat(at).replace(tzinfo=UTC))] == []
    assert [at for at in outside if it.contains(datetime.fromisoformat(at).replace(tzinfo=UTC))] == []


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("Australia/Sydney", "2026-11-01 22:00", True),  # Monday 09:00 there
        ("Australia/Sydney", "2026-11-02 09:00", False),  # 20:00 there
        ("America/New_York", "2026-11-02 14:00", True),  # 09:00, winter
        ("America/New_York", "2026-10-26 13:00", True),  # 09:00, summer
        ("America/New_York", "2026-10-26 12:59", False),
        ("Europe/Berlin", "2026-10-26 08:00", True),  # the day after the clock went back
        ("Europe/Berlin", "2026-10-23 07:00", True),
    ],
)
def test_time_intervals_are_local_to_their_zone(tmp_path: Path, zone: str, at: str, expected: bool) -> None:
    it = hours(tmp_path, f'{{timezone: {zone}, week: {{mon-fri: ["09:00-17:00"]}}}}')
    assert it.contains(datetime.fromisoformat(at).replace(tzinfo=UTC)) is expected


@pytest.mark.parametrize(
    "section",
    [
        '{week: {mon: ["09:00-24:30"]}}',
        '{week: {mon: ["9:00-17:00"]}}',
        '{week: {mon: ["09:60-17:00"]}}',
        '{week: {mon: ["09:00"]}}',
        '{week: {mon: ["09:00-09:00"]}}',
        '{week: {someday: ["09:00-17:00"]}}',
        '{week: {mon-tue-wed: ["09:00-17:00"]}}',
        "{days_of_month: [0]}",
        "{days_of_month: [32]}",
        "{days_of_month: [-32]}",
        '{days_of_month: ["5:1"]}',
        '{days_of_month: ["-1:-5"]}',
        '{days_of_month: ["-5:5"]}',
        "{months: [13]}",
        "{months: [0]}",
        '{months: ["december:january"]}',
        "{months: [smarch]}",
        '{years: ["2028:2027"]}',
        "{years: [then]}",
        "{timezone: Mars/Olympus}",
    ],
)
def test_time_intervals_that_are_refused(tmp_path: Path, section: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        hours(tmp_path, section)
    assert len(caught.value.errors) == 1


OFFICE = '{timezone: Europe/Berlin, week: {mon-fri: ["09:00-17:00"]}}'


@pytest.mark.parametrize(
    ("intervals", "at", "is_muted"),
    [
        (Intervals(mute=("it",)), "2026-11-02 10:00", True),
        (Intervals(mute=("it",)), "2026-11-02 18:00", False),
        (Intervals(active=("it",)), "2026-11-02 10:00", False),
        (Intervals(active=("it",)), "2026-11-02 18:00", True),
        (Intervals(mute=("it",), active=("it",)), "2026-11-02 10:00", True),  # muting wins
        (Intervals(), "2026-11-02 10:00", False),
    ],
)
def test_mute_and_active_time_intervals(tmp_path: Path, intervals: Intervals, at: str, is_muted: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    until = muted_until([intervals], {"it": hours(tmp_path, OFFICE)}, now)
    assert (until is not None) is is_muted


def test_a_mention_of_several_labels_is_routed_once_by_whichever_fits() -> None:
    """An alert of Alertmanager's has one value for a label; a mention carries several."""
    child = Route("questions", (parse_matcher("label = question"),))
    tree = Route("root", routes=(Route("crises", (parse_matcher("label = crisis"),)), child))
    both = mention(None, "", "de", "crisis", "question")
    assert [decision.receiver for decision in decide(tree, both, "file", AT)] == ["crises"]
    going_on = replace(tree, routes=(replace(tree.routes[0], is_continued=True), child))
    assert [decision.receiver for decision in decide(going_on, both, "file", AT)] == ["crises", "questions"]


def test_two_routes_to_one_receiver_notify_it_once() -> None:
    """Alertmanager notifies it twice, in two groups."""
    tree = Route("root", routes=(Route("a", is_continued=True), Route("a")))
    expected = Decision("a", ("default", "default"), intervals=(Intervals(), Intervals()))
    assert decide(tree, mention(), "file", AT) == [expected]
