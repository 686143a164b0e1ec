"""`mentiond routes` and the tests of a configuration: the tree, the way of a mention through it, and when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.commands import OK, USAGE

CONFIG = """\
timezone: Europe/Berlin
watchlists:
  - {name: acme, kind: brand, team: care, query: 'acme OR "acme phone"'}
  - {name: globex, kind: competitor, query: 'globex'}
sources:
  - {name: news, type: feed, url: "https://news.example.com/feed.xml"}
receivers:
  - {name: console, type: console}
  - {name: care, type: console, storm: 20/5m}
  - {name: pr, type: console}
hours:
  office: {week: {mon-fri: ["09:00-12:30", "13:30-18:00"]}, holidays: DE-BY}
  night: {week: {mon-sun: ["22:00-06:00"]}}
routes:
  receiver: console
  repeat_interval: 4h
  routes:
    - {matchers: ['label = crisis'], receiver: pr, repeat_interval: off, continue: true}
    - matchers: ['label =~ "question|complaint"', 'watchlist_kind = brand']
      receiver: care
      group_by: [watchlist, label]
      sla: {first_response: 60m, hours: office}
      escalate: [{after: 60m}, {after: 4h, receiver: pr}]
      mute_time_intervals: [night]
      routes:
        - {matchers: ['score < 0.6'], receiver: none}
        - {matchers: ['hours = office', 'rating <= 2'], receiver: pr, group_by: ['...']}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["routes", *arguments]) == OK
    return capsys.readouterr().out.splitlines()


def test_the_tree_shows_what_each_route_says_and_is_handed_down(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "show", "-c", str(config)) == [
        "(all) -> console",
        "    repeat_interval: 4h",
        "  label = crisis -> pr, continue",
        "      repeat_interval: off",
        '  label =~ "question|complaint", watchlist_kind = brand -> care',
        "      group_by: watchlist, label",
        "      repeat_interval: 4h (inherited)",
        "      sla: first_response 1h, hours office, warn_before 15m",
        "      escalate: after 1h, receiver care; after 4h, receiver pr",
        "      mute_time_intervals: night",
        "    score < 0.6 -> none",
        "    hours = office, rating <= 2 -> pr",
        "        group_by: ...",
        "        repeat_interval: 4h (inherited)",
        "        sla: first_response 1h, hours office, warn_before 15m (inherited)",
        "        escalate: after 1h, receiver pr; after 4h, receiver pr (inherited)",
    ]


def test_the_tree_as_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    routes = list(map(json.loads, said(capsys, "show", "-c", str(config), "--json")))
    assert [route["position"] for route in routes] == [[], [0], [1], [1, 0], [1, 1]]
    assert routes[1]["continue"] is True
    assert routes[2]["sla"] == {"first_response": "1h", "hours": "office", "warn_before": "15m"}
    assert routes[4]["inherited"] == ["escalate", "repeat_interval", "sla"]
    assert routes[4]["group_by"] == ["..."]


def test_every_step_says_why(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = ("label=question", "watchlist=acme", "--at", "2026-11-06T22:30")
    way = said(capsys, "test", *facts, "-c", str(config))
    assert way[:5] == [
        "(all) -> console  [passed: a route below hears of it]",
        "  label = crisis -> pr  [failed: label = crisis; the label is question]",
        '  label =~ "question|complaint", watchlist_kind = brand -> care  [chosen]',
        "    score < 0.6 -> none  [failed: score < 0.6; the score is 0.9]",
        "    hours = office, rating <= 2 -> pr  [failed: hours = office; it is closed then]",
    ]
    assert way[5:] == [
        "hears of it: care",
        '  because of label =~ "question|complaint", watchlist_kind = brand',
        "  at 2026-11-06T22:30:10+01:00 or with the open group, beside others of watchlist = acme, label = question",
        "  held back until 2026-11-07T06:00:00+01:00: muted, or outside of its active hours",
        "  to be answered by 2026-11-09T10:00:00+01:00, in the hours office; a warning at 2026-11-09T09:45:00+01:00",
        "  unless somebody takes it on: at 2026-11-06T23:30:00+01:00 to care",
        "  unless somebody takes it on: at 2026-11-07T02:30:00+01:00 to pr",
        "  again every 4h while its case is open",
    ]


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (("label=praise",), "[chosen]"),
        (("label=unsure",), "[unspoken: no matcher spells out label = unsure]"),
        (("label=question", "watchlist=globex"), "[failed: watchlist_kind = brand; the watchlist_kind is competitor]"),
        (("label=question", "rating=4", "--at", "2026-11-06T10:00"), "[failed: rating <= 2; the rating is 4]"),
        (("label=question", "--at", "2026-11-06T10:00"), "[failed: rating <= 2; the rating is not known]"),
        (("label=question", "score=0.5"), "[skipped: a route before it won]"),
    ],
)
def test_other_outcomes(config: Path, capsys: pytest.CaptureFixture[str], facts: tuple[str, ...], step: str) -> None:
    assert any(line.endswith(step) for line in said(capsys, "test", *facts, "-c", str(config)))


