"""The thresholds that the classifier decides by, read from its folder without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.config import Config
from monitor.model import BANDS, SHARED, SHIPPED
from rules.base import Label
from rules.classifier import Band


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Of the pipeline that reads a language now: `model` is its name, "" where it cannot be told."""

    bands: Mapping[Label, Band] = field(default_factory=dict)
    model: str = ""


def read_thresholds(config: Config, lang: str) -> Thresholds:
    """Those for texts in this language; without bands where the folder cannot be read."""
    package = config.classifier.packages.get(lang)
    if package is not None:
        band = Band(package.threshold, round(package.threshold / 2, 4))
        return Thresholds(dict.fromkeys(Label, band))
    folder = Path(config.classifier.model) if config.classifier.model else SHIPPED
    has_own = lang in config.languages and (folder / lang).is_dir()
    try:
        meta = json.loads((folder / (lang if has_own else SHARED) / "meta.json").read_text(encoding="utf-8"))
        bands = {label: Band(meta[BANDS][label]["threshold"], meta[BANDS][label]["floor"]) for label in Label}
        return Thresholds(bands, f"{meta['lang']}_{meta['name']} {meta['version']}")
    except (OSError, ValueError, KeyError, TypeError):
        return Thresholds()
