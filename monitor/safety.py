"""What others on the machine could read: secrets written into the configuration, files that are open to everybody."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from monitor.config import Config
from monitor.config_errors import KeyPath
from monitor.linting import Remark
from monitor.yaml import Document, read_document
from rules.lint import Level

_SQLITE: Final = "sqlite:///"
_REFERENCE: Final = "write ${NAME} for an environment variable or ${file:PATH} for a file"


def remark_safety(config: Config, path: Path, environ: Mapping[str, str]) -> Iterator[Remark]:
    """Secrets in plain text, and files with secrets or with what people wrote that everybody can read."""
    document = read_document(path, environ)
    literal = [place for place in (*_secrets(config, ()), *_password(config)) if _is_literal(document, place)]
    for place in literal:
        message = f"is a secret in plain text; {_REFERENCE}"
        yield Remark("secret", _owner(config, place), Level.WARNING, document.error(place, message))
    if literal and _is_open(path):
        message = f"{path} holds secrets and everybody on this machine can read it: chmod 600 {path}"
        yield Remark("file", str(path), Level.WARNING, document.error(literal[0], message))
    store = Path(config.store.url.removeprefix(_SQLITE))
    if config.store.url.startswith(_SQLITE) and _is_open(store):
        message = f"{store} holds what people wrote and everybody on this machine can read it: chmod 600 {store}*"
        yield Remark("file", str(store), Level.WARNING, document.error(("store", "url"), message))


def _secrets(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Where secrets stand, by the keys of the file."""
    if isinstance(value, SecretStr):
        yield path
    elif isinstance(value, BaseModel):
        for name, declared in type(value).model_fields.items():
            yield from _secrets(getattr(value, name), (*path, declared.alias or name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _secrets(one, (*path, key))
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _secrets(one, (*path, number))


def _password(config: Config) -> Iterator[KeyPath]:
    if urlsplit(config.store.url).password:
        yield "store", "url"


def _is_literal(document: Document, path: KeyPath) -> bool:
    return path in document.nodes and not document.nodes[path].substituted


def _owner(config: Config, path: KeyPath) -> str:
    """The name of the source or receiver that a secret is of."""
    section, number = path[0], path[1] if len(path) > 1 else None
    named = getattr(config, str(section), None)
    return str(named[number].name) if isinstance(named, tuple) and isinstance(number, int) else str(section)


def _is_open(file: Path) -> bool:
    """Whether everybody can read it; what is not there is not open."""
    try:
        return bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
