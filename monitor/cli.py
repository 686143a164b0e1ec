"""The command line: arguments here, what they do in modules of their own. Exit codes: docs/commands.md."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from monitor.commands import FAILED, MODEL, OK, STORE, USAGE
from monitor.config_errors import ConfigErrors


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
    _add_run(commands)
    _add_check(commands)
    _add_rules(commands)
    _add_learning(commands)
    _add_data(commands)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: str, text: str, example: str
) -> argparse.ArgumentParser:
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


def _add_config(parser: argparse.ArgumentParser, default: Path | str = Path("config.yaml")) -> None:
    parser.add_argument("-c", "--config", type=Path, default=default, metavar="FILE", help="the YAML file")


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:12]) < 2**31):
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(value)


def _count_or_none(value: str) -> int:
    return 0 if value == "0" else _count(value)


def _add_json(parser: argparse.ArgumentParser, default: bool | str = False) -> None:
    parser.add_argument("--json", action="store_true", default=default, help="one JSON object a line")


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _add(commands, "run", "run.run", "listen, classify, alert", "mentiond run -c config.yaml")
    _add_config(run)
    run.add_argument(
        "--once", action="store_true", help="poll everything once, deliver once, exit (0, 3 owed, 4 source)"
    )
    run.add_argument("--demo", action="store_true", help="bring a little web and a configuration of its own")
    run.add_argument("-v", "--verbose", action="store_true", help="log more")


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = _add(commands, "check", "check.run", "validate a configuration, offline", "mentiond check -c config.yaml")
    _add_config(check)
    check.add_argument("--connect", action="store_true", help="also ask each source and receiver, posting nothing")
    _add_json(check)
    _add(commands, "schema", "check.schema", "print a JSON Schema for editors", "mentiond schema > mentiond.json")


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    query = _add(
        commands,
        "query",
        "query.run",
        "explain a query and print what matches",
        "mentiond query 'acme NOT jobs' posts.jsonl",
    )
    query.add_argument("query", metavar="QUERY", nargs="?")
    query.add_argument("file", metavar="FILE.jsonl", nargs="?", help="posts, one a line, - for standard input")
    query.add_argument("--since", metavar="DURATION", help="instead of FILE: how far back in the store (7d)")
    query.add_argument("--feed", metavar="URL", help="instead of FILE: what stands in this feed now")
    query.add_argument("--compare", metavar="OLD", help="what QUERY gains and loses beside this query")
    query.add_argument("--suggest", metavar="WATCHLIST", help="words to add and to exclude, from what people acted on")
    query.add_argument("--from", choices=["brandwatch"], dest="dialect", help="translate QUERY (and OLD) first")
    query.add_argument("--limit", type=_count, metavar="N", help="matches shown (20 on a terminal, else all)")
    query.add_argument("-c", "--config", type=Path, metavar="FILE", help="the YAML file (for the store config.yaml)")
    _add_json(query)
    routes = commands.add_parser("routes", help="ask the routing tree").add_subparsers(metavar="COMMAND", required=True)
    test = _add(
        routes,
        "test",
        "routes.test",
        "which receivers would hear of it, and why",
        "mentiond routes test label=crisis watchlist=acme",
    )
    test.add_argument(
        "facts", nargs="+", metavar="NAME=VALUE", help="label (several: a,b), score, watchlist, source, ..."
    )
    _add_config(test)
    _add_json(test)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="instead of the models that ship")
    parser.add_argument("--languages", default="de,en", metavar="LIST", help="most important first (de,en)")


def _add_learning(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    classify = _add(
        commands, "classify", "classify.run", "JSON lines in, verdicts out", "mentiond classify posts.jsonl"
    )
    classify.add_argument(
        "file", metavar="FILE.jsonl", nargs="?", default="-", help="posts, one a line (standard input)"
    )
    _add_model(classify)
    evaluate = _add(
        commands,
        "evaluate",
        "evaluate.run",
        "how right the classifier is on labelled posts",
        "mentiond evaluate labelled.jsonl",
    )
    evaluate.add_argument("file", metavar="FILE.jsonl|DIR", help="posts with labels, one a line; - for standard input")
    _add_model(evaluate)
    evaluate.add_argument(
        "--worst", type=_count_or_none, default=3, metavar="N", help="mistakes shown for each label (3; 0 for none)"
    )
    _add_json(evaluate)
    correct = _add(
        commands,
        "correct",
        "corrections.run",
        "say what a mention really was",
        "mentiond correct 12 15 --label complaint,question",
    )
    correct.add_argument("ids", metavar="ID", nargs="+", type=_count, help="the mention, as `mentiond cases` names it")
    correct.add_argument("--label", required=True, metavar="LIST", help="every label that is right; none for no label")
    correct.add_argument("--sentiment", choices=["positive", "neutral", "negative"], help="the author's attitude")
    _add_author(correct, "kept with the correction")
    _add_config(correct)
    _add_json(correct)
    corrections = _add(
        commands, "corrections", "corrections.listing", "what mentions really were", "mentiond corrections --json"
    )
    _add_config(corrections)
    _add_json(corrections)
    train = _add(commands, "train", "train.run", "rebuild the models from the corpus", "mentiond train --out my-models")
    train.add_argument("--corpus", type=Path, metavar="FOLDER", help="a folder per language (the one that ships)")
    train.add_argument("--out", type=Path, metavar="FOLDER", help="where the models go (those that ship are replaced)")
    train.add_argument(
        "--corrections", action="store_true", help="learn from corrections too; a worse model is refused"
    )
    train.add_argument("--force", action="store_true", help="with --corrections: take the model even if it is worse")
    _add_config(train)
    train.add_argument("--language", metavar="LANG", help="only this language of the corpus (all)")
    train.add_argument("--encoder", metavar="NAME", help="a sentence encoder on this machine, beside the words")
    train.add_argument("--download", action="store_true", help="the encoder may be fetched from the Hugging Face hub")
    _add_json(train)


def _add_author(parser: argparse.ArgumentParser, note: str) -> None:
    parser.add_argument("--by", metavar="NAME", help="who (the user of this shell)")
    parser.add_argument("--note", metavar="TEXT", default="", help=note)


_CASE_ACTIONS = {
    "claim": "take a mention on",
    "answer": "say that a mention was answered",
    "dismiss": "say that a mention needs no answer",
    "reopen": "nobody has it any more",
}


def _add_case_action(actions: argparse._SubParsersAction[argparse.ArgumentParser], action: str, text: str) -> None:
    parser = _add(actions, action, "cases.act", text, f"mentiond case {action} 12 15 --by Kim")
    parser.set_defaults(action=action)
    parser.add_argument("ids", metavar="ID", nargs="+", type=_count, help="the mention, as `mentiond cases` names it")
    _add_author(parser, "kept in the history of the case")
    _add_config(parser)
    _add_json(parser)


def _add_data(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    alerts = _add(commands, "alerts", "alerts.run", "what is owed, sent, held, dead", "mentiond alerts --dead --retry")
    alerts.add_argument("--dead", action="store_true", help="only dead letters")
    alerts.add_argument("--retry", action="store_true", help="every dead letter is owed once more")
    alerts.add_argument("--limit", type=_count, default=50, metavar="N", help="rows at the most, newest first (50)")
    _add_config(alerts)
    _add_json(alerts)
    cases = _add(commands, "cases", "cases.run", "mentions and who has them", "mentiond cases --state new")
    states = ("new", "claimed", "answered", "dismissed")
    cases.add_argument("--state", action="append", choices=states, help="only these; may be given several times")
    cases.add_argument("--limit", type=_count, default=50, metavar="N", help="rows at the most, newest first (50)")
    _add_config(cases)
    _add_json(cases)
    case = commands.add_parser("case", help="claim, answer, dismiss or reopen a mention")
    actions = case.add_subparsers(metavar="ACTION", required=True)
    for action, text in _CASE_ACTIONS.items():
        _add_case_action(actions, action, text)
    sources = _add(commands, "sources", "sources.run", "how the sources fare", "mentiond sources")
    _add_config(sources)
    _add_json(sources)
    below = sources.add_subparsers(metavar="COMMAND")
    enable = _add(below, "enable", "sources.enable", "switch a source on again", "mentiond sources enable heise")
    enable.add_argument("name", metavar="NAME")
    _add_config(enable, argparse.SUPPRESS)  # a default here would undo `mentiond sources -c FILE enable NAME`
    tried = _add(
        below, "try", "trying.run", "print one page of a source, storing nothing", "mentiond sources try heise"
    )
    tried.add_argument("name", metavar="NAME")
    tried.add_argument("--part", metavar="NAME", help="only this part of the source")
    tried.add_argument("--limit", type=_count, default=10, metavar="N", help="posts shown of each part (10)")
    _add_config(tried, argparse.SUPPRESS)
    _add_json(tried, argparse.SUPPRESS)
    listed = _add(below, "list", "sources.run", "how the sources fare", "mentiond sources list")
    _add_config(listed, argparse.SUPPRESS)
    _add_json(listed, argparse.SUPPRESS)


if __name__ == "__main__":
    sys.exit(main())
