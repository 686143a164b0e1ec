"""`mentiond rematch`: mentions that would be there had the query been so all the time; told once or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from monitor import rematching
from monitor.cli import main
from monitor.commands import OK, USAGE
from monitor.commands import rematch as command
from monitor.loading import load_alerts
from monitor.rematching import ClassifierFailedError, Rematch, Rematched
from monitor.schema import alerts, cases, escalations, mentions, posts, verdicts
from monitor.store import Store
from rules.base import Verdict, View, Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from tests.acceptance.running import CONSOLE, configuration
from tests.fakes import START, WordClassifier
from tests.monitor.builders import (
    DAY,
    WATCHLISTS,
    Works,
    build_works,
    column,
    in_transaction,
    make_page,
    make_post,
    rows_of,
)

PHONES = Watchlist("phones", WatchlistKind.TOPIC, "phone")


@pytest.fixture
async def works(store: Store) -> Works:
    """Three posts are stored; a watchlist for phones was not there when they came."""
    made = build_works(store, keep_unmatched=True, recipients={"console": ("",), "mail": ("a@example.com",)})
    await made.finish_first_pass()
    texts = ("My Acme phone is broken", "My phone is broken", "Nothing to see")
    assert await made.poll(make_page(*(make_post(str(number), text) for number, text in enumerate(texts, 1))))
    return made


def rematch(works: Works, *names: str, tells: bool = False, since: timedelta = DAY) -> Rematched:
    known = (*WATCHLISTS, PHONES)
    meant = [one for one in known if one.name in (names or ("phones",))]
    return Rematch(
        store=works.store,
        judge=replace(
            works.pipeline.judge,
            watchlists={one.name: one for one in known},
            matcher=QueryMatcher(meant),
        ),
        recipients=works.pipeline.recipients,
        since=works.clock() - since,
        now=works.clock(),
        tells=tells,
    ).run()


def of_phones(store: Store) -> list[int]:
    return column(store, mentions.c.id, watchlist="phones")


async def test_what_was_stored_is_found_and_nobody_is_told(works: Works, store: Store) -> None:
    told = len(rows_of(store, alerts))
    done = rematch(works)
    assert (done.posts, done.mentions) == (3, {"phones": 2})
    assert len(of_phones(store)) == 2
    assert len(rows_of(store, alerts)) == told
    for mention_id in of_phones(store):
        [case] = rows_of(store, cases, mention_id=mention_id)
        assert (case.state, case.due_at, case.clock_at) == ("new", None, None)
        assert rows_of(store, escalations, mention_id=mention_id) == []
        assert len(rows_of(store, verdicts, mention_id=mention_id)) == 1
    assert column(store, posts.c.matched) == [True, True, False]


async def test_twice_is_once(works: Works, store: Store) -> None:
    rematch(works, tells=True)
    before = (rows_of(store, mentions), rows_of(store, alerts), rows_of(store, cases))
    again = rematch(works, tells=True)
    assert (sum(again.mentions.values()), again.receivers) == (0, frozenset())
    assert (rows_of(store, mentions), rows_of(store, alerts), rows_of(store, cases)) == before


async def test_with_alert_each_receiver_is_owed_one_summary_of_everything(works: Works, store: Store) -> None:
    done = rematch(works, tells=True)
    assert done.receivers == {"console", "mail"}
    digests = rows_of(store, alerts, reason="digest")
    assert sorted((row.receiver, row.recipient, row.state) for row in digests) == [
        ("console", "", "owed"),
        ("mail", "a@example.com", "owed"),
    ]
    [alert] = in_transaction(store, load_alerts, [digests[0].id], "")
    assert alert.count == 2
    assert sorted(one.id for one in alert.mentions) == of_phones(store)


async def test_a_run_that_was_broken_off_is_offered_by_the_next(
    works: Works, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(connection: object, now: object) -> frozenset[str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rematching, "_offer", break_off)
        with pytest.raises(KeyboardInterrupt):
            rematch(works, tells=True)
    assert rows_of(store, alerts, reason="digest") == []
    works.clock.advance(timedelta(minutes=1))
    assert rematch(works, tells=True).receivers == {"console", "mail"}
    [alert] = in_transaction(store, load_alerts, [rows_of(store, alerts, reason="digest")[0].id], "")
    assert alert.count == 2


async def test_only_what_is_young_enough_and_not_withdrawn_is_searched(works: Works, store: Store) -> None:
    assert await works.poll(make_page(deleted=("1",)))
    works.clock.advance(2 * DAY)
    assert rematch(works, since=DAY).posts == 0
    assert rematch(works, since=3 * DAY).mentions == {"phones": 1}


async def test_pages_are_bounded_and_put_together(works: Works, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematching, "PAGE", 2)
    assert rematch(works).posts == 3
    assert len(of_phones(store)) == 2


async def test_a_post_edited_meanwhile_is_left_to_the_daemon(works: Works, store: Store) -> None:
    run = Rematch(
        store=store,
        judge=replace(works.pipeline.judge, watchlists={"phones": PHONES}, matcher=QueryMatcher([PHONES])),
        recipients=works.pipeline.recipients,
        since=START - DAY,
        now=works.clock(),
        tells=False,
    )
    judged = run._judge(store.read_now(partial(run._read, after=0)))
    assert len(judged) == 2
    assert await works.poll(make_page(make_post("2", "My tablet is broken")))
    assert in_transaction(store, run._write, drafts=judged) == {"phones": 1}
    assert in_transaction(store, run._write, drafts=judged) == {}


async def test_without_verdicts_nothing_is_stored(works: Works, store: Store) -> None:
    class Broken:
        def classify(self, views: Sequence[View]) -> list[Verdict]:
            raise RuntimeError("no model")

    works.pipeline.judge = replace(works.pipeline.judge, classifier=Broken())
    with pytest.raises(ClassifierFailedError):
        rematch(works)
    assert of_phones(store) == []


async def test_what_is_found_anew_is_not_told_as_a_daemon_goes_on(works: Works, store: Store) -> None:
    rematch(works)
    told = len(rows_of(store, alerts))
    assert await works.poll(make_page(make_post("2", "My phone is broken")))
    assert len(rows_of(store, alerts)) == told


def test_the_command_says_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    news = {"name": "news", "type": "feed", "url": "https://news.example/feed"}
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(configuration([news], [CONSOLE])))
    monkeypatch.setattr(command, "load_classifier", lambda *chosen: WordClassifier())
    assert main(["rematch", "--since", "30d", "-c", str(path)]) == OK
    assert capsys.readouterr().out == "0 posts searched, 0 new mentions\n"
    assert main(["rematch", "--since", "30d", "-c", str(path), "--json", "--alert"]) == OK
    assert json.loads(capsys.readouterr().out) == {"posts": 0, "mentions": 0, "watchlists": {}, "told": []}
    assert main(["rematch", "--since", "30d", "--watchlist", "acne", "-c", str(path)]) == USAGE
    assert "did you mean" in capsys.readouterr().err
    assert main(["rematch", "--since", "ever", "-c", str(path)]) == USAGE
