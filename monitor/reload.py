"""A configuration that changes while the daemon runs: noticed, read, compared. Who applies it is `node.py`.

Names are identity: a watchlist, source or receiver that keeps its name keeps its state, whatever else of it changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.config import Config, load
from monitor.config_errors import ConfigErrors

log = logging.getLogger("mentiond.reload")

LOOK_EVERY = 2.0  # seconds between two looks at the file
# What is built once for the life of the process.
_FIXED = (("store", "url"), ("server", "listen"), ("languages",), ("classifier",))
_NAMED = ("watchlists", "sources", "receivers")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a new configuration changes, in words such as `watchlists: acme changed, globex added`."""

    lines: tuple[str, ...]
    needs_restart: tuple[str, ...]  # keys that only a new process takes up
    to_rematch: tuple[str, ...]  # watchlists that are new or find something else now

    def __bool__(self) -> bool:
        return bool(self.lines)


def compare(old: Config, new: Config) -> Changes:
    """What is different in `new`."""
    lines = [line for section in _NAMED for line in _compare_named(section, old, new)]
    for key in type(new).model_fields:
        if key not in _NAMED and getattr(old, key) != getattr(new, key):
            lines.append(f"{key}: changed")
    fixed = (".".join(path) for path in _FIXED if _at(old, path) != _at(new, path))
    return Changes(tuple(lines), tuple(fixed), tuple(_to_rematch(old, new)))


def _compare_named(section: str, old: Config, new: Config) -> Iterator[str]:
    before, after = _by_name(old, section), _by_name(new, section)
    renamed = {entry.was: name for name, entry in after.items() if entry.was in before}
    words = [f"{was} is now {name}" for was, name in renamed.items()]
    words += [f"{name} added" for name in after if name not in before and name not in renamed.values()]
    words += [f"{name} removed" for name in before if name not in after and name not in renamed]
    words += [f"{name} changed" for name in after if name in before and before[name] != after[name]]
    if words:
        yield f"{section}: {', '.join(words)}"


def _by_name(config: Config, section: str) -> Mapping[str, Any]:
    return {entry.name: entry for entry in getattr(config, section)}


def _at(config: Config, path: Iterable[str]) -> Any:
    value: Any = config
    for key in path:
        value = getattr(value, key)
    return value


def _to_rematch(old: Config, new: Config) -> Iterator[str]:
    queries = {watchlist.name: watchlist.query for watchlist in old.watchlists}
    for watchlist in new.watchlists:
        if queries.get(watchlist.was or watchlist.name) != watchlist.query:
            yield watchlist.name


class Reloader:
    """The file of a running daemon. `current` is what runs."""

    def __init__(self, path: Path, environ: Mapping[str, str], current: Config) -> None:
        self.current = current
        self._path = path
        self._environ = environ
        self._read = _digest(path)
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Somebody wants it read again, changed or not (SIGHUP): secrets may have changed."""
        self._asked.set()

    async def changed(self) -> None:
        """Return when the file has changed, or somebody asked."""
        while not self._asked.is_set():
            try:
                await asyncio.wait_for(self._asked.wait(), LOOK_EVERY)
            except TimeoutError:
                digest = await asyncio.to_thread(_digest, self._path)
                if digest is not None and digest != self._read:
                    break
        self._asked.clear()

    async def read(self) -> Config:
        """What the file says now. Raises ConfigErrors; the same file is not tried again before it changes."""
        self._read = await asyncio.to_thread(_digest, self._path)
        return await asyncio.to_thread(load, self._path, self._environ)


def _digest(path: Path) -> bytes | None:
    """Of the content: an editor that writes a file anew, or a mounted ConfigMap, changes everything else about it.
    None: it cannot be read at the moment, as while it is being replaced.
    """
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


async def next_config(reloader: Reloader, tell: Callable[[str], None]) -> tuple[Config, Changes]:
    """Wait for a configuration that is valid, different and can be taken up.

    `tell` hears why one is refused, and "" when the file says again what runs.
    """
    while True:
        await reloader.changed()
        try:
            config = await reloader.read()
        except ConfigErrors as error:
            log.error("reload refused, the old configuration keeps running error=%s", error)
            tell(f"The changed configuration is refused, the old one keeps running:\n{error}")
            continue
        changes = compare(reloader.current, config)
        if changes.needs_restart:
            keys = ", ".join(changes.needs_restart)
            log.error("reload refused, the old configuration keeps running needs_restart=%s", keys)
            tell(f"The changed configuration needs a restart for {keys}; until then the old one keeps running.")
        elif changes:
            return config, changes
        else:
            log.info("reload: nothing has changed")
            tell("")
