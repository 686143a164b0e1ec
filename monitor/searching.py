"""Sources that search for what a watchlist says: `search: {from: acme}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config_errors import ConfigError, KeyPath
from monitor.linting import Remark
from monitor.yaml import Document, read_document
from rules.findings import Level
from rules.query import parse
from rules.search_terms import SearchTranslation, UntranslatableError, translate
from sources.base import FromWatchlist, SearchDialect

if TYPE_CHECKING:
    from monitor.config import Config
    from sources.registry import SourceConfig


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A source that searches for a watchlist. `place` is where its file says so."""

    place: KeyPath
    source: SourceConfig
    watchlist: str
    dialect: SearchDialect


def _wanted(config: Config) -> Iterator[_Wanted]:
    for number, source in enumerate(config.sources):
        search, dialect = getattr(source, "search", None), getattr(source, "DIALECT", None)
        if isinstance(search, FromWatchlist) and isinstance(dialect, SearchDialect):
            yield _Wanted(("sources", number, "search", "from"), source, search.from_, dialect)


def _translations(config: Config) -> Iterator[tuple[_Wanted, SearchTranslation]]:
    """Raises UntranslatableError, unless the configuration was checked."""
    queries = {watchlist.name: watchlist.query for watchlist in config.watchlists}
    for wanted in _wanted(config):
        yield wanted, translate(parse(queries[wanted.watchlist]), wanted.dialect)


def with_searches(config: Config) -> Config:
    """The configuration with the searches themselves in the place of watchlists."""
    sources = list(config.sources)
    for wanted, translation in _translations(config):
        number = int(wanted.place[1])
        sources[number] = wanted.source.model_copy(update={"search": translation.searches})
    return config.model_copy(update={"sources": tuple(sources)})


def check_searches(config: Config, document: Document) -> Iterator[ConfigError]:
    """Errors for watchlists that a source cannot search for; the names are known to be right."""
    queries = {watchlist.name: watchlist.query for watchlist in config.watchlists}
    for wanted in _wanted(config):
        try:
            translate(parse(queries[wanted.watchlist]), wanted.dialect)
        except UntranslatableError as error:
            yield document.error(wanted.place, f'"{wanted.watchlist}": {error}')


def explain_searches(config: Config, path: Path, environ: Mapping[str, str]) -> Iterator[Remark]:
    """What each of these sources will ask for, and what it cannot; `config` was loaded from `path`."""
    document = read_document(path, environ)
    for wanted, translation in _translations(config):
        for level, message in _sayings(translation):
            yield Remark("search", wanted.source.name, level, document.error(wanted.place, message))


def _sayings(translation: SearchTranslation) -> Iterator[tuple[Level | None, str]]:
    searches = translation.searches
    count = f"{len(searches)} searches" if len(searches) > 1 else "one search"
    yield None, f"asks {count}: {'; '.join(searches)}"
    if translation.left_out:
        yield None, f"the search cannot say, what comes back is held against it: {'; '.join(translation.left_out)}"
    for part in translation.missed:
        yield Level.WARNING, f"the search cannot find `{part}`: posts with that alone will be missed"
