"""The command line: arguments here, what they do in modules of their own. Exit codes: docs/commands.md."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from monitor.commands import FAILED, MODEL, OK, STORE, USAGE
from monitor.config_errors import ConfigErrors
from monitor.parsers.cases import add_cases
from monitor.parsers.data import add_data
from monitor.parsers.learning import add_learning
from monitor.parsers.operating import add_operating
from monitor.parsers.running import add_check, add_rules, add_run
from monitor.parsers.silences import add_silences


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `mentiond`; returns the exit code."""
    options = _parse(arguments)
    if (problem := _foreign_package()) is not None:
        return _fail(problem, FAILED)
    try:
        return _flushed(int(options.command(options)))
    except ConfigErrors as error:
        return _fail(str(error), USAGE)
    except KeyboardInterrupt:
        return _fail("interrupted", FAILED)
    except OSError as error:
        return _lost_output(error, OK)
    except Exception as error:
        code = _known_exit_code(error)
        if code is None:
            raise
        return _fail(str(error), code)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; also a FILE that stands behind options, which argparse leaves over before Python 3.13."""
    parser = _parser()
    options, left = parser.parse_known_args(arguments)
    if len(left) == 1 and (left[0] == "-" or not left[0].startswith("-")) and getattr(options, "file", "") is None:
        options.file = left.pop()
    if left:
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    return options


def _flushed(code: int) -> int:
    """Write out what is buffered while there is somebody to hear of trouble with it."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return _lost_output(error, code)
    return code


def _lost_output(error: OSError, code: int) -> int:
    """A reader that went away is no error; a full disk is. What is buffered goes nowhere, without another complaint."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code if isinstance(error, BrokenPipeError) else _fail(f"mentiond: {error}", FAILED)


def _known_exit_code(error: Exception) -> int | None:
    """By name, so that `check` does not import what it does not need."""
    names = {kind.__name__ for kind in type(error).__mro__}
    codes = {
        "StoreError": STORE,
        "ModelError": MODEL,
        "CorpusError": USAGE,
        "LexiconError": USAGE,
        "CommandError": USAGE,
        "ListenError": FAILED,
    }
    return next((code for name, code in codes.items() if name in names), None)


def _fail(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code


def _foreign_package() -> str | None:
    """A package on the index is called `rules`: refuse to run with anything but our own beside us."""
    home = Path(__file__).resolve().parent.parent
    for name in ("sources", "rules", "alerts"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if origin != home:
            return f"{origin} brings a package {name!r} that is not mentiond's; give mentiond an environment of its own"
    return None


class _Version(argparse.Action):
    """Looked up only when asked for: the look-up costs as much as a small command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.exit(OK, f"mentiond {version('mentiond')}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mentiond",
        description="Finds what people say about your brands and brings it to who can answer.",
        epilog="Start with: mentiond run --demo",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_run(commands)
    add_check(commands)
    add_rules(commands)
    add_learning(commands)
    add_cases(commands)
    add_data(commands)
    add_silences(commands)
    add_operating(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
