"""Remarks on a configuration, with their places in its file: what the linter says of the queries, what mails lack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.config_errors import ConfigError
from monitor.yaml import read_document
from rules.lint import Level, lint
from rules.query import parse
from sources.base import JSON

if TYPE_CHECKING:
    from monitor.config import Config


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on a watchlist, source or receiver; `error` says where it stands in the file. No `level`: so it is."""

    kind: str
    name: str
    level: Level | None
    error: ConfigError

    def __str__(self) -> str:
        prefix = f"{self.level}: " if self.level else ""
        return str(replace(self.error, message=f"{prefix}{self.error.message}"))

    def as_json(self) -> dict[str, JSON]:
        """In the shape of `check --json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "ok": self.level is not Level.ERROR,
            "detail": self.error.message,
            "level": self.level.value if self.level else "note",
            "line": self.error.line,
            "column": self.error.column,
        }


def lint_watchlists(config: Config, path: Path, environ: Mapping[str, str]) -> Iterator[Remark]:
    """Findings in the order of the file; `config` was loaded from `path`."""
    document = read_document(path, environ)
    for number, watchlist in enumerate(config.watchlists):
        for finding in lint(parse(watchlist.query), watchlist.query):
            offset = (finding.line - 1, finding.column - 1)
            error = document.error(("watchlists", number, "query"), finding.message, offset=offset)
            yield Remark("query", watchlist.name, finding.level, error)


def remark_mails(config: Config, path: Path, environ: Mapping[str, str]) -> Iterator[Remark]:
    """Mails without buttons, because nobody could reach what these lead to."""
    if config.server.public_url is not None:
        return
    document = read_document(path, environ)
    for number, receiver in enumerate(config.receivers):
        if receiver.type == "email":
            message = "its mails have no buttons: `server.public_url` does not say where mentiond is reached"
            yield Remark("receiver", receiver.name, Level.HINT, document.error(("receivers", number, "type"), message))
