"""Arguments of the commands that set mentiond up and look after it."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    add_config(explain)
    add_json(explain)


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
