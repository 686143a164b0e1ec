"""Cases: who has a mention, what became of it, and what a watchlist can learn from that."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.base import Action, ActionKind, ActionRefusedError
from monitor.advice import FEWEST, advise
from monitor.case_list import Wanted, select_cases
from monitor.cases import take_action
from monitor.cli import main
from monitor.commands import FAILED, OK, USAGE
from monitor.intake import commit_page
from monitor.schema import posts
from monitor.store import Store
from monitor.transitions import Moment
from rules.query import parse
from tests.fakes import START
from tests.monitor.builders import in_transaction, make_draft, make_intake, make_post, new_change, register_part, select
from tests.monitor.made import copy_store, make_store

NEWS = ("Acme Lieferung fehlt", "Acme Lieferung verspätet", "Acme Konzert in der Arena", "Acme Arena Tickets")


def _store_mentions(store: Store, texts: tuple[str, ...] = NEWS, tags: tuple[str, ...] = ("complaint",)) -> None:
    found = [make_post(f"{tags[0]} {number}", text) for number, text in enumerate(texts)]
    changes = [new_change(post, make_draft(post, tags=tags)) for post in found]
    in_transaction(store, commit_page, make_intake(register_part(store, START), *changes))


def _step(action: ActionKind, by: str = "Kim", note: str = "") -> Action:
    return Action(kind=action, mention_ids=(), by=by, through="cli", note=note)


def _take(store: Store, mention: int, action: Action) -> bool:
    return in_transaction(store, take_action, mention, action, Moment(START, {}))


def _states(store: Store) -> list[tuple[int, str, str | None]]:
    rows = select(store, select_cases(Wanted(), 50))
    return [(row.id, row.state, row.owner) for row in rows]


def test_what_was_withdrawn_is_no_case_any_more(store: Store) -> None:
    _store_mentions(store)
    store.write_now(lambda tx: tx.execute(sa.update(posts).where(posts.c.id == 1).values(deleted_at=START)))
    assert [case for case, _, _ in _states(store)] == [4, 3, 2]
    with pytest.raises(ActionRefusedError, match="withdrawn"):
        _take(store, 1, _step(ActionKind.CLAIM))


def test_advice_comes_from_what_people_did(store: Store) -> None:
    texts = tuple(text for text in NEWS for _ in range(10))
    _store_mentions(store, texts)
    for mention in range(1, 41):
        action = ActionKind.ANSWER if mention <= 20 else ActionKind.DISMISS
        _take(store, mention, _step(action))
    advice = in_transaction(store, advise, "acme", START - timedelta(days=1), ())
    assert (advice.acted_on, advice.dismissed, advice.purchases, advice.others) == (20, 20, 0, 40)
    assert [word.word for word in advice.suggestions.additions] == ["lieferung", "fehlt", "verspätet"]
    assert {word.word for word in advice.suggestions.exclusions} == {"arena", "in", "der", "konzert", "tickets"}


def test_buyers_are_compared_with_the_others(store: Store) -> None:
    _store_mentions(store, ("Acme brauche neues Telefon",) * 10, ("purchase_signal", "question"))
    _store_mentions(store, ("Acme ist kaputt",) * 10)
    advice = in_transaction(store, advise, "acme", START - timedelta(days=1), ())
    assert (advice.purchases, advice.others) == (10, 10)
    assert {word.word for word in advice.buyers} == {"brauche", "neues", "telefon"}


def test_too_few_say_nothing(store: Store) -> None:
    _store_mentions(store)
    for mention in (1, 2, 3, 4):
        _take(store, mention, _step(ActionKind.DISMISS))
    advice = in_transaction(store, advise, "acme", START - timedelta(days=1), ())
    assert advice.dismissed == 4 < FEWEST
    assert advice.suggestions.exclusions == ()


CONFIG = """
store: {{url: "sqlite:///{folder}/mentiond.db"}}
watchlists: [{{name: acme, kind: brand, names: [Acme], query: acme}}]
sources: [{{name: export, type: file, path: "{folder}/posts.jsonl"}}]
receivers: [{{name: console, type: console}}]
routes: {{receiver: console}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 40 mentions, made by the daemon itself."""
    texts = [f"Hallo Acme, meine Lieferung {number} fehlt, wo bleibt sie?" for number in range(20)]
    texts += [f"Heute Konzert in der Acme Arena, Tickets ab {number} Euro" for number in range(20)]
    return make_store(tmp_path_factory.mktemp("made"), CONFIG, texts)


@pytest.fixture
def config(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return copy_store(made, tmp_path, CONFIG)


def _ids(capsys: pytest.CaptureFixture[str], config: Path, word: str, *options: str) -> list[str]:
    """The cases whose text has this word, as the command lists them."""
    assert main(["cases", *options, "-c", str(config), "--json"]) == OK
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [str(case["id"]) for case in listed if word in case["text"]]


def test_from_the_first_mention_to_a_better_query(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = _ids(capsys, config, "Lieferung", "--open")
    unwanted = _ids(capsys, config, "Arena", "--open")
    for label in ("unsure", "none"):
        unwanted += _ids(capsys, config, "Arena", "--review", "--label", label)
    assert (len(wanted), len(unwanted)) == (20, 20)
    assert main(["case", "answer", *wanted, "--by", "Kim", "-c", str(config)]) == OK
    assert main(["case", "dismiss", *unwanted, "--by", "Kim", "--note", "concerts", "-c", str(config)]) == OK
    assert f"case {wanted[0]} is answered by Kim" in capsys.readouterr().out

    assert _ids(capsys, config, "", "--open") == []
    assert len(_ids(capsys, config, "", "--owner", "Kim", "--state", "dismissed")) == 20
    assert main(["query", "--suggest", "acme", "-c", str(config), "--json"]) == OK
    said = capsys.readouterr()
    words = [json.loads(line) for line in said.out.splitlines()]
    assert "lieferung" in {word["word"] for word in words if word["kind"] == "addition"}
    assert {"arena", "konzert", "tickets"} <= {word["word"] for word in words if word["kind"] == "exclusion"}
    [proposal] = [line for line in said.err.splitlines() if line.startswith("would leave out")]
    query = proposal.partition(": ")[2]
    assert parse(query)
    assert main(["query", query, "--since", "1d", "-c", str(config)]) == OK
    assert "20 of 40 posts match" in capsys.readouterr().err


def test_what_cannot_be_done_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["case", "claim", "1", "--by", "Kim", "-c", str(config)]) == OK
    assert main(["case", "claim", "1", "2", "99", "--by", "Sascha", "-c", str(config)]) == FAILED
    said = capsys.readouterr()
    assert "case 1 is claimed by Kim since" in said.err
    assert "mention 99 is unknown" in said.err
    assert "case 2 is claimed by Sascha" in said.out
    assert main(["query", "--suggest", "nobody", "-c", str(config)]) == USAGE
    assert "no such watchlist; there are acme" in capsys.readouterr().err
    assert main(["query", "acme", "--suggest", "acme", "-c", str(config)]) == USAGE
    assert main(["query", "-c", str(config)]) == USAGE
    assert "a QUERY is needed" in capsys.readouterr().err
    assert main(["query", "--suggest", "acme", "-c", str(config)]) == OK
    assert "too few to compare" in capsys.readouterr().err
