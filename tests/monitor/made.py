"""Stores with mentions that the daemon itself made: once a module, and a copy for each test."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from monitor.commands import OK


def make_store(folder: Path, config: str, texts: Iterable[str]) -> Path:
    """Run the daemon once on these posts; `config` is a template that names `{folder}`. Return the folder."""
    lines = (json.dumps({"external_id": str(number), "text": text}) for number, text in enumerate(texts))
    (folder / "posts.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "monitor.cli", "run", "--once", "-c", str(_write(folder, config))]
    assert subprocess.run(command, capture_output=True).returncode == OK  # not here: it sets up logging
    return folder


def copy_store(made: Path, folder: Path, config: str) -> Path:
    """Copy what `make_store` made; return the configuration of the copy."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return _write(folder, config)


def _write(folder: Path, config: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(config.format(folder=folder), encoding="utf-8")
    return file
