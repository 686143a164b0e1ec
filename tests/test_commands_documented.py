"""docs/commands.md names every command, option and exit code, read from the parser itself."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import monitor.commands
from monitor.cli import _parser

PAGE = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8")


def _commands(parser: argparse.ArgumentParser, name: str = "mentiond") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """(`mentiond sources enable`, its parser) for everything that can be run."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if name != "mentiond" and not any(action.required for action in below):
        yield name, parser
    for action in below:
        for word, sub in action.choices.items():
            yield from _commands(sub, f"{name} {word}")


COMMANDS = dict(_commands(_parser()))


def _section(command: str) -> str:
    """The text below the heading of a command, up to the next heading."""
    found = re.search(rf"^## `{re.escape(command)}\b[^`]*`$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"no heading for {command}"
    return found[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(command: str) -> None:
    section = _section(command)
    for action in COMMANDS[command]._actions:
        names = action.option_strings or [str(action.metavar or action.dest)]
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        assert [name for name in names if name not in section] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_the_page_exists(command: str) -> None:
    options = {name for action in COMMANDS[command]._actions for name in action.option_strings}
    assert set(re.findall(r"^\| `(-[-\w]+)", _section(command), re.MULTILINE)) <= options


def test_every_documented_command_exists() -> None:
    headings = re.findall(r"^## `(mentiond[a-z ]*[a-z])", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


def test_every_exit_code_is_documented() -> None:
    codes = {value for name, value in vars(monitor.commands).items() if name.isupper() and isinstance(value, int)}
    assert codes == set(range(7))
    assert [code for code in codes if f"\n| {code} |" not in PAGE] == []
