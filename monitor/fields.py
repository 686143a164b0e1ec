"""The lexicon's semantic fields: a text file each, in a folder per language (the format: monitor/lexicon/README.md)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from rules.lexicon import Entries, Lexicon, Tokenize, compile_entries

SHIPPED_LEXICON = Path(__file__).with_name("lexicon")


def read_entries(folder: Path, languages: Sequence[str]) -> Entries:
    """The entries of each field of these languages; nothing for a language without a folder. Raises OSError."""
    return {
        language: {file.stem: _read(file) for file in sorted((folder / language).glob("*.txt"))}
        for language in languages
        if (folder / language).is_dir()
    }


def _read(file: Path) -> list[str]:
    """What stands below the heading."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8").split("\n"))
    return [line for line in lines if line and not line.startswith("# ")]


def build_lexicon(folder: Path, languages: Sequence[str]) -> Lexicon:
    """The lexicon of these languages, each cut by spaCy's tokeniser for it. Raises OSError or LexiconError."""
    entries = read_entries(folder, languages)
    return Lexicon(compile_entries(entries, {language: _tokenizer(language) for language in entries}), list(entries))


@cache
def _tokenizer(language: str) -> Tokenize:
    """Remembers its words: training builds several lexicons of one language."""
    import spacy

    nlp = spacy.blank(language)
    return lru_cache(1 << 16)(lambda text: tuple(token.text for token in nlp.make_doc(text)))
