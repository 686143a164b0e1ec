"""`mentiond evaluate`: any labelled JSON lines, our corpus among them; what cannot be read is named and left out."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.commands import FAILED, MODEL, OK, USAGE
from monitor.examples import SHIPPED_CORPUS
from monitor.labelled import read_labelled, view_of_masked
from rules.base import Label, Sentiment, View
from rules.masking import READ_AT_MOST, mask


def line(**row: Any) -> bytes:
    return json.dumps({"text": "Acme is broken"} | row, ensure_ascii=False).encode()


def test_labels_as_a_mapping_say_only_what_they_say() -> None:
    row = read_labelled(line(labels={"complaint": 1, "praise": False, "candy": 1}, lang="EN-us", title="News"))
    assert row.truth == {Label.COMPLAINT: True, Label.PRAISE: False}
    assert row.ignored == ("candy",)
    assert row.view == View("News", "Acme is broken", "en")
    assert row.text == "News\nAcme is broken"


def test_labels_as_a_list_say_that_the_others_are_wrong() -> None:
    row = read_labelled(line(labels=["praise", "question"]), "de")
    assert row.truth == {label: label in (Label.PRAISE, Label.QUESTION) for label in Label}
    assert row.view.lang == "de"
    assert not any(read_labelled(line(labels=[])).truth.values())


def test_a_sentiment_alone_is_enough_and_a_target_is_seen_from() -> None:
    row = read_labelled(line(sentiment="negative", seen_from={"names": ["Acme"], "others": ["Globex"]}))
    assert (row.truth, row.sentiment) == ({}, Sentiment.NEGATIVE)
    assert (row.view.names, row.view.others) == (("Acme",), ("Globex",))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"{", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"[1]", "object"),
        (b'{"labels": ["praise"]}', "text: Field required"),
        (line(), "labels: none, and no sentiment"),
        (line(labels={}), "labels: none, and no sentiment"),
        (line(labels={"candy": 1}), "labels: none of mentiond's among candy"),
        (line(labels=["complant"]), "labels: unknown label 'complant'; did you mean \"complaint\""),
        (line(labels=[5]), "labels: unknown label 5"),
        (line(labels=[["praise"]]), "labels: unknown label"),
        (line(labels={"praise": 2}), "labels.praise: expected 0 or 1"),
        (line(labels={"praise": "1"}), "labels.praise: expected 0 or 1"),
        (line(labels={"praise": None}), "labels.praise: expected 0 or 1"),
        (line(labels="praise"), "labels: expected"),
        (line(labels=["praise"], sentiment="angry"), "sentiment: "),
        (line(labels=["praise"], text=""), "text: "),
        (line(labels=["praise"], seen_from={"name": ["Acme"]}), "seen_from.name"),
    ],
)
def test_what_is_wrong_with_a_row(content: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        read_labelled(content)


def test_every_row_of_our_corpus_reads_as_it_stands() -> None:
    rows = [content for file in SHIPPED_CORPUS.rglob("*.jsonl") for content in file.read_bytes().splitlines()]
    assert len(rows) > 4_000
    for content in rows:
        text = json.loads(content)["text"].strip()
        if len(text) < READ_AT_MOST * 0.9:
            assert mask(read_labelled(content).view) == text


@pytest.mark.parametrize(
    "text", ["TARGET and OTHER", "on target, the other day", "@TARGET's #OTHER-App: TARGETs", "target TARGET Target"]
)
def test_masks_that_stand_in_a_text_are_left_alone_and_nothing_else_becomes_one(text: str) -> None:
    assert mask(view_of_masked("", text, None)) == text
    assert mask(view_of_masked("TARGET news", text, None)) == f"TARGET news\n\n{text}"
    assert "TARGET" not in mask(read_labelled(line(text=text, labels=[])).view).split()
    assert mask(read_labelled(line(text=text, labels=[], masked=True)).view) == text


# -- the command -----------------------------------------------------------------------------------------------------

ROWS = (
    {"text": "My Acme Phone is broken and nobody replies", "labels": ["complaint"], "sentiment": "negative"},
    {"text": "I love my Acme Phone, it is amazing", "labels": {"praise": 1, "complaint": 0, "candy": 1}, "lang": "en"},
    {"text": "Mein Acme Phone ist kaputt und keiner antwortet", "labels": {"complaint": 0}, "lang": "de"},
)


def write(file: Path, *rows: Any) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def shapes(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], Any]:
    found = [json.loads(shape) for shape in capsys.readouterr().out.splitlines()]
    return {(shape["lang"], shape.get("label", shape["kind"])): shape for shape in found}


def test_figures_and_worst_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "posts.jsonl", *ROWS)
    assert main(["evaluate", str(file)]) == OK
    said = capsys.readouterr()
    assert said.err == "no label of mentiond's, not measured: candy (rows: 1)\n"
    table = said.out.splitlines()
    assert table[0].split()[:5] == ["lang", "label", "rows", "true", "P"]
    assert ["en", "complaint", "2", "1"] in [row.split()[:4] for row in table]
    assert "de complaint: worst mistakes" in table
    assert any(f"{file}:3" in row and "false" in row for row in table)
    assert "en sentiment: rows 1" in said.out


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "posts.jsonl", *ROWS)
    assert main(["evaluate", str(file), "--json", "--worst", "1"]) == OK
    found = shapes(capsys)
    own = found["de", "complaint"]
    assert (own["rows"], own["positives"], own["false_positives"], own["auc"]) == (1, 0, 1, None)
    [worst] = own["worst"]
    assert (worst["where"], worst["is"], worst["text"]) == (f"{file}:3", False, ROWS[2]["text"])
    assert worst["probability"] > 0.5
    assert worst["cues"]
    assert found["en", "praise"]["rows"] == 2
    assert found["en", "sentiment"]["confusion"]["negative"] == {"positive": 0, "neutral": 0, "negative": 1}


def test_a_folder_in_languages_and_bad_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files in folders named after their language, as the corpus is."""
    masked = {"text": "TARGET ist kaputt", "labels": ["complaint"], "domain": "rail", "register": "tweet"}
    first = write(tmp_path / "de" / "rail.jsonl", masked, "{", "", {"text": "x"})
    write(tmp_path / "en.jsonl", {"text": "TARGET!!", "labels": [], "masked": True})
    assert main(["evaluate", str(tmp_path), "--json", "--worst", "0"]) == FAILED
    said = capsys.readouterr()
    assert said.err.splitlines()[0].startswith(f"{first}:2: left out: Invalid JSON")
    assert said.err.splitlines()[1:] == [f"{first}:4: left out: labels: none, and no sentiment", "rows left out: 2"]
    found = [json.loads(shape) for shape in said.out.splitlines()]
    assert {(shape["lang"], shape["rows"]) for shape in found} == {("de", 1), ("en", 1)}
    assert all(shape.get("worst", []) == [] for shape in found)


def test_from_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = b"\xef\xbb\xbf" + line(labels=["complaint"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert main(["evaluate", "-"]) == OK
    assert "complaint" in capsys.readouterr().out


def test_what_cannot_be_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path)]) == USAGE
    assert "no file in this folder ends in .jsonl" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "nothing.jsonl")]) == USAGE
    assert main(["evaluate", str(write(tmp_path / "empty.jsonl"))]) == FAILED
    assert "no labelled post to measure on" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "empty.jsonl"), "--model", str(tmp_path)]) == MODEL
    assert main(["evaluate", str(tmp_path / "empty.jsonl"), "--languages", "german"]) == USAGE


def test_nothing_in_a_text_steers_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "\x1b[31mAcme ist kaputt und keiner antwortet\u202e\nzweite Zeile"
    assert main(["evaluate", str(write(tmp_path / "p.jsonl", {"text": text, "labels": []}))]) == OK
    out = capsys.readouterr().out
    assert "kaputt" in out
    assert "\x1b" not in out
    assert "\u202e" not in out
