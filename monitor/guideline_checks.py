"""What is wrong with guidelines: templates that cannot be used, unknown watchlists, entries that say nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from monitor.config_errors import ConfigError, KeyPath, suggest
from monitor.yaml import Document

_SAID: Final = ("reply", "advice", "facts")
_TEMPLATES: Final = ("reply", "advice")


def check_guidelines(document: Document, watchlists: Sequence[str]) -> Iterator[ConfigError]:
    """Errors with the line of the template; a file without guidelines loads no template engine."""
    guidelines = document.at(("guidelines",))
    for index, guideline in enumerate(guidelines if isinstance(guidelines, list) else ()):
        path: KeyPath = ("guidelines", index)
        if not isinstance(guideline, dict):
            continue
        if not any(document.has((*path, key)) for key in _SAID):
            yield document.error(path, f"says nothing: give it one of {', '.join(_SAID)}")
        yield from _check_watchlist(document, (*path, "watchlist"), watchlists)
        for key in _TEMPLATES:
            yield from _check_template(document, (*path, key))


def _check_watchlist(document: Document, path: KeyPath, watchlists: Sequence[str]) -> Iterator[ConfigError]:
    name = document.at(path)
    if isinstance(name, str) and name not in watchlists and not document.is_broken(path):
        yield document.error(path, f'no watchlist is called "{name}"{suggest(name, watchlists)}')


def _check_template(document: Document, path: KeyPath) -> Iterator[ConfigError]:
    from alerts.guidelines import TemplateError, check_template

    text = document.at(path)
    if not isinstance(text, str) or not text or document.is_broken(path):
        return
    try:
        check_template(text, suggest)
    except TemplateError as error:
        told = f"line {error.line} of the template: " if "\n" in text.strip() else ""
        yield document.error(path, told + error.message, offset=(error.line - 1, 0))
