"""The corpus that ships, and what is refused."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from monitor.examples import FOLDS, SHIPPED_CORPUS, CorpusError, Example, fold_of_domains, read_corpus
from rules.base import Label, Sentiment
from rules.words import OTHER, TARGET

LANGUAGES = ("de", "en")


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Example]]:
    return read_corpus(SHIPPED_CORPUS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_is_enough_of_everything(corpus: dict[str, list[Example]], language: str) -> None:
    examples = corpus[language]
    assert len(examples) >= 5_000
    carried = Counter(label for example in examples for label in example.labels)
    assert all(carried[label] >= 700 for label in Label), carried
    moods = Counter(example.sentiment for example in examples)
    assert all(moods[sentiment] >= 1_000 for sentiment in Sentiment), moods
    assert sum(not example.labels for example in examples) >= 700  # what only looks like it
    assert len({example.domain for example in examples}) >= 30
    assert len({example.register for example in examples}) >= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_brands_are_seen_from_each(corpus: dict[str, list[Example]], language: str) -> None:
    texts = {example.text for example in corpus[language] if TARGET in example.text and OTHER in example.text}
    assert sum(_swapped(text) in texts for text in texts) / 2 >= 300


def _swapped(text: str) -> str:
    return re.sub(f"{TARGET}|{OTHER}", lambda found: OTHER if found[0] == TARGET else TARGET, text)


def _shingles(text: str, size: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_stands_twice(corpus: dict[str, list[Example]], language: str) -> None:
    spelt = Counter(re.sub(r"\W+", " ", example.text.lower()).strip() for example in corpus[language])
    assert not [text for text, times in spelt.items() if times > 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_hardly_any_text_is_nearly_another(
    corpus: dict[str, list[Example]], language: str, say: Callable[[str], None]
) -> None:
    """At most 1 % share more than half of their runs of four words with another text, swapped brands apart."""
    own = [_shingles(re.sub(f"{TARGET}|{OTHER}", "", example.text), 4) for example in corpus[language]]
    holders: dict[tuple[str, ...], list[int]] = {}
    for number, shingles in enumerate(own):
        for shingle in shingles:
            holders.setdefault(shingle, []).append(number)
    near = 0
    for number, shingles in enumerate(own):
        shared = Counter(other for shingle in shingles for other in holders[shingle] if other != number)
        near += any(
            2 * count > min(len(shingles), len(own[other])) and count < len(shingles) for other, count in shared.items()
        )
    say(f"{language}: {near} of {len(own)} texts are near another")
    assert near <= 0.01 * len(own)


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_runs_of_five_words_come_again(
    corpus: dict[str, list[Example]], language: str, say: Callable[[str], None]
) -> None:
    texts = {re.sub(f"{TARGET}|{OTHER}", "x", example.text) for example in corpus[language]}
    counts = Counter(shingle for text in texts for shingle in _shingles(text, 5))
    again = sum(count > 1 for count in counts.values()) / len(counts)
    say(f"{language}: {again:.2%} of {len(counts)} runs of five words come again")
    assert again <= 0.02


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_vocabulary_goes_on_growing(
    corpus: dict[str, list[Example]], language: str, say: Callable[[str], None]
) -> None:
    """The second half of the texts, in random order, still brings at least a word every three texts."""
    texts = sorted({re.sub(f"{TARGET}|{OTHER}", "x", example.text).lower() for example in corpus[language]})
    Random(1).shuffle(texts)
    middle = len(texts) // 2
    first, second = (
        {word for text in half for word in re.findall(r"\w+", text)} for half in (texts[:middle], texts[middle:])
    )
    say(f"{language}: {len(first | second)} words, {len(second - first)} of them new in the second half")
    assert len(second - first) >= middle / 3


def test_german_is_not_translated_english(corpus: dict[str, list[Example]], say: Callable[[str], None]) -> None:
    """Translations keep labels, numbers and emoji: German shares no more of these with English than with itself."""
    signed = {}
    for language in LANGUAGES:
        signed[language] = [sign for example in corpus[language] if (sign := _signature(example))]
        Random(1).shuffle(signed[language])
    size = min(len(signed["de"]) // 2, len(signed["en"]))
    german, rest, english = signed["de"][:size], signed["de"][size : 2 * size], signed["en"][:size]
    within, across = (sum((Counter(german) & Counter(other)).values()) for other in (rest, english))
    say(f"of {size} German texts {within} have the numbers and signs of other German ones, {across} of English ones")
    assert across <= 1.5 * within + 10


def _signature(example: Example) -> tuple[object, ...] | None:
    """What a translation would leave as it is; None where that is too little to tell."""
    numbers = sorted(re.findall(r"\d+", example.text))
    emoji = sorted(char for char in example.text if unicodedata.category(char) == "So")
    if len("".join(numbers)) + 2 * len(emoji) < 4 or len(numbers) + len(emoji) < 2:
        return None
    return (tuple(numbers), tuple(emoji), tuple(sorted(example.labels)), TARGET in example.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_folds_hold_out_whole_domains(corpus: dict[str, list[Example]], language: str) -> None:
    folds = fold_of_domains(corpus[language])
    pairs = {(example.domain, fold) for example, fold in zip(corpus[language], folds, strict=True)}
    assert len(pairs) == len({example.domain for example in corpus[language]})
    assert max(Counter(folds).values()) < 2 * min(Counter(folds).values())


def _file(folder: Path) -> Path:
    (folder / "de").mkdir()
    return folder / "de" / "posts.jsonl"


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
    _file(tmp_path).write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=rf"posts\.jsonl:3: .*{message}"):
        read_corpus(tmp_path)


def test_too_few_domains(tmp_path: Path) -> None:
    _file(tmp_path).write_text(f"{GOOD}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"at least {FOLDS} domains"):
        read_corpus(tmp_path)


def test_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus"):
        read_corpus(tmp_path)


def test_unreadable(tmp_path: Path) -> None:
    _file(tmp_path).write_bytes(b"\xff\xfe\xff")
    with pytest.raises(CorpusError, match="cannot be read"):
        read_corpus(tmp_path)
