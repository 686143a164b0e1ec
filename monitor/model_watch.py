"""A new model taken up while the daemon runs: loaded and tried aside, then swapped in between two batches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from monitor import model
from monitor.packages import Package
from rules.base import Classifier, Verdict, View
from rules.language import EUROPEAN

log = logging.getLogger("mentiond.model")

LOOK_EVERY = 30.0  # seconds between two looks at the folder
_TRIAL = "Acme kaputt"  # too short for its language to be recognised: the pipeline that is asked for reads it

Stamp = tuple[tuple[str, int, int], ...]  # path, size and time of change (ns) of every file


class ReloadingClassifier:
    """The `Classifier` in `folder`; `look` takes up another one that has been put there.

    `load` makes a classifier of what is in the folder. Every batch is read by one model from beginning to end.
    """

    def __init__(self, folder: Path, languages: Sequence[str], load: Callable[[], Classifier]) -> None:
        self._folder = folder
        self._languages = tuple(languages)
        self._load = load
        self._manifest = self._read_manifest()
        self._refused: Stamp | None = None  # the state of the folder that was refused: not tried again
        self._current = load()

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        """One verdict per view, in order, all by the same model."""
        current = self._current  # read once: a swap waits for nobody and breaks into nothing
        return current.classify(views)

    def look(self) -> None:
        """Swap in what is in the folder if its manifest has changed; blocking, for a thread of its own.

        A model that cannot be used is told of once and changes nothing.
        """
        manifest = self._read_manifest()
        stamp = self._stamp()
        if manifest == self._manifest or stamp == self._refused:
            return
        try:
            fresh = self._load()
            names = self._try(fresh)
        except Exception as error:  # whatever a damaged model throws, the one that works goes on
            self._refused = stamp
            log.error("new model refused, the old one stays folder=%s error=%s", self._folder, _one_line(error))
            return
        if manifest is None or self._read_manifest() != manifest:
            return  # replaced again while it was read: it may be half of each; the next look takes it
        self._current, self._manifest, self._refused = fresh, manifest, None
        log.info("new model in use models=%s folder=%s", ", ".join(names), self._folder)

    def _try(self, fresh: Classifier) -> list[str]:
        """Names and versions of the pipelines, each of which has read something."""
        foreign = [language for language in EUROPEAN if language not in self._languages][:1]  # for the shared one
        views = [View("", _TRIAL, language) for language in (*self._languages, *foreign)]
        return list(dict.fromkeys(verdict.model for verdict in fresh.classify(views)))

    def _read_manifest(self) -> bytes | None:
        try:
            return (self._folder / model.MANIFEST).read_bytes()
        except OSError:
            return None

    def _stamp(self) -> Stamp:
        try:
            found = [(file, file.stat()) for file in sorted(self._folder.rglob("*"))]
        except OSError:  # it is being replaced this moment
            return ()
        return tuple((str(file), facts.st_size, facts.st_mtime_ns) for file, facts in found)


def open_reloading(
    languages: Sequence[str],
    folder: Path | None,
    encoder: str | None = None,
    packages: Mapping[str, Package] | None = None,
) -> ReloadingClassifier:
    """The classifier in `folder` (None: the models that ship); the rest as for `load_classifier`. Raises ModelError."""
    place = folder or model.SHIPPED
    load = partial(model.load_classifier, languages, place, encoder, packages)
    return ReloadingClassifier(place, languages, load)


async def watch(classifier: ReloadingClassifier, every: float = LOOK_EVERY) -> None:
    """Look every so many seconds, on a thread, until cancelled."""
    while True:
        await asyncio.sleep(every)
        await asyncio.to_thread(classifier.look)


def _one_line(error: Exception) -> str:
    kind = "" if isinstance(error, model.ModelError) else f"{type(error).__name__}: "
    return " ".join(f"{kind}{error}".split())