def test_the_plan_as_json(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = ("label=complaint,crisis", "watchlist=acme", "--at", "2026-11-02T08:00:00Z")
    crisis, care = map(json.loads, said(capsys, "test", *facts, "-c", str(config), "--json"))
    assert crisis["receiver"] == "pr"
    assert (crisis["group_by"], crisis["due_at"], crisis["answer_by"]) == (None, "2026-11-02T08:00:00+00:00", None)
    assert (care["group_by"], care["due_at"]) == (["watchlist", "label"], "2026-11-02T08:00:10+00:00")
    assert (care["held_until"], care["answer_by"]) == (None, "2026-11-02T09:00:00+00:00")
    assert care["escalate"][1] == {"at": "2026-11-02T12:00:00+00:00", "receiver": "pr", "on_call": None}


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        ("label=complain", 'no such label; did you mean "complaint"?'),
        ("label=crisis,none", "either labels or none"),
        ("score=1.5", "expected a probability from 0 to 1"),
        ("followers=1.5", "followers: "),
        ("hours=office", "expected NAME=VALUE with a name of "),
        ("watchlist=acne", 'no such watchlist is configured; did you mean "acme"?'),
        ("--at=noon", "--at 'noon': expected a date and time such as \"2026-11-02 09:00\""),
    ],
)
def test_facts_that_cannot_be(config: Path, capsys: pytest.CaptureFixture[str], fact: str, message: str) -> None:
    assert main(["routes", "test", "author=x", fact, "-c", str(config)]) == USAGE
    assert message in capsys.readouterr().err


TESTS = """\
tests:
  - {name: care, mention: {label: complaint, watchlist: acme}, at: "2026-11-02 23:00", receivers: [care]}
  - name: all of it
    mention: {label: [crisis, question], watchlist: acme, rating: 1, followers: 10, lang: de, author: kim, source: news}
    at: "2026-11-02T10:00+01:00"
    receivers: [pr]
  - {name: nobody, mention: {label: unsure}, at: "2026-11-02 23:00", receivers: []}
"""


def check(config: Path, capsys: pytest.CaptureFixture[str], tests: str) -> list[str]:
    config.write_text(CONFIG + tests, encoding="utf-8")
    main(["check", "-c", str(config)])
    return capsys.readouterr().err.splitlines()


def test_tests_that_hold(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(config, capsys, TESTS) == []


@pytest.mark.parametrize(
    ("tests", "place", "message"),
    [
        (
            '  - {name: a, mention: {label: praise}, at: "2026-11-02 23:00", receivers: [pr]}',
            "29:76: tests[0].receivers: ",
            'the test "a" fails: expected pr, but console hears of it (default)',
        ),
        (
            '  - {name: b, mention: {label: none}, at: "2026-11-02 23:00", receivers: [pr, care]}',
            "29:74: tests[0].receivers: ",
            'the test "b" fails: expected pr and care, but nobody hears of it',
        ),
        (
            "  - {name: c, mention: {label: praise}, receivers: []}",
            "29:52: tests[0].receivers: ",
            'the test "c" fails: it needs `at`, such as "2026-11-02 09:00", since a route has a matcher on `hours`',
        ),
    ],
)
def test_tests_that_fail_say_where(
    config: Path, capsys: pytest.CaptureFixture[str], tests: str, place: str, message: str
) -> None:
    assert check(config, capsys, f"tests:\n{tests}\n") == [f"{config}:{place}{message}"]


def test_a_tree_that_does_not_look_at_the_clock_needs_none(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = CONFIG[: CONFIG.index("        - {matchers: ['hours")]
    config.write_text(text + "tests: [{name: a, mention: {label: crisis}, receivers: [pr]}]\n", encoding="utf-8")
    assert main(["check", "-c", str(config)]) == OK
    assert capsys.readouterr().err == ""
