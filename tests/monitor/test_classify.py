"""`mentiond classify`: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest

from monitor.classify import TOGETHER, classify_lines
from rules.base import Label, Sentiment, Verdict, View


class Echo:
    """Calls everything a complaint; keeps what it was asked."""

    def __init__(self, *, sure: bool = True) -> None:
        self.asked: list[View] = []
        self.sure = sure

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        self.asked += views
        return [
            Verdict(
                probabilities={**dict.fromkeys(Label, 0.0), Label.COMPLAINT: 0.9},
                tags=("complaint",),
                sentiment=Sentiment.NEGATIVE,
                lang="de",
                cues={Label.COMPLAINT: (view.text,)},
                sure=self.sure,
            )
            for view in views
        ]


def test_the_shape_of_a_verdict() -> None:
    post = {"text": "tot", "external_id": "7", "seen_from": {"names": ["Acme"], "others": ["Globex"]}, "rating": 1.0}
    echo = Echo()
    [answer] = classify_lines([json.dumps(post)], echo)
    assert answer == {
        "line": 1,
        "external_id": "7",
        "labels": {
            "crisis": 0.0,
            "complaint": 0.9,
            "question": 0.0,
            "purchase_signal": 0.0,
            "suggestion": 0.0,
            "praise": 0.0,
        },
        "tags": ["complaint"],
        "sentiment": "negative",
        "lang": "de",
        "cues": {"complaint": ["tot"]},
    }
    assert echo.asked == [View(title="", text="tot", lang=None, names=("Acme",), others=("Globex",))]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "Invalid JSON"),
        ("[1]", "object"),
        ('{"title": "x"}', "text: Field required"),
        ('{"text": 5}', "text: .*string"),
        ('{"text": "x", "seen_from": {"name": ["Acme"]}}', "seen_from.name"),
        ('{"text": "\\ud800"}', "Invalid JSON"),
        ("[" * 10_000, "Invalid JSON"),
        ("\ud800", ""),
    ],
)
def test_a_bad_line_is_an_error_and_stops_nothing(line: str, error: str) -> None:
    first, second = classify_lines([line, '{"text": "tot"}'], Echo())
    assert first["line"] == 1
    assert set(first) == {"line", "error"}
    assert isinstance(first["error"], str)
    assert (second["line"], second["tags"]) == (2, ["complaint"])
    assert re.search(error, first["error"])


def test_lines_count_from_one_and_blank_ones_count() -> None:
    answers = classify_lines(['{"text": "a"}\n', "\n", '{"text": "b"}\n'], Echo())
    assert [answer["line"] for answer in answers] == [1, 3]


def test_more_lines_than_go_together() -> None:
    answers = list(classify_lines((f'{{"text": "{number}"}}' for number in range(TOGETHER * 2 + 1)), Echo()))
    assert [answer["cues"] for answer in answers[-1:]] == [{"complaint": [str(TOGETHER * 2)]}]
    assert [answer["line"] for answer in answers] == list(range(1, TOGETHER * 2 + 2))


def test_an_unsure_reader_says_so() -> None:
    [answer] = classify_lines(['{"text": "a"}'], Echo(sure=False))
    assert answer["sure"] is False
