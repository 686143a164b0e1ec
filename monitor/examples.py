"""The training corpus: one JSON object a line, a folder per language (the format: monitor/corpus/README.md)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rules.base import Label, Sentiment

SHIPPED_CORPUS = Path(__file__).with_name("corpus")
FOLDS = 5  # groups of whole domains, each held out once


class CorpusError(Exception):
    """The corpus cannot be used; the message names file and line."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    text: str = Field(min_length=1)
    labels: list[Label]
    sentiment: Sentiment
    domain: str = Field(min_length=1)
    register_: str = Field(min_length=1, alias="register")

    @field_validator("labels")
    @classmethod
    def _each_once(cls, labels: list[Label]) -> list[Label]:
        if len(set(labels)) < len(labels):
            raise ValueError("a label is given twice")
        return labels


@dataclass(frozen=True, slots=True)
class Example:
    """One training post: names already masked as TARGET and OTHER."""

    text: str
    labels: frozenset[Label]
    sentiment: Sentiment
    domain: str
    register: str


def read_corpus(folder: Path) -> dict[str, list[Example]]:
    """The examples of every language, by the name of its folder (`de/*.jsonl`). Raises CorpusError."""
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.jsonl")):
        files.setdefault(file.parent.name, []).append(file)
    if not files:
        raise CorpusError(f"{folder}: no corpus (a folder per language, such as de, with .jsonl files)")
    return {language: _read_language(folder / language, own) for language, own in files.items()}


def _read_language(folder: Path, files: Sequence[Path]) -> list[Example]:
    examples = [example for file in files for example in _read(file)]
    if len({example.domain for example in examples}) < FOLDS:
        raise CorpusError(f"{folder}: at least {FOLDS} domains are needed, so that whole domains can be held out")
    return examples


def _read(file: Path) -> list[Example]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file}: cannot be read ({error})") from error
    return [_parse(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip()]


def _parse(line: str, where: str) -> Example:
    try:
        read = _Line.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        raise CorpusError(f"{where}: {'.'.join(map(str, first['loc'])) or 'line'}: {first['msg']}") from error
    return Example(read.text, frozenset(read.labels), read.sentiment, read.domain, read.register_)


def fold_of_domains(examples: Sequence[Example]) -> list[int]:
    """For each example the fold (0 to FOLDS - 1) that its domain is held out with; folds are about equally large."""
    sizes = Counter(example.domain for example in examples)
    filled, fold = [0] * FOLDS, {}
    for domain, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold[domain] = filled.index(min(filled))
        filled[fold[domain]] += size
    return [fold[example.domain] for example in examples]


def fingerprint(examples: Sequence[Example]) -> str:
    """Eight hexadecimal digits that name what a model was trained on."""
    told = [[example.text, sorted(example.labels), example.sentiment, example.domain] for example in examples]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]
