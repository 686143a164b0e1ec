"""What the parsers of several commands are made of."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(commands: Commands, name: str, command: str, text: str, example: str) -> argparse.ArgumentParser:
    """A sub-command that calls `monitor.commands.<command>`, imported only when it runs."""
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def run(options: argparse.Namespace) -> int:
        module, function = command.split(".")
        loaded = importlib.import_module(f"monitor.commands.{module}")
        result: int = getattr(loaded, function)(options)
        return result

    parser.set_defaults(command=run)
    return parser


def add_config(parser: argparse.ArgumentParser, default: Path | str = Path("config.yaml")) -> None:
    parser.add_argument("-c", "--config", type=Path, default=default, metavar="FILE", help="the YAML file")


def count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:12]) < 2**31):
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(value)


def count_or_none(value: str) -> int:
    return 0 if value == "0" else count(value)


def add_json(parser: argparse.ArgumentParser, default: bool | str = False) -> None:
    parser.add_argument("--json", action="store_true", default=default, help="one JSON object a line")


def add_author(parser: argparse.ArgumentParser, note: str) -> None:
    parser.add_argument("--by", metavar="NAME", help="who (the user of this shell)")
    parser.add_argument("--note", metavar="TEXT", default="", help=note)
