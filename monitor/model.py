"""Loads the trained pipelines: those that ship in `monitor/models`, or those that `mentiond train` made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rules.base import Label
from rules.classifier import Band, Pipeline, SpacyClassifier
from rules.language import LanguageDetector

if TYPE_CHECKING:
    from spacy.language import Language

SHIPPED = Path(__file__).with_name("models")
SHARED = "xx"  # spaCy's code for "several languages"
MANIFEST = "manifest.json"  # {"pipelines": {language: {file: SHA-256}}}
BANDS = "bands"  # key in a pipeline's meta.json: {label: {"threshold", "floor"}}


class ModelError(Exception):
    """The model cannot be used; the message names the file and the mend."""


def load_classifier(languages: Sequence[str], path: Path | None = None) -> SpacyClassifier:
    """The classifier for `languages` (ISO 639-1, most important first). Takes a second or two. Raises ModelError.

    A language without a pipeline of its own is read by the shared one.
    """
    folder = path or SHIPPED
    trained = _read_manifest(folder)
    for language in (SHARED, *languages):
        _verify(folder / language, trained.get(language, {}))
    own = {language: _load(folder / language, sure=True) for language in languages if language in trained}
    return SpacyClassifier(own, _load(folder / SHARED, sure=False), LanguageDetector(languages))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by its path from there."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _read_manifest(folder: Path) -> dict[str, dict[str, str]]:
    try:
        trained: dict[str, dict[str, str]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["pipelines"]
        files = dict(trained[SHARED])
    except FileNotFoundError as error:
        raise _unusable(folder / MANIFEST, "is missing") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unusable(folder / MANIFEST, f"cannot be read ({error})") from error
    if not files:
        raise _unusable(folder / MANIFEST, "lists no files")
    return trained


def _verify(folder: Path, expected: dict[str, str]) -> None:
    """Damage is found here, before spaCy reads the files: it would fail in a dozen ways, or not at all."""
    for name, digest in expected.items():
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except FileNotFoundError as error:
            raise _unusable(folder / name, "is missing") from error
        except OSError as error:
            raise _unusable(folder / name, f"cannot be read ({error})") from error
        if found != digest:
            raise _unusable(folder / name, "is damaged (its contents are not those that were trained)")


def _load(folder: Path, *, sure: bool) -> Pipeline:
    import spacy

    from rules.linear import NAME, LinearLabels

    try:
        nlp = spacy.load(folder)
        component = nlp.get_pipe(NAME)
        if not isinstance(component, LinearLabels):
            raise ValueError(f"{NAME} is not mentiond's own component")
        return Pipeline(nlp, _bands(nlp), component.cues, _title(nlp), sure)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise _unusable(folder, f"cannot be loaded ({error})") from error


def _bands(nlp: Language) -> dict[Label, Band]:
    written = nlp.meta[BANDS]
    return {label: Band(written[label]["threshold"], written[label]["floor"]) for label in Label}


def _title(nlp: Language) -> str:
    return f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}"


def _unusable(path: Path, what: str) -> ModelError:
    return ModelError(f"the classifier's model cannot be used: {path} {what}; mend: mentiond train")
