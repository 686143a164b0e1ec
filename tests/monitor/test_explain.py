"""`mentiond explain`: whoever reads only its output knows why a post did, or did not, alert."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor import cursors
from monitor.assembly import utc_now
from monitor.cli import main
from monitor.commands import FAILED, OK
from monitor.intake import commit_page
from monitor.mentions import Draft
from monitor.own_posts import keep
from monitor.schema import alerts, attempts, channels, corrections, gaps, mentions, posts
from monitor.silences import add_silence
from monitor.store import Store
from rules.base import Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from rules.routing import Decision
from sources.base import Post
from tests.acceptance.running import configuration
from tests.monitor.builders import in_transaction, make_intake, make_post, new_change, register_part, rows_of

NEWS = {"name": "news", "type": "feed", "url": "https://news.example/feed"}
CONSOLE = {"name": "console", "type": "console", "format": "json"}
ROUTES = {
    "receiver": "console",
    "routes": [{"matchers": ["label = crisis"], "receiver": "none"}, {"matchers": ["label = complaint"]}],
}
WATCHLISTS = [
    {"name": "acme", "kind": "brand", "names": ["Acme"], "query": "acme NOT jobs"},
    {"name": "globex", "kind": "competitor", "names": ["Globex"], "query": "globex AND phone"},
]
URL = "https://www.news.example/posts/1/?utm_source=x"


@dataclass
class Scene:
    """A store with a configuration, and what explain says of it."""

    store: Store
    config: Path
    capsys: pytest.CaptureFixture[str]

    def take(self, post: Post, *tags: str, **changes: Any) -> None:
        """A post with a mention of acme that goes to the console; without tags, one that matched nothing."""
        now = utc_now()
        state = register_part(self.store, now)
        drafts = (_draft(post, tags),) if tags else ()
        change = new_change(post, *drafts)
        change = change if tags else type(change)(post, change.content_hash, None, ())
        values: dict[str, Any] = {"recipients": {"console": ("",)}, "now": now} | changes
        in_transaction(self.store, commit_page, make_intake(state, change, **values))

    def edit(self, table: sa.Table, **values: Any) -> None:
        in_transaction(self.store, lambda connection: connection.execute(sa.update(table).values(values)))

    def channel(self, **values: Any) -> None:
        now = utc_now()
        row = {"receiver": "console", "next_at": now, "failures": 0} | values
        in_transaction(self.store, lambda connection: connection.execute(sa.insert(channels).values(row)))

    def said(self, target: str, code: int = OK) -> str:
        self.capsys.readouterr()
        assert main(["explain", target, "-c", str(self.config)]) == code
        return self.capsys.readouterr().out

    def answer(self, target: str = "1") -> str:
        """The line that comes first."""
        return self.said(target).splitlines()[0]

    def shape(self, target: str, code: int = OK) -> Any:
        self.capsys.readouterr()
        assert main(["explain", target, "-c", str(self.config), "--json"]) == code
        return json.loads(self.capsys.readouterr().out)


def _draft(post: Post, tags: tuple[str, ...]) -> Draft:
    verdict = Verdict(
        {Label.COMPLAINT: 0.91, Label.QUESTION: 0.22, Label.CRISIS: 0.02},
        tags,
        Sentiment.NEGATIVE,
        "en",
        {Label.COMPLAINT: ("broken",)},
        model="en_mentiond 0.0.1",
    )
    watchlist = Watchlist("acme", WatchlistKind.BRAND, "acme", ("Acme",))
    match = Match("acme", (Span("text", 0, 4),), ("acme",))
    return Draft(Mention(post, watchlist, match, verdict), (Decision("console", ("label = complaint",)),))


@pytest.fixture
def scene(store: Store, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Scene:
    config = tmp_path / "config.yaml"
    url = "sqlite:///mentiond.db" if store.is_sqlite else store_url
    written = configuration([NEWS], [CONSOLE], watchlists=WATCHLISTS, routes=ROUTES, store={"url": url})
    config.write_text(json.dumps(written | {"own_accounts": {"news": ["AcmeHelp"]}}))
    return Scene(store, config, capsys)


def post(**changes: Any) -> Post:
    return make_post("guid-1", url="https://news.example/posts/1", author="kim", lang="en", **changes)


# -- found by whatever name --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [URL, "http://NEWS.example/posts/1", "guid-1", "1", "mention:1", "alert:1"])
def test_a_post_is_found_by_any_spelling_of_its_address_and_by_its_ids(scene: Scene, target: str) -> None:
    scene.take(post(), "complaint")
    [found] = scene.shape(target)["posts"]
    assert (found["source"], found["external_id"]) == ("news", "guid-1")


@pytest.mark.parametrize("target", ["https://news.example/posts/2", "https://news.example/posts/1?page=2", "mention:7"])
def test_another_address_is_another_post(scene: Scene, target: str) -> None:
    scene.take(post(), "complaint")
    assert scene.shape(target, FAILED)["posts"] == []


def test_an_address_with_signs_of_like_is_taken_literally(scene: Scene) -> None:
    scene.take(post(), "complaint")
    assert scene.shape("https://news.example/posts/%", FAILED)["posts"] == []


# -- a mention -------------------------------------------------------------------------------------------------------


def test_what_matched_the_verdict_its_thresholds_and_the_routes_are_told(scene: Scene) -> None:
    scene.take(post(), "complaint")
    scene.channel()
    said = scene.said("1")
    assert "found by: acme" in said
    assert "in: [Acme] is broken" in said
    assert "complaint 0.91: carried (threshold 0." in said
    assert "because of: broken" in said
    assert "question 0.22: " in said
    assert "label = crisis -> none  [failed: label = crisis; the label is complaint]" in said
    assert "label = complaint -> console  [chosen]" in said
    assert "the thresholds are those of the model in use now" in said
    assert "globex: lacks" not in said
    assert "no part of the query is in it: globex" in said


def test_an_alert_that_was_sent_is_told_with_its_log(scene: Scene) -> None:
    scene.take(post(), "complaint")
    now = utc_now()
    scene.edit(alerts, state="sent", sent_at=now)
    line = {"alert_id": 1, "attempt": 1, "at": now, "seconds": 0.1, "outcome": "failed", "detail": "503 busy"}
    in_transaction(scene.store, lambda connection: connection.execute(sa.insert(attempts).values(line)))
    assert scene.answer().startswith("console heard of mention 1 (acme), first at ")
    assert "failed: 503 busy" in scene.said("1")
    assert scene.shape("1")["posts"][0]["mentions"][0]["alerts"][0]["attempts"][0]["outcome"] == "failed"


def _dropped(scene: Scene) -> None:
    scene.edit(alerts, state="dropped", error="silence 3 by Kim: launch day")


def _dead(scene: Scene) -> None:
    scene.edit(alerts, state="dead", error="invalid_blocks", attempts=1)


def _stopped(scene: Scene) -> None:
    scene.channel(stopped="invalid_auth")


def _failing(scene: Scene) -> None:
    scene.channel(error="503 from Slack", next_at=utc_now() + timedelta(minutes=4), failures=2)


def _silenced(scene: Scene) -> None:
    scene.channel()
    in_transaction(scene.store, lambda tx: add_silence(tx, ["watchlist = acme"], None, "Kim", "launch day", utc_now()))


def _grouped(scene: Scene) -> None:
    scene.channel()
    scene.edit(alerts, due_at=utc_now() + timedelta(minutes=1))


def _held(scene: Scene) -> None:
    scene.edit(alerts, state="held", held_for="pass:news//1")


def _unknown(scene: Scene) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (_dropped, "not sent, and will not be: silence 3 by Kim: launch day"),
        (_dead, "given up after 1 try: invalid_blocks"),
        (_stopped, "the receiver console is stopped: invalid_auth; mend it, then `mentiond receivers enable console`"),
        (_failing, "the receiver fails: 503 from Slack"),
        (_silenced, "will be dropped when it is its turn: silence 1 by Kim: launch day"),
        (_grouped, "it waits for others of its group"),
        (_held, "which goes out when that pass has ended"),
        (_unknown, "no receiver console has ever run"),
    ],
)
def test_the_first_line_says_why_nobody_heard(scene: Scene, happens: Callable[[Scene], None], words: str) -> None:
    scene.take(post(), "complaint")
    happens(scene)
    assert scene.answer().startswith("Nobody has heard of mention 1 (acme): console: ")
    assert words in scene.answer()


def test_what_a_digest_told_was_heard(scene: Scene) -> None:
    scene.take(post(), "complaint")
    scene.edit(alerts, state="held", held_for="digest:2026-11-21")
    row = rows_of(scene.store, alerts)[0]._asdict()
    sent = row | {"id": 2, "subject": "digest:2026-11-21", "reason": "digest", "state": "sent", "mention_id": None}
    sent |= {"sent_at": utc_now(), "held_for": None}
    in_transaction(scene.store, lambda connection: connection.execute(sa.insert(alerts).values(sent)))
    assert scene.answer().startswith("console heard of mention 1 (acme)")
    assert "told within the digest (digest:2026-11-21), alert 2" in scene.said("1")


def test_unsure_goes_nowhere_and_says_so(scene: Scene) -> None:
    scene.take(post(), "unsure")
    in_transaction(scene.store, lambda connection: connection.execute(sa.delete(alerts)))
    assert "it is `unsure`, which only goes to routes that spell it out" in scene.answer()


def test_a_correction_and_the_history_of_the_case_are_told(scene: Scene) -> None:
    scene.take(post(), "complaint")
    assert main(["case", "claim", "1", "--by", "Kim", "--note", "on it", "-c", str(scene.config)]) == OK
    row = {"mention_id": 1, "watchlist": "acme", "labels": ["praise"], "by": "Kim", "at": utc_now(), "note": ""}
    row |= {"text": "", "lang": "en", "said": {}, "model": "", "sentiment": None}
    in_transaction(scene.store, lambda connection: connection.execute(sa.insert(corrections).values(row)))
    said = scene.said("1")
    assert "its case is claimed by Kim" in said
    assert "Kim (cli) claim: on it" in said
    assert "people corrected it: praise, says Kim" in said


def test_copies_are_named(scene: Scene) -> None:
    scene.take(post(), "complaint")
    copy = make_post("guid-2", url="https://other.example/a")
    state = register_part(scene.store, utc_now(), source="other")
    in_transaction(scene.store, commit_page, make_intake(state, new_change(replace(copy, source="other"))))
    is_copy = sa.update(posts).where(posts.c.source == "other").values(story_id=1)
    in_transaction(scene.store, lambda connection: connection.execute(is_copy))
    assert "it also stands at https://other.example/a (other)" in scene.said("guid-1")
    assert "it also stands at https://news.example/posts/1 (news, the first of them)" in scene.said("guid-2")


# -- no mention ------------------------------------------------------------------------------------------------------


def test_a_watchlist_that_came_near_says_what_was_missing(scene: Scene) -> None:
    scene.take(post(text="Globex makes tablets. Acme has jobs."), keep_unmatched=True)
    assert "no watchlist matches it" in scene.answer("guid-1")
    said = scene.said("guid-1")
    assert "acme came near: found `acme`, is ruled out by NOT `jobs`" in said
    assert "globex came near: found `globex`, lacks `phone`" in said


def test_a_query_that_is_newer_than_the_post_leads_to_rematch(scene: Scene) -> None:
    scene.take(post(text="My Globex phone"), keep_unmatched=True)
    assert "`mentiond rematch --since 30d --watchlist globex`" in scene.answer("guid-1")


def test_a_post_whose_words_are_not_kept_is_told_by_seen(scene: Scene) -> None:
    scene.take(post())
    assert "it was read at" in scene.answer("guid-1")
    assert "`store.keep_unmatched`" in scene.answer("guid-1")
    assert rows_of(scene.store, mentions) == []


def test_what_was_not_kept_is_looked_for_on_the_page_of_its_source(
    scene: Scene, store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {"external_id": "guid-1", "text": "Acme has jobs.", "url": URL, "author": "kim"}
    fresh = {"external_id": "feed.example/a 2", "text": "My globex phone"}
    (tmp_path / "page.jsonl").write_text(f"{json.dumps(shown)}\n{json.dumps(fresh)}\n")
    page = {"name": "news", "type": "file", "path": "page.jsonl"}
    gone = {"name": "gone", "type": "file", "path": "none.jsonl"}
    written = configuration([page, gone], [CONSOLE], watchlists=WATCHLISTS, routes=ROUTES, store={"url": store_url})
    scene.config.write_text(json.dumps(written))
    scene.take(post(text="Acme has jobs."))

    def said(target: str, source: str) -> str:
        main(["explain", target, "--source", source, "-c", str(scene.config)])
        return capsys.readouterr().out

    assert "words of such posts are not kept" in scene.answer("guid-1")
    assert "acme came nearest: found `acme`, is ruled out by NOT `jobs`." in said(
        "https://news.example/posts/1", "news"
    )
    assert "first read" in said("guid-1", "news")
    assert "news shows it and has not read it. globex will find it." in said("2", "news")
    assert "news does not show it at this moment, among 2 posts" in said("guid-9", "news")
    assert "gone does not answer" in said("guid-9", "gone")
    assert rows_of(scene.store, posts) == []
    main(["forget", "--author", "kim", "--source", "news", "--yes", "-c", str(scene.config)])
    assert "its author was erased" in said("guid-1", "news")


def test_a_number_that_is_no_mention_says_so(scene: Scene) -> None:
    assert scene.said("77", FAILED).startswith("There is no mention 77. Nothing is stored of 77")


def test_own_posts_and_withdrawn_ones_say_so(scene: Scene) -> None:
    scene.take(post())
    in_transaction(scene.store, keep, (post(),), utc_now())
    assert "by one of the brand's own accounts" in scene.answer("guid-1")
    scene.take(make_post("guid-3"), "complaint")
    scene.edit(posts, deleted_at=utc_now(), text="")
    assert scene.answer("guid-3").startswith("The source withdrew this post")


# -- never seen ------------------------------------------------------------------------------------------------------


def test_what_could_hide_a_post_is_listed_and_what_to_try(scene: Scene) -> None:
    state = register_part(scene.store, utc_now())
    at = utc_now() + timedelta(minutes=5)
    in_transaction(scene.store, cursors.record_failure, state, "404 Not Found", at, utc_now(), disable=False)
    gap = {"source": "news", "part": "", "noticed_at": utc_now(), "detail": "nothing in common with the last document"}
    in_transaction(scene.store, lambda connection: connection.execute(sa.insert(gaps).values(gap)))
    said = scene.said("https://news.example/never", FAILED)
    assert said.startswith("Nothing is stored of https://news.example/never")
    assert "news has been failing since" in said
    assert "404 Not Found" in said
    assert "news has a gap" in said
    assert "mentiond sources try news" in said
    assert "mentiond query 'acme NOT jobs' --feed" in said


def test_a_site_that_no_source_reads_is_named(scene: Scene) -> None:
    said = scene.said("https://elsewhere.example/1", FAILED)
    assert "No source is of elsewhere.example by its address" in said
    assert "news has never been polled" in said


def test_text_of_strangers_cannot_steer_the_terminal(scene: Scene) -> None:
    scene.take(post(text="Acme \x1b[2J\u202e is broken"), "complaint")
    assert "\x1b" not in scene.said("1")
    assert "\u202e" not in scene.said("1")
