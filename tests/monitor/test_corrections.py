"""What mentions really were: kept with what the classifier read and said, for good, and listed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitor.cli import main
from monitor.commands import FAILED, OK, USAGE
from monitor.corrections import Correction, Remark, Said, UncorrectableError, correct, read_corrections
from monitor.intake import commit_page
from monitor.maintenance import apply_retention
from monitor.schema import corrections, mentions, posts
from monitor.store import Store
from rules.base import Label, Sentiment, Watchlist
from tests.fakes import START
from tests.monitor.builders import (
    DAY,
    WATCHLISTS,
    in_transaction,
    make_draft,
    make_intake,
    make_page,
    make_post,
    new_change,
    register_part,
    rows_of,
)
from tests.monitor.made import copy_store, make_store

BY_NAME = {watchlist.name: watchlist for watchlist in WATCHLISTS}
NOTHING = Remark(frozenset(), None, "Kim", START, "a joke")


def store_mentions(store: Store, *texts: str, watchlist: Watchlist = WATCHLISTS[0]) -> None:
    found = [make_post(str(number), text, title="News") for number, text in enumerate(texts)]
    changes = [new_change(post, make_draft(post, watchlist)) for post in found]
    in_transaction(store, commit_page, make_intake(register_part(store, START), *changes))


def test_a_correction_keeps_what_the_classifier_read_and_said(store: Store) -> None:
    store_mentions(store, "Acme is broken, Globex never was; TARGET!")
    remark = Remark(frozenset({Label.QUESTION, Label.CRISIS}), Sentiment.NEUTRAL, "Kim", START, "see thread")
    made = in_transaction(store, correct, 1, remark, BY_NAME)
    assert made == Correction(
        mention_id=1,
        watchlist="acme",
        remark=remark,
        text="News\n\nTARGET is broken, OTHER never was; Target!",
        lang="en",
        said=Said({Label.COMPLAINT: 0.9}, ("complaint",), Sentiment.NEGATIVE, ""),
    )
    assert in_transaction(store, read_corrections) == [made]
    assert rows_of(store, corrections)[0].labels == ["crisis", "question"]


def test_the_latest_word_counts_and_the_newest_comes_first(store: Store) -> None:
    store_mentions(store, "Acme one", "Acme two")
    in_transaction(store, correct, 1, NOTHING, BY_NAME)
    in_transaction(store, correct, 2, NOTHING, BY_NAME)
    later = Remark(frozenset({Label.PRAISE}), Sentiment.POSITIVE, "Sascha", START + timedelta(hours=1))
    in_transaction(store, correct, 1, later, BY_NAME)
    found = in_transaction(store, read_corrections)
    assert [(one.mention_id, one.remark) for one in found] == [(1, later), (2, NOTHING)]


def test_the_text_is_that_of_the_revision_that_was_classified(store: Store) -> None:
    store_mentions(store, "Acme is broken")
    old = make_post("0", "Acme is broken", title="News")
    edited = replace(old, text="Now about something else")
    change = new_change(edited, old=old)
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, replace(change, drafts=())))
    assert rows_of(store, posts)[0].text == "Now about something else"
    assert in_transaction(store, correct, 1, NOTHING, BY_NAME).text == "News\n\nTARGET is broken"


def test_what_cannot_be_corrected_is_said_and_nothing_is_kept(store: Store) -> None:
    store_mentions(store, "Acme one", "Acme two")
    store.write_now(lambda tx: tx.execute(sa.update(posts).where(posts.c.id == 2).values(deleted_at=START)))
    for mention, watchlists, why in (
        (99, BY_NAME, "mention 99 is unknown; `mentiond cases` lists them"),
        (2, BY_NAME, "mention 2 was withdrawn"),
        (1, {}, "watchlist acme, which the configuration does not have"),
    ):
        with pytest.raises(UncorrectableError, match=why):
            in_transaction(store, correct, mention, NOTHING, watchlists)
    assert not rows_of(store, corrections)


def test_retention_takes_the_post_and_leaves_the_correction(store: Store) -> None:
    store_mentions(store, "Acme is broken")
    made = in_transaction(store, correct, 1, NOTHING, BY_NAME)
    later = START + 400 * DAY
    store.write_now(lambda tx: tx.execute(sa.text("UPDATE alerts SET state = 'sent'")))
    in_transaction(store, apply_retention, {}, 180 * DAY, timedelta(), later)
    assert not rows_of(store, mentions)
    assert in_transaction(store, read_corrections) == [made]
    store_mentions(store, "Acme is broken again")
    assert [row.id for row in rows_of(store, mentions)] != [1]


def test_a_withdrawn_post_takes_its_words_along(store: Store) -> None:
    store_mentions(store, "Acme one", "Acme two")
    for mention in (1, 2):
        in_transaction(store, correct, mention, NOTHING, BY_NAME)
    in_transaction(store, commit_page, make_intake(register_part(store, START), page=make_page(deleted=("0",))))
    assert [one.mention_id for one in in_transaction(store, read_corrections)] == [2]


def test_a_topic_has_no_names_to_mask(store: Store) -> None:
    topic = Watchlist("topic", WATCHLISTS[0].kind, "battery")
    store_mentions(store, "The battery of Acme", watchlist=topic)
    made = in_transaction(store, correct, 1, NOTHING, {**BY_NAME, "topic": topic})
    assert made.text == "News\n\nThe battery of Acme"


# -- on the command line ---------------------------------------------------------------------------------------------

CONFIG = """
store: {{url: "sqlite:///{folder}/mentiond.db"}}
watchlists:
  - {{name: acme, kind: brand, names: [Acme], query: acme}}
  - {{name: globex, kind: competitor, names: [Globex], query: globex}}
