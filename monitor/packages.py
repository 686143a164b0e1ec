"""An operator's own spaCy package, or folder, in place of one of our pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config_errors import suggest
from monitor.model_error import ModelError
from rules.base import Label
from rules.classifier import Band, Pipeline

if TYPE_CHECKING:
    from spacy.language import Language

    from monitor.config import PackageSettings

_TRIAL = "Acme is broken"


@dataclass(frozen=True, slots=True)
class Package:
    """What reads one language: `name` as spaCy loads it, its categories by our names, one threshold (0-1) for all."""

    name: str
    categories: Mapping[str, str]
    threshold: float


def build_packages(settings: Mapping[str, PackageSettings]) -> dict[str, Package]:
    """The packages that a configuration names, by language."""
    return {language: Package(one.name, dict(one.categories), one.threshold) for language, one in settings.items()}


def load_package(language: str, package: Package) -> Pipeline:
    """The pipeline of the package. Raises ModelError where it cannot be loaded, or lacks a category."""
    import spacy

    from rules.categories import NAME, no_cues

    key = f"classifier.packages.{language}"
    try:
        nlp = spacy.load(package.name)
        given = _categories(nlp)
    except ImportError as error:
        raise ModelError(f"{key}: {package.name} needs {error.name}; mend: pip install {error.name}") from error
    except Exception as error:  # whatever a damaged or foreign pipeline throws
        raise _unusable(key, package, error) from error
    if not given:
        raise ModelError(
            f"{key}: {package.name} gives no categories (doc.cats); mend: a package with a text categoriser"
        )
    for category in package.categories:
        if category not in given:
            what = f"{package.name} has no category {category!r}{suggest(category, given)}"
            raise ModelError(f"{key}.categories: {what}")
    nlp.add_pipe(NAME, config={"names": dict(package.categories)})
    band = Band(package.threshold, round(package.threshold / 2, 4))
    return Pipeline(nlp, dict.fromkeys(Label, band), no_cues, _title(nlp), is_explained=False)


def _categories(nlp: Language) -> set[str]:
    """What the pipeline writes into `doc.cats`: what it says it does, and what it does."""
    return {str(name) for name in nlp(_TRIAL).cats} | set(_told(nlp))


def _told(nlp: Language) -> Iterator[str]:
    for name in nlp.pipe_names:
        if "cats" in " ".join(nlp.get_pipe_meta(name).assigns):
            yield from map(str, nlp.pipe_labels.get(name, ()))


def _title(nlp: Language) -> str:
    return f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}"


def _unusable(key: str, package: Package, error: Exception) -> ModelError:
    if not Path(package.name).exists() and "E050" in str(error):
        mend = "mend: pip install it into mentiond's environment, or give its folder (./FOLDER)"
        return ModelError(f"{key}.name: no spaCy package or folder {package.name}; {mend}")
    told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return ModelError(f"{key}: {package.name} cannot be loaded ({told}); mend: a package for this version of spaCy")
