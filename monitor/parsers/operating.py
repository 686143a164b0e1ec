"""Arguments of the commands that set mentiond up and look after it."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.parsers.cases import CASE_STATES
from monitor.parsers.parts import Commands, add_command, add_config, add_json


def add_operating(commands: Commands) -> None:
    _add_init(commands)
    _add_receivers(commands)
    backup = add_command(
        commands, "backup", "backup.run", "copy the store while the daemon runs", "mentiond backup mentiond-monday.db"
    )
    backup.add_argument("file", metavar="FILE", type=Path, help="the copy; must not exist yet")
    add_config(backup)
    add_json(backup)
    _add_export(commands)
    rematch = add_command(
        commands,
        "rematch",
        "rematch.run",
        "apply watchlists to what is stored already",
        "mentiond rematch --since 30d --watchlist acme",
    )
    rematch.add_argument("--since", metavar="DURATION", required=True, help="posts that were fetched within it")
    rematch.add_argument("--watchlist", action="append", metavar="NAME", help="only these; may be given several times")
    rematch.add_argument("--alert", action="store_true", help="tell of what is found, one summary for each receiver")
    add_config(rematch)
    add_json(rematch)
    status = add_command(commands, "status", "status.run", "the installation on one screen", "mentiond status")
    add_config(status)
    add_json(status)
    forgotten = add_command(
        commands,
        "forget",
        "forget.run",
        "erase an author, for good",
        "mentiond forget --author kim --source reddit",
    )
    forgotten.add_argument("--author", metavar="NAME", required=True, help="the account, as its posts name it")
    forgotten.add_argument("--source", metavar="NAME", required=True, help="a source, or a type such as reddit")
    forgotten.add_argument("--yes", action="store_true", help="do not ask")
    add_config(forgotten)
    add_json(forgotten)
    explain = add_command(
        commands,
        "explain",
        "explain.run",
        "why I did, or did not, hear of a post",
        "mentiond explain https://example.com/1",
    )
    explain.add_argument("target", metavar="TARGET", help="its address or id, a mention by number, or alert:NUMBER")
    explain.add_argument(
        "--source", metavar="NAME", help="look for it on a page of this source first; nothing is stored"
    )
    add_config(explain)
    add_json(explain)


def _add_export(commands: Commands) -> None:
    export = add_command(
        commands, "export", "export.run", "mentions as JSON lines or CSV", "mentiond export -o may.csv --since 30d"
    )
    export.add_argument("-o", "--output", metavar="FILE", type=Path, help="must not exist yet (standard output)")
    export.add_argument("--format", choices=["jsonl", "csv"], help="csv where FILE ends so (jsonl)")
    export.add_argument("--excel", action="store_true", help="CSV as Excel opens it: semicolons, UTF-8 with a mark")
    export.add_argument("--since", metavar="DURATION", help="mentions that were stored within it (all)")
    export.add_argument("--watchlist", action="append", metavar="NAME", help="only these; may be given several times")
    export.add_argument("--label", action="append", metavar="LABEL", help="only with one of these; likewise")
    export.add_argument(
        "--state", action="append", choices=CASE_STATES, metavar="STATE", help="only with their case so; likewise"
    )
    add_config(export)
    add_json(export)


def _add_init(commands: Commands) -> None:
    init = add_command(
        commands,
        "init",
        "init.run",
        "write a first configuration from a few questions",
        'mentiond init --brand Acme --names "@acme,Acme Phone" --slack "#care" --mail pr@example.com',
    )
    init.add_argument("file", metavar="FILE", nargs="?", type=Path, default=Path("config.yaml"), help="config.yaml")
    init.add_argument("--brand", metavar="NAME", help="your brand")
    init.add_argument("--names", metavar="LIST", help="other ways people write it, separated by commas")
    init.add_argument("--competitors", metavar="LIST", help="competitors, separated by commas")
    init.add_argument("--feeds", metavar="LIST", help="addresses of feeds or sites, separated by commas")
    init.add_argument("--slack", metavar="CHANNEL", help="Slack channel for alerts; its token: SLACK_BOT_TOKEN")
    init.add_argument("--mail", metavar="ADDRESS", help="mail address for alerts")
    init.add_argument("--smtp", metavar="HOST", help="mail server that takes them (localhost)")
    init.add_argument("--lang", choices=["de", "en"], default="de", help="your language (de)")
    init.add_argument("--timezone", metavar="ZONE", default="Europe/Berlin", help="IANA name (Europe/Berlin)")


def _add_receivers(commands: Commands) -> None:
    receivers = add_command(commands, "receivers", "receivers.run", "how the receivers fare", "mentiond receivers")
    add_config(receivers)
    add_json(receivers)
    below = receivers.add_subparsers(metavar="COMMAND")
    test = add_command(below, "test", "receivers.test", "send one test message", "mentiond receivers test care-slack")
    add_json(test, argparse.SUPPRESS)
    enable = add_command(
        below, "enable", "receivers.enable", "switch a stopped one on again", "mentiond receivers enable care-slack"
    )
    for parser in (test, enable):
        parser.add_argument("name", metavar="NAME")
        add_config(parser, argparse.SUPPRESS)
