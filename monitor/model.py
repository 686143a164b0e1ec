"""Loads the trained pipelines: those that ship in `monitor/models`, or those that `mentiond train` made.

A pipeline that was trained with a sentence encoder gets it here; a language may have an operator's own package instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.encoders import META, EncoderError, NamedEncoder, check_same, open_encoder
from monitor.model_error import ModelError as ModelError
from monitor.packages import Package, load_package
from rules.base import Label
from rules.classifier import Band, Pipeline, SpacyClassifier
from rules.language import LanguageDetector

if TYPE_CHECKING:
    from spacy.language import Language

SHIPPED = Path(__file__).with_name("models")
SHARED = "xx"  # spaCy's code for "several languages"
MANIFEST = "manifest.json"  # {"pipelines": {language: {file: SHA-256}}}
BANDS = "bands"  # key in a pipeline's meta.json: {label: {"threshold", "floor"}}


def load_classifier(
    languages: Sequence[str],
    path: Path | None = None,
    encoder: str | None = None,
    packages: Mapping[str, Package] | None = None,
    opening: Callable[[str], NamedEncoder] = open_encoder,
) -> SpacyClassifier:
    """The classifier for `languages` (ISO 639-1, most important first). Takes a second or two. Raises ModelError.

    A language without a pipeline of its own is read by the shared one. `encoder` is where the encoder is that all
    models in `path` were trained with; None leaves it to them. `packages` read their languages instead of our models.
    """
    folder = path or SHIPPED
    trained = _read_manifest(folder)
    foreign = packages or {}
    names = [language for language in languages if language in trained and language not in foreign]
    for language in (SHARED, *names):
        _verify(folder / language, trained[language])
    encoders = _Encoders(encoder, opening)
    own = {language: _load(folder / language, encoders, sure=True) for language in names}
    own |= {language: load_package(language, package) for language, package in foreign.items()}
    return SpacyClassifier(own, _load(folder / SHARED, encoders, sure=False), LanguageDetector(languages))


class _Encoders:
    """The encoder of a folder of models, opened once for all its pipelines."""

    def __init__(self, demanded: str | None, opening: Callable[[str], NamedEncoder]) -> None:
        self._demanded = demanded
        self._open = opening
        self._opened: dict[str, NamedEncoder] = {}

    def of(self, told: Mapping[str, object] | None, folder: Path) -> NamedEncoder | None:
        """The one that the pipeline in `folder` tells of in its meta.json. Raises EncoderError."""
        if told is None:
            if self._demanded is None:
                return None
            raise EncoderError(
                f"classifier.encoder: {self._demanded}, but {folder} was trained without an encoder; mend: "
                f"mentiond train --encoder {self._demanded} --out FOLDER and classifier.model: FOLDER, or leave "
                "classifier.encoder out"
            )
        name = self._demanded or str(told["name"])
        if name not in self._opened:
            self._opened[name] = self._open(name)
        check_same(self._opened[name], told, folder)
        return self._opened[name]


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by its path from there."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def holds_models(folder: Path) -> bool:
    """Whether `mentiond train` wrote what is in the folder."""
    try:
        return bool(_read_manifest(folder))
    except ModelError:
        return False


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


def _load(folder: Path, encoders: _Encoders, *, sure: bool) -> Pipeline:
    import spacy

    from rules.cutting import Cutter
    from rules.lexical import NAME as LEXICON
    from rules.linear import NAME, LinearLabels

    try:
        nlp = spacy.load(folder)
        _keep_attributes(nlp)
        nlp.tokenizer = Cutter(nlp)
        component = nlp.get_pipe(NAME)
        if not isinstance(component, LinearLabels) or not nlp.has_pipe(LEXICON):
            raise ValueError(f"its components {LEXICON} and {NAME} are not mentiond's own")
        opened = encoders.of(nlp.meta.get(META), folder)
        component.encoder = opened.encoder if opened else None
        return Pipeline(nlp, _bands(nlp), component.cues, _title(nlp), sure)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise _unusable(folder, f"cannot be loaded ({error})") from error


def _keep_attributes(nlp: Language) -> None:
    """Of each new word spaCy works out some fifteen attributes; we read one, and a tenth of the time is saved."""
    is_space = nlp.vocab.strings["IS_SPACE"]
    getters = nlp.vocab.lex_attr_getters  # type: ignore[attr-defined]  # missing in the stubs of spaCy
    for attribute in [attribute for attribute in getters if attribute != is_space]:
        del getters[attribute]


def _bands(nlp: Language) -> dict[Label, Band]:
    written = nlp.meta[BANDS]
    return {label: Band(written[label]["threshold"], written[label]["floor"]) for label in Label}


def _title(nlp: Language) -> str:
    return f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}"


def _unusable(path: Path, what: str) -> ModelError:
    return ModelError(f"the classifier's model cannot be used: {path} {what}; mend: mentiond train")
