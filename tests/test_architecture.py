"""The structure of the code, read from its imports: one way between packages, by their contracts only, and no mocks."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sources", "rules", "alerts", "monitor")  # each may import from those before it
HEAVY = ("spacy", "praw", "sqlalchemy", "alembic", "aiohttp", "slack_sdk", "feedparser", "lxml", "apscheduler")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module in PACKAGES)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_imports_run_one_way_and_by_contracts_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for module in _imported(path):
        other, _, rest = module.partition(".")
        assert other != "tests", f"imports {module}"
        if other in PACKAGES and other != package:
            assert PACKAGES.index(other) < PACKAGES.index(package), f"imports {module}"
            assert package == "monitor" or not rest or rest.split(".")[0] == "base", f"imports {module}"


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=_name)
def test_tests_use_fakes_and_no_mocks(path: Path) -> None:
    mocks = [name for name in _imported(path) if name.startswith(("unittest.mock", "mock", "pytest_mock"))]
    assert mocks == []


def test_the_command_check_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom monitor.cli import main\n"
        "code = main(['check', '-c', 'config.example.yaml'])\n"
        "print(*sys.modules)\nsys.exit(code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}
    assert loaded & set(HEAVY) == set()
