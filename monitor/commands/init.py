"""`mentiond init`: a first configuration from a few questions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from monitor.commands import OK, CommandError
from monitor.config import load
from monitor.config_errors import ConfigErrors
from monitor.initial import Answers, write_configuration
from rules.query import QueryError

_PLACEHOLDER = "set-me"  # stands for a secret while the new file is checked


def run(options: argparse.Namespace) -> int:
    """Ask what the arguments leave open (only on a terminal), write the file, check it, say how to go on."""
    path: Path = options.file
    if path.exists():
        raise CommandError(f"{path} exists already; give another name, or move it away first")
    answers = _answers(options)
    try:
        text = write_configuration(answers)
    except QueryError as error:
        raise CommandError(f"no query can be made of these names: {error.message}") from error
    _write(path, text, answers)
    print(f"{path} is written.")
    for name in answers.variables:
        print(f"  export {name}=...                      the secret stays out of the file")
    print(f"  mentiond check -c {path} --connect     is everything reachable?")
    print(f"  mentiond run -c {path}                 off you go")
    return OK


def _answers(options: argparse.Namespace) -> Answers:
    ask = _ask if sys.stdin is not None and sys.stdin.isatty() else _leave_out
    brand = options.brand or ask("Your brand", "")
    if not brand:
        raise CommandError("a brand is needed: --brand NAME, or answer the question on a terminal")
    names = _listed(options.names, ask, "Other ways people write it (handles, products), separated by commas")
    competitors = _listed(options.competitors, ask, "Competitors, separated by commas")
    feeds = _listed(options.feeds, ask, "Addresses of feeds or sites to read, separated by commas")
    channel = _given(options.slack, ask, "Slack channel for alerts, such as #care (empty: none)")
    mail = _given(options.mail, ask, "Mail address for alerts (empty: none)")
    host = options.smtp or (ask("Mail server that takes them", "localhost") if mail else "")
    return Answers(
        brand=brand,
        names=names,
        competitors=competitors,
        feeds=feeds,
        lang=options.lang,
        timezone=options.timezone,
        slack_channel=channel,
        mail=mail,
        smtp_host=host,
    )


Question = Callable[[str, str], str]


def _ask(question: str, default: str) -> str:
    shown = f" [{default}]" if default else ""
    print(f"{question}{shown}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or default


def _leave_out(question: str, default: str) -> str:
    return default


def _given(value: str | None, ask: Question, question: str) -> str:
    return ask(question, "") if value is None else value


def _listed(value: str | None, ask: Question, question: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _given(value, ask, question).split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def _write(path: Path, text: str, answers: Answers) -> None:
    """Write the file, readable by its owner alone; one that mentiond would refuse is taken away again."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        load(path, os.environ | dict.fromkeys(answers.variables, _PLACEHOLDER))
    except ConfigErrors as error:
        path.unlink()
        raise CommandError(f"the answers make no valid configuration, nothing is written:\n{error}") from error
