"""What a pipeline learns from: in which fold each row stands, and how often it counts."""

from __future__ import annotations

from monitor.examples import FOLDS, Example, fold_of_domains
from monitor.lessons import WEIGHT, digest, plan_lessons
from rules.base import Sentiment


def example(text: str, domain: str = "corrections") -> Example:
    return Example(text, frozenset(), Sentiment.NEUTRAL, domain, "tweet")


CORPUS = [example(f"{domain} {number}", domain) for domain in "abcdefg" for number in range(3)]


def test_corrections_take_the_folds_in_turn_and_copies_stand_together() -> None:
    texts = ("one", "two", "one", "three", "four", "five", "six", "two")
    lessons = plan_lessons(CORPUS, [example(text) for text in texts])
    assert lessons.folds[len(CORPUS) :].tolist() == [0, 1, 0, 2, 3, 4, 0, 1]
    assert [one.text for one in lessons.corrected_in(0)] == ["one", "one", "six"]
    assert lessons.corpus_folds.tolist() == fold_of_domains(CORPUS)
    assert [one.text for one in lessons.everything][-2:] == ["six", "two"]


def test_a_text_of_the_corpus_is_held_out_with_its_domain() -> None:
    folds = fold_of_domains(CORPUS)
    lessons = plan_lessons(CORPUS, [example(one.text) for one in reversed(CORPUS)])
    assert lessons.folds.tolist() == [*folds, *reversed(folds)]


def test_a_correction_counts_several_times_where_it_is_not_held_out() -> None:
    lessons = plan_lessons(CORPUS, [example("one"), example("two")])
    first, second = len(CORPUS), len(CORPUS) + 1
    everything = lessons.without(None)
    assert everything == [*range(len(CORPUS)), *[first] * WEIGHT, *[second] * WEIGHT]
    assert (
        lessons.without(0)
        == [row for row in everything if row >= first or lessons.folds[row] != 0][: -2 * WEIGHT] + [second] * WEIGHT
    )
    assert [lessons.without(fold).count(second) for fold in range(FOLDS)] == [3, 0, 3, 3, 3]


def test_without_corrections_every_row_counts_once() -> None:
    assert plan_lessons(CORPUS, []).without(None) == list(range(len(CORPUS)))


def test_a_digest_tells_texts_apart() -> None:
    assert digest("TARGET ist tot") != digest("TARGET ist rot")
    assert len(digest("ä")) == 16
