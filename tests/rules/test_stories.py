"""Copies are found and distinct posts left alone: a labelled set in German and English (tests/data/stories)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rules.stories import StoryIndex, is_copy, trace
from sources.base import Post, PostKind

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "stories"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
WEEK = timedelta(days=7)
LONG = (
    "Acme bucht seit drei Monaten Geld ab, obwohl ich im Juli gekündigt habe, und am Telefon sagt jeder etwas anderes."
)


def post(text: str = LONG, **said: Any) -> Post:
    """A post of the source `x` by nobody in particular."""
    fields: dict[str, Any] = {"source": "x", "external_id": "1", "published_at": NOW, "text": text}
    return Post(**fields | said)


def are_one(one: Post, other: Post) -> bool:
    """The same in both directions."""
    found = is_copy(trace(one), trace(other))
    assert is_copy(trace(other), trace(one)) is found
    return found


@dataclass(frozen=True)
class Labelled:
    post: Post
    story: str  # "" for nobody's copy
    is_first: bool


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def _post(row: dict[str, Any]) -> Post:
    return Post(**row | {"kind": PostKind(row["kind"]), "published_at": NOW})


LABELLED = [Labelled(_post(row["post"]), row["story"], row["how"] == "first") for row in _rows("copies.jsonl")]
LABELLED += [Labelled(_post(row), "", False) for row in _rows("distinct.jsonl")]


def _spread(rows: list[Labelled]) -> list[Labelled]:
    """The look-alikes as if each stood on a site of its own; what is about one page stays where it is."""
    return [
        replace(row, post=replace(row.post, source=f"s{number}", url=f"https://site{number}.example/p"))
        if row.story == "" and "/d/" in (row.post.url or "")
        else row
        for number, row in enumerate(rows)
    ]


def _run(rows: list[Labelled]) -> tuple[int, int, list[str]]:
    """Copies, those found, and the texts of posts that were joined to a story that is not theirs."""
    index, story_of, begun = StoryIndex(WEEK), dict[int, str](), set[str]()
    copies = right = 0
    wrong = []
    for number, row in enumerate(rows):
        made = trace(row.post)
        known = index.find(made)
        index.add(made, number, known.story if known else number)
        story_of[number] = row.story
        copies += row.story in begun
        if known is not None:
            is_right = row.story != "" and story_of[known.post_id] == row.story
            right += is_right
            wrong += [] if is_right else [row.post.text]
        begun |= {row.story} - {""}
    return copies, right, wrong


@pytest.mark.parametrize("seed", range(5))
def test_copies_are_found_and_look_alikes_are_not(seed: int, say: Callable[[str], None]) -> None:
    rows = list(LABELLED) if seed % 2 else _spread(LABELLED)
    Random(seed).shuffle(rows)
    copies, right, wrong = _run(sorted(rows, key=lambda row: not row.is_first))
    assert wrong == []
    assert right >= 0.95 * copies
    say(f"stories: {right} of {copies} copies found")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_order_no_look_alike_is_joined(seed: int) -> None:
    rows = list(LABELLED) if seed % 2 else _spread(LABELLED)
    Random(seed).shuffle(rows)
    copies, right, wrong = _run(rows)
    assert wrong == []
    assert right >= 0.9 * copies


def test_of_a_mass_of_posts_at_most_one_in_a_thousand_is_joined(say: Callable[[str], None]) -> None:
    texts: dict[str, None] = {}
    for path in sorted((ROOT / "monitor" / "corpus").glob("*/*.jsonl"))[::3]:
        for line in path.read_text(encoding="utf-8").splitlines():
            text = json.loads(line)["text"]
            if not ("TARGET" in text and "OTHER" in text):  # many of these stand there with the brands changed over
                texts[text] = None
    url = "https://site{}.example/p"  # each on a site of its own, where it could be a copy
    rows = [Labelled(post(text, url=url.format(number)), "", False) for number, text in enumerate(texts)]
    _, _, wrong = _run(rows)
    say(f"stories: {len(wrong)} of {len(rows):,} distinct posts joined")
    assert len(rows) > 5_000
    assert len(wrong) <= len(rows) / 1_000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme down again?", "Acme down again?"),
        ("Acme wieder down", "Acme wieder down!"),
        ("so ein Mist mit Acme heute", "So ein Mist mit Acme heute"),
    ],
)
def test_short_posts_are_copies_only_of_their_own_author(one: str, other: str) -> None:
    assert not are_one(post(one, author="kim"), post(other, author="lee", source="y"))
    assert not are_one(post(one), post(other))
    assert not are_one(post(one, author="Gast"), post(other, author="Gast"))
    assert are_one(post(one, author="kim"), post(other, author="@Kim", source="y"))
    assert not are_one(post(one, author="kim"), post(other, author="kim"))  # twice in one place
    later = post(other, author="kim", source="y", published_at=NOW + timedelta(days=2))
    assert not are_one(post(one, author="kim"), later)


@pytest.mark.parametrize("kind", [PostKind.REVIEW, PostKind.COMMENT, PostKind.MESSAGE])
def test_reviews_answers_and_messages_are_copies_only_of_their_own_author(kind: PostKind) -> None:
    assert not are_one(post(kind=kind, author="kim"), post(kind=kind, author="lee"))
    assert are_one(post(kind=kind, author="kim"), post(kind=kind, author="kim", source="y"))
    assert not are_one(post(parent="7", author="kim"), post(author="lee"))


def test_on_one_site_two_people_who_say_the_same_are_two() -> None:
    here = {"url": "https://site.example/1", "author": "kim"}
    assert not are_one(post(**here), post(url="https://site.example/2", author="lee"))
    assert not are_one(post(), post())
    assert are_one(post(**here), post(url="https://other.example/2", author="lee"))
    assert are_one(post(**here), post(f"RT @kim: {LONG}", url="https://site.example/2", author="lee"))
    assert are_one(post(**here), post(url="https://site.example/2", author="kim"))


def test_other_figures_are_another_text() -> None:
    one = "Die Aktie von Acme verliert am Freitag an der Börse in Frankfurt 2,3 Prozent und notiert bei 45,67 Euro."
    other = one.replace("2,3", "1,1").replace("45,67", "44,90")
    assert not are_one(post(one), post(other))
    assert not are_one(post(one, source="y"), post(other))
    assert are_one(post(one, source="y"), post(one.replace("am Freitag", "heute")))


def test_one_page_is_one_story_across_sources_only() -> None:
    article = post(
        "Der Hersteller ruft Geräte zurück.", title="Rückruf", kind=PostKind.ARTICLE, url="https://a.example/1"
    )
    elsewhere = post("Ganz andere Worte", source="y", kind=PostKind.ARTICLE, url="https://www.a.example/1?utm_source=y")
    assert are_one(article, elsewhere)
    assert not are_one(article, replace(elsewhere, source="x"))
    assert not are_one(article, replace(elsewhere, kind=PostKind.COMMENT))
    linked = post(
        "https://m.a.example/1", source="reddit", title="Acme calls back", url="https://reddit.com/r/a/comments/1/"
    )
    assert are_one(article, linked)
    opinion = replace(linked, text="Das ist doch ein Skandal, was meint ihr dazu, Leute? https://m.a.example/1")
    assert not are_one(article, opinion)


def test_a_quoted_post_with_an_answer_is_no_copy() -> None:
    assert not are_one(post(author="kim"), post(f"{LONG}\n\nBei mir genauso.", parent="1", author="lee"))
    assert are_one(post(author="kim"), post(f"RT @kim: {LONG} https://t.example/1", author="lee"))


def test_the_index_forgets_what_is_old_and_what_is_too_much() -> None:
    index = StoryIndex(WEEK, most=3)
    for number in range(5):
        text = f"{LONG} {number}{number} " + " ".join(f"wort{number}{k}" for k in range(40))
        index.add(trace(post(text, published_at=NOW + timedelta(days=number))), number, number)
    assert [known.post_id for known in index._entries.values()] == [2, 3, 4]
    index.forget(NOW + timedelta(days=4))
    assert [known.post_id for known in index._entries.values()] == [4]
    index.forget(NOW + timedelta(days=5))
    assert len(index) == 0
    assert index._postings == {}


def test_a_copy_after_the_window_is_news() -> None:
    index = StoryIndex(WEEK)
    index.add(trace(post(source="y")), 1, 1)
    assert index.find(trace(post(published_at=NOW + WEEK))) is not None
    assert index.find(trace(post(published_at=NOW + WEEK + timedelta(seconds=1)))) is None


def test_what_was_never_stored_is_taken_back() -> None:
    index = StoryIndex(WEEK)
    index.add(trace(post(source="y")), 1, 1)
    known = index.find(trace(post()))
    assert known is not None
    index.remove(known)
    assert index.find(trace(post())) is None
    assert index._postings == {}


def test_a_story_that_is_told_everywhere_stays_one_and_small() -> None:
    index = StoryIndex(WEEK)
    for number in range(300):
        made = trace(post(f"RT @kim: {LONG}", author=f"fan{number}"))
        known = index.find(made)
        assert (known.story if known else 0) == 0
        index.add(made, number, 0)
    assert len(index) < 20


@pytest.mark.parametrize(
    "text", ["", " ", "a", "a " * 300_000, "1 " * 300_000, "日本語" * 10_000, "https://" * 50_000, "#" * 100_000]
)
def test_odd_texts_cost_little_and_are_nobodys_copy(text: str) -> None:
    index = StoryIndex(WEEK)
    index.add(trace(post()), 1, 1)
    assert index.find(trace(post(text))) is None
