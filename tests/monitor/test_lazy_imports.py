"""Checking a configuration loads nothing that sources, receivers or the store are made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("spacy", "praw", "sqlalchemy", "alembic", "aiohttp", "slack_sdk", "feedparser", "lxml", "apscheduler")
EXTRAS = ("sentence_transformers", "transformers", "onnxruntime", "tokenizers")  # torch: spaCy takes it wherever it is
PROGRAM = """
import sys, time
from pathlib import Path
from monitor.config import load
load(Path(sys.argv[1]), {})
print(" ".join(sys.modules))
print(time.process_time())
"""


def test_loading_the_example_imports_nothing_heavy_and_takes_half_a_second() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "config.example.yaml")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, seconds = ran.stdout.splitlines()
    assert not {name.partition(".")[0] for name in modules.split()} & {*HEAVY, *EXTRAS}
    assert float(seconds) < 0.5  # processor time of the whole process


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
