"""Which classifier reads: that of a configuration, as in the daemon, or what the arguments name in its place."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from monitor.commands.arguments import language_list
from monitor.config import Config, load
from monitor.model import load_classifier
from monitor.packages import Package, build_packages
from rules.classifier import SpacyClassifier


class Chosen(NamedTuple):
    """What `load_classifier` takes, in its order."""

    languages: Sequence[str]
    path: Path | None = None
    encoder: str | None = None
    packages: Mapping[str, Package] | None = None


def chosen_in(config: Config) -> Chosen:
    """The classifier of a configuration."""
    settings = config.classifier
    path = Path(settings.model) if settings.model else None
    return Chosen(config.languages, path, settings.encoder, build_packages(settings.packages))


def open_chosen(options: argparse.Namespace) -> SpacyClassifier:
    """That of `-c FILE`, else the models that ship; with the languages and models of the arguments, if there are any.

    Raises ConfigErrors, CommandError or ModelError.
    """
    languages = None if options.languages is None else language_list(options.languages)
    chosen = chosen_in(load(options.config, os.environ)) if options.config else Chosen(["de", "en"])
    if languages is not None:
        chosen = chosen._replace(languages=languages)
    if options.model:
        chosen = chosen._replace(path=options.model, encoder=None)  # other models tell of their own encoder
    return load_classifier(*chosen)