sources: [{{name: export, type: file, path: "{folder}/posts.jsonl"}}]
receivers: [{{name: console, type: console}}]
routes: {{receiver: console}}
"""
TEXTS = ("Danke Acme, wieder eine Stunde gewartet. Globex auch.", "Acme Aktie steigt", "Kann Acme auch Dual-SIM?")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with mentions that the daemon itself made."""
    return make_store(tmp_path_factory.mktemp("made"), CONFIG, TEXTS)


@pytest.fixture
def config(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_store(made, tmp_path, CONFIG)


def _listed(capsys: pytest.CaptureFixture[str], config: Path, *options: str) -> list[dict[str, Any]]:
    assert main(["cases", *options, "-c", str(config), "--json"]) == OK
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_from_the_mention_to_a_file_that_the_classifier_is_measured_on(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corrections", "-c", str(config)]) == OK
    assert capsys.readouterr().out == "no corrections\n"
    cases = _listed(capsys, config) + _listed(capsys, config, "--review", "--label", "none")
    [waited] = [case["id"] for case in cases if "gewartet" in case["text"] and case["watchlist"] == "acme"]
    [shares] = [case["id"] for case in cases if "Aktie" in case["text"]]

    options = ["--label", "question,complaint", "--sentiment", "negative", "--by", "Kim", "--note", "irony"]
    assert main(["correct", str(waited), *options, "-c", str(config)]) == OK
    assert capsys.readouterr().out.startswith(f"mention {waited} was complaint, question (the model said ")
    assert main(["correct", str(shares), "--label", "none", "--by", "Kim", "-c", str(config), "--json"]) == OK
    assert json.loads(capsys.readouterr().out)["labels"] == []

    assert main(["corrections", "-c", str(config)]) == OK
    table = capsys.readouterr().out
    assert "complaint, question" in table
    assert "irony" in table
    assert main(["corrections", "-c", str(config), "--json"]) == OK
    listed = capsys.readouterr().out
    rows = {row["id"]: row for row in map(json.loads, listed.splitlines())}
    assert rows[waited]["text"] == "Danke TARGET, wieder eine Stunde gewartet. OTHER auch."
    assert (rows[waited]["by"], rows[waited]["note"], rows[waited]["lang"]) == ("Kim", "irony", "de")
    assert set(rows[waited]["said"]) == {"labels", "tags", "sentiment"}
    assert rows[waited]["model"].startswith("de_mentiond")

    (tmp_path / "corrections.jsonl").write_text(listed, encoding="utf-8")
    assert main(["evaluate", str(tmp_path / "corrections.jsonl"), "--json"]) == OK
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {figure["rows"] for figure in figures if figure["kind"] == "label"} == {2}


def test_what_cannot_be_done_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["correct", "1", "99", "--label", "praise", "--by", "Kim", "-c", str(config)]) == FAILED
    said = capsys.readouterr()
    assert said.err == "mention 99 is unknown; `mentiond cases` lists them\n"
    assert said.out.startswith("mention 1 was praise")
    for written, why in (
        ("complant", "unknown label 'complant'; did you mean \"complaint\"?"),
        ("none,praise", "none stands alone"),
        ("praise,", "unknown label ''; expected one of: complaint, crisis"),
        ("unsure", "unknown label 'unsure'"),
    ):
        assert main(["correct", "1", "--label", written, "-c", str(config)]) == USAGE
        assert why in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["correct", "1", "-c", str(config)])
    assert ended.value.code == USAGE
    assert "--label" in capsys.readouterr().err
