"""Checking a configuration loads nothing that sources, receivers or the store are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("spacy", "praw", "sqlalchemy", "alembic", "aiohttp", "slack_sdk", "feedparser", "lxml", "apscheduler")
LIGHT = ("apprise", "jinja2", "phonenumbers", "stdnum")  # and not wanted here either
EXTRAS = ("sentence_transformers", "transformers", "onnxruntime", "tokenizers")  # torch: spaCy takes it wherever it is
PROGRAM = """
import sys, time
from pathlib import Path
from monitor.config import load
load(Path(sys.argv[1]), {})
print(" ".join(sys.modules))
print(time.process_time())
"""


def _load_example(folder: Path) -> tuple[set[str], float]:
    """Modules and processor time of a process of its own, which keeps its bytecode as installed packages do."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "config.example.yaml")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    modules, seconds = ran.stdout.splitlines()
    return {name.partition(".")[0] for name in modules.split()}, float(seconds)


def test_loading_the_example_imports_nothing_heavy_and_takes_little(tmp_path: Path, say: Callable[[str], None]) -> None:
    loads = [_load_example(tmp_path) for _ in range(4)]
    assert not loads[-1][0] & {*HEAVY, *LIGHT, *EXTRAS}
    seconds = min(seconds for _, seconds in loads[1:])
    say(f"loading the example: {seconds:.2f} s of processor time")
    assert seconds < 2.5  # half a second on a free core, twice that on a slow one, more beside other tests


CLASSIFYING = """
import sys
from monitor.model import load_classifier
from rules.base import View
load_classifier(["en"]).classify([View("", "Acme is broken", "en")])
print(" ".join(sys.modules))
"""


def test_the_models_that_ship_import_nothing_of_the_extras() -> None:
    ran = subprocess.run([sys.executable, "-c", CLASSIFYING], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in ran.stdout.split()} & set(EXTRAS)
