"""What `${NAME}` and `${file:PATH}` in a configuration stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

MAX_SECRET_BYTES: Final = 65_536

REFERENCE = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def substitution(folder: Path, environ: Mapping[str, str]) -> Callable[[str], str]:
    """What a reference stands for; raises ValueError saying what is missing."""

    def resolve(reference: str) -> str:
        if reference.startswith("file:"):
            return _read_secret(folder, reference.removeprefix("file:"))
        if not _VARIABLE.fullmatch(reference):
            raise ValueError("expected ${NAME} for an environment variable or ${file:PATH} for a file")
        value = environ.get(reference, "")
        if not _is_text(value):
            raise ValueError(f"the environment variable {reference} is not UTF-8")
        if not value:
            state = "empty" if reference in environ else "not set"
            raise ValueError(f"the environment variable {reference} is {state}")
        return value

    return resolve


def _read_secret(folder: Path, name: str) -> str:
    try:
        with (folder / name).open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
        value = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f'the file "{name}" is not UTF-8') from None
    except (OSError, ValueError) as error:
        raise ValueError(f'cannot read the file "{name}": {getattr(error, "strerror", None) or "no path"}') from None
    if not value or len(data) > MAX_SECRET_BYTES:
        raise ValueError(f'the file "{name}" is {"larger than 64 KiB" if value else "empty"}')
    return value


def _is_text(value: str) -> bool:
    """Whether the value is UTF-8; the system hands other bytes over as lone surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)
