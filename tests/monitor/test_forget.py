"""`mentiond forget`: everything of an author goes, nothing of it comes back, nobody else is touched."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alerts.base import Action, ActionKind
from monitor import inbox
from monitor.cli import main
from monitor.commands import FAILED, OK, USAGE
from monitor.cursors import rename_source
from monitor.forgetting import Whom, forget
from monitor.inbox import keep as keep_delivery
from monitor.intake import commit_page
from monitor.schema import (
    alerts,
    attempts,
    case_events,
    cases,
    corrections,
    forgotten,
    group_members,
    groups,
    mentions,
    metadata,
    own_posts,
    posts,
    revisions,
    seen,
    silences,
    verdicts,
)
from monitor.schema import inbox as bodies
from monitor.silences import add_silence
from monitor.store import Store
from monitor.tombstones import bury, forgotten_among
from sources.base import Post
from tests.acceptance.running import CONSOLE, configuration
from tests.fakes import START
from tests.monitor.builders import (
    DAY,
    Works,
    build_works,
    column,
    in_transaction,
    make_desk,
    make_draft,
    make_intake,
    make_page,
    make_post,
    new_change,
    register_part,
    rows_of,
)

KIM = Whom("kim", "feed", ("news",))


def by(author: str | None, external_id: str, **changes: Any) -> Post:
    return make_post(external_id, f"Acme is broken, says {author} in {external_id}", author=author, **changes)


@pytest.fixture
async def works(store: Store) -> Works:
    made = build_works(store)
    await made.finish_first_pass()
    return made


def erase(store: Store, whom: Whom = KIM) -> dict[str, int]:
    return forget(store, whom, START).counts


# -- everything goes ---------------------------------------------------------------------------------------------------


async def test_whatever_is_stored_of_an_author_goes_and_nothing_else(works: Works, store: Store) -> None:
    assert await works.poll(make_page(by("@Kim", "1"), by("kim", "2"), by("kimberly", "3"), by(None, "4")))
    assert await works.poll(make_page(by("kim", "2", title="edited")))
    desk = make_desk(works)
    await desk.act(Action(kind=ActionKind.CLAIM, mention_ids=(1,), by="Ada", through="cli", note="kim is upset"))
    await desk.act(Action(kind=ActionKind.CORRECT, mention_ids=(2,), by="Ada", through="cli", labels=()))
    await desk.act(Action(kind=ActionKind.MUTE_AUTHOR, mention_ids=(1,), by="Ada", through="slack"))
    await desk.act(Action(kind=ActionKind.CLAIM, mention_ids=(3,), by="Ada", through="cli"))
    in_transaction(store, add_silence, ["watchlist = acme"], None, "Ada", "launch", START)
    counts = erase(store)
    assert counts["posts"] == 2
    assert counts["mentions"] == 2
    assert (counts["revisions"], counts["corrections"], counts["silences"]) == (1, 1, 1)
    assert counts["alerts"] >= 2
    assert sorted(column(store, posts.c.external_id)) == ["3", "4"]
    assert sorted(column(store, seen.c.external_id)) == ["3", "4"]
    left = column(store, mentions.c.id)
    for table in (verdicts, cases, case_events, alerts):
        assert set(column(store, table.c.mention_id)) <= set(left), table.name
    assert rows_of(store, revisions) == rows_of(store, corrections) == []
    assert [row.matchers for row in rows_of(store, silences)] == [["watchlist = acme"]]
    assert len(rows_of(store, cases)) == 2


def test_no_table_has_a_word_of_the_author_left(store: Store) -> None:
    state = register_part(store, START)
    post = by("Zaphod Beeblebrox", "zb-1", url="https://news.example/zb-1", title="zb title")
    in_transaction(store, commit_page, make_intake(state, new_change(post, make_draft(post)), own=(post,)))
    whom = Whom("zaphod beeblebrox", "feed", ("news",))
    assert erase(store, whom)["own_posts"] == 1
    for table in metadata.tables.values():
        for row in rows_of(store, table):
            assert not [word for word in ("aphod", "zb-1", "zb title") if word in str(row).lower()], table.name


def test_the_file_has_no_word_of_the_author_left(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/mentiond.db")
    store.migrate()
    post = by("Zaphod Beeblebrox", "1", title="A very telling title")
    in_transaction(store, commit_page, make_intake(register_part(store, START), new_change(post, make_draft(post))))
    erase(store, Whom("zaphod beeblebrox", "feed", ("news",)))
    store.close()  # the last connection takes the write-ahead log in
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Beeblebrox" not in content
    assert b"telling" not in content


def test_a_group_is_shown_without_the_author_and_one_of_hers_alone_goes(store: Store) -> None:
    state = register_part(store, START)
    kims, adas = by("kim", "1"), by("ada", "2")
    in_transaction(store, commit_page, make_intake(state, new_change(kims), new_change(adas)))
    row = {"receiver": "console", "key": "k", "labels": {"author": "kim"}, "is_storm": False, "opened_at": START}
    row |= {"closed_at": START, "revision": 1}
    in_transaction(store, lambda tx: tx.execute(sa.insert(groups), [row, row | {"labels": {}}]))
    members = [
        {"group_id": group, "mention_id": mention, "joined_at": START} for group, mention in ((1, 1), (2, 1), (2, 2))
    ]
    in_transaction(store, lambda tx: tx.execute(sa.insert(group_members), members))
    told = {"mention_id": None, "state": "sent", "sent_at": START, "reference": "ts"}
    made = [
        rows_of(store, alerts)[0]._asdict() | told | {"id": 10 + n, "subject": f"group:{n}", "group_id": n}
        for n in (1, 2)
    ]
    in_transaction(store, lambda tx: tx.execute(sa.insert(alerts), made))
    assert erase(store)["alerts_sent"] == 1
    assert column(store, groups.c.id) == [2]
    assert column(store, groups.c.revision) == [2]
    assert column(store, group_members.c.mention_id) == [2]


async def test_more_posts_than_one_transaction_takes(works: Works, store: Store) -> None:
    assert await works.poll(make_page(*(by("kim", str(number)) for number in range(230)), by("ada", "a")))
    counted = []
    erased = forget(store, KIM, START, lambda: counted.append(1))
    assert erased.posts == len(counted) == 230
    assert column(store, posts.c.external_id) == ["a"]


async def test_twice_is_as_good_as_once(works: Works, store: Store) -> None:
    assert await works.poll(make_page(by("kim", "1")))
    assert forget(store, KIM, START).is_new
    again = forget(store, KIM, START + DAY)
    assert not again.is_new
    assert sum(again.counts.values()) == 0


# -- nothing comes back ------------------------------------------------------------------------------------------------


async def test_nothing_of_the_author_is_stored_again(works: Works, store: Store) -> None:
    assert await works.poll(make_page(by("kim", "1"), by("ada", "2")))
    erase(store)
    assert await works.poll(make_page(by("kim", "1"), by("@KIM", "5"), by("ada", "2"), by("ada", "6")))
    assert sorted(column(store, posts.c.external_id)) == ["2", "6"]
    assert sorted(column(store, seen.c.external_id)) == ["2", "6"]
    assert {row.mention_id for row in rows_of(store, alerts)} == set(column(store, mentions.c.id))


async def test_a_page_that_was_judged_before_is_stored_without_the_author(works: Works, store: Store) -> None:
    post = by("kim", "1")
    intake = make_intake(works.state, new_change(post), new_change(by("ada", "2")), own=(post,), source_type="feed")
    erase(store)
    in_transaction(store, commit_page, intake)
    assert column(store, posts.c.external_id) == ["2"]
    assert column(store, seen.c.external_id) == ["2"]
    assert rows_of(store, own_posts) == []


async def test_an_edit_of_the_author_is_not_stored(works: Works, store: Store) -> None:
    erase(store)
    old = by("kim", "1")
    edit = replace(old, text="Acme exploded")
    in_transaction(store, commit_page, make_intake(works.state, new_change(edit, old=old), source_type="feed"))
    assert rows_of(store, posts) == rows_of(store, seen) == []


def test_a_page_is_stored_before_an_erasure_or_after_it(store: Store, store_url: str) -> None:
    other = Store(store_url)
    with ThreadPoolExecutor(1) as thread:

        def page(connection: sa.Connection) -> Future[bool]:
            assert forgotten_among(connection, ("news",), ["kim"]) == set()
            erasing = thread.submit(in_transaction, other, bury, "news", "kim", START)
            with pytest.raises(TimeoutError):
                erasing.result(timeout=0.5)
            return erasing

        assert store.write_now(page).result(timeout=30)
    assert in_transaction(store, forgotten_among, ("news",), ["kim"]) == {"kim"}
    other.close()


async def test_the_same_name_elsewhere_is_somebody_else(works: Works, store: Store) -> None:
    erase(store, Whom("kim", "reddit", ("threads",)))
    assert await works.poll(make_page(by("kim", "1")))
    assert column(store, posts.c.external_id) == ["1"]


async def test_a_tombstone_goes_with_a_renamed_source(works: Works, store: Store) -> None:
    in_transaction(store, bury, "news", "kim", START)
    in_transaction(store, rename_source, "news", "heise")
    assert in_transaction(store, forgotten_among, ("heise",), ["Kim", "ada"]) == {"Kim"}
    assert in_transaction(store, forgotten_among, ("news",), ["kim"]) == set()


def test_a_tombstone_has_no_name(store: Store) -> None:
    in_transaction(store, bury, "feed", "kim", START)
    [row] = rows_of(store, forgotten)
    assert "kim" not in str(row)
    other = column(store, forgotten.c.digest)[0]
    assert len(other) == 64


async def test_pushed_bodies_that_were_read_go_now_and_later(works: Works, store: Store) -> None:
    in_transaction(store, keep_delivery, "news", "k1", "application/json", b'{"author": "kim"}', START)
    page = make_page(by("ada", "0"), cursor={"after": 1})
    assert await works.poll(page)
    assert erase(store)["inbox"] == 1
    in_transaction(store, keep_delivery, "news", "k2", "application/json", b'{"author": "kim"}', START)
    assert not in_transaction(store, keep_delivery, "news", "k1", "application/json", b"again", START)
    assert await works.poll(make_page(by("kim", "1"), cursor={"after": 2}))
    assert column(store, bodies.c.body) == [b"", b""]
    assert timedelta() < inbox.REMEMBERED


# -- the command -------------------------------------------------------------------------------------------------------


@dataclass
class Installed:
    config: Path
    store: Store
    capsys: pytest.CaptureFixture[str]

    def forget(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main(["forget", *arguments, "-c", str(self.config)])
        said = self.capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def installed(tmp_path: Path, sqlite_url: str, capsys: pytest.CaptureFixture[str]) -> Installed:
    sources = [
        {"name": "news", "type": "feed", "url": "https://news.example/feed"},
        {"name": "hn", "type": "hackernews"},
    ]
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(configuration(sources, [CONSOLE])))
    store = Store(sqlite_url)
    post = by("kim", "1")
    in_transaction(store, commit_page, make_intake(register_part(store, START), new_change(post, make_draft(post))))
    return Installed(path, store, capsys)


def test_the_command_says_what_went(installed: Installed) -> None:
    code, out, _ = installed.forget("--author", "kim", "--source", "news", "--yes")
    assert code == OK
    assert "erased: 1 posts, 1 mentions with their verdicts and cases" in out
    assert "kim" not in out
    code, out, _ = installed.forget("--author", "kim", "--source", "news", "--yes", "--json")
    assert json.loads(out)["posts"] == 0
    assert json.loads(out)["new"] is False


def test_without_a_terminal_yes_is_needed(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    code, _, err = installed.forget("--author", "kim", "--source", "news")
    assert code == USAGE
    assert "--yes" in err
    assert len(rows_of(installed.store, posts)) == 1


@pytest.mark.parametrize(("answer", "code", "left"), [("yes", OK, 0), ("no", FAILED, 1), ("y", FAILED, 1)])
def test_on_a_terminal_it_asks(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert installed.forget("--author", "kim", "--source", "news")[0] == code
    assert len(rows_of(installed.store, posts)) == left


@pytest.mark.parametrize(
    ("place", "words"), [("newz", "no source or type of source"), ("feed", "name the source: news")]
)
def test_a_place_that_is_none_is_named(installed: Installed, place: str, words: str) -> None:
    code, _, err = installed.forget("--author", "kim", "--source", place, "--yes")
    assert code == USAGE
    assert words in err


def test_attempts_go_with_their_alerts(installed: Installed) -> None:
    line = {"alert_id": 1, "attempt": 1, "at": START, "seconds": 0.1, "outcome": "sent", "detail": ""}
    in_transaction(installed.store, lambda tx: tx.execute(sa.insert(attempts).values(line)))
    installed.forget("--author", "kim", "--source", "news", "--yes")
    assert rows_of(installed.store, attempts) == []
