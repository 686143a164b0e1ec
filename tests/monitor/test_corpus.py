"""The corpus that ships, and what is refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from monitor.examples import FOLDS, SHIPPED_CORPUS, CorpusError, Example, fold_of_domains, read_corpus
from rules.base import Label, Sentiment

LANGUAGES = ("de", "en")


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Example]]:
    return read_corpus(SHIPPED_CORPUS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_enough_of_everything(corpus: dict[str, list[Example]], language: str) -> None:
    examples = corpus[language]
    assert len(examples) >= 400
    carried = Counter(label for example in examples for label in example.labels)
    assert all(carried[label] >= 40 for label in Label), carried
    moods = Counter(example.sentiment for example in examples)
    assert all(moods[sentiment] >= 40 for sentiment in Sentiment), moods
    assert sum(not example.labels for example in examples) >= 40  # what only looks like it
    assert len({example.domain for example in examples}) >= 15


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice(corpus: dict[str, list[Example]], language: str) -> None:
    spelt = Counter(re.sub(r"\W+", " ", example.text.lower()).strip() for example in corpus[language])
    assert not [text for text, times in spelt.items() if times > 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_folds_hold_out_whole_domains(corpus: dict[str, list[Example]], language: str) -> None:
    folds = fold_of_domains(corpus[language])
    pairs = {(example.domain, fold) for example, fold in zip(corpus[language], folds, strict=True)}
    assert len(pairs) == len({example.domain for example in corpus[language]})
    assert max(Counter(folds).values()) < 2 * min(Counter(folds).values())


GOOD = (
    '{"text": "TARGET ist tot", "labels": ["complaint"], "sentiment": "negative", "domain": "d", "register": "tweet"}'
)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        (GOOD.replace("TARGET ist tot", ""), "text: .*at least 1"),
        (GOOD.replace('"complaint"', '"anger"'), r"labels\.0"),
        (GOOD.replace('"complaint"', '"complaint", "complaint"'), "twice"),
        (GOOD.replace("negative", "bad"), "sentiment"),
        (GOOD.replace('"domain"', '"industry"'), "domain"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "de.jsonl").write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"de\.jsonl:3: .*{message}"):
        read_corpus(tmp_path)


def test_too_few_domains(tmp_path: Path) -> None:
    (tmp_path / "de.jsonl").write_text(f"{GOOD}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"at least {FOLDS} domains"):
        read_corpus(tmp_path)


def test_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus"):
        read_corpus(tmp_path)


def test_unreadable(tmp_path: Path) -> None:
    (tmp_path / "de.jsonl").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_corpus(tmp_path)
