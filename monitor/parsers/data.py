"""Arguments of the commands about what the store holds: `alerts`, `sources`."""

from __future__ import annotations

import argparse

from monitor.parsers.parts import Commands, add_command, add_config, add_json, count


def add_data(commands: Commands) -> None:
    alerts = add_command(
        commands, "alerts", "alerts.run", "what is owed, sent, held, dead", "mentiond alerts --dead --retry"
    )
    alerts.add_argument("id", metavar="ID", nargs="?", type=count, help="one alert, with every attempt to send it")
    alerts.add_argument("--dead", action="store_true", help="only dead letters")
    alerts.add_argument("--retry", action="store_true", help="every dead letter is owed once more")
    alerts.add_argument("--limit", type=count, default=50, metavar="N", help="rows at the most, newest first (50)")
    add_config(alerts)
    add_json(alerts)
    sources = add_command(commands, "sources", "sources.run", "how the sources fare", "mentiond sources")
    add_config(sources)
    add_json(sources)
    below = sources.add_subparsers(metavar="COMMAND")
    enable = add_command(below, "enable", "sources.enable", "switch a source on again", "mentiond sources enable heise")
    enable.add_argument("name", metavar="NAME")
    add_config(enable, argparse.SUPPRESS)  # a default here would undo `mentiond sources -c FILE enable NAME`
    tried = add_command(
        below, "try", "trying.run", "print one page of a source, storing nothing", "mentiond sources try heise"
    )
    tried.add_argument("name", metavar="NAME")
    tried.add_argument("--part", metavar="NAME", help="only this part of the source")
    tried.add_argument("--limit", type=count, default=10, metavar="N", help="posts shown of each part (10)")
    add_config(tried, argparse.SUPPRESS)
    add_json(tried, argparse.SUPPRESS)
    listed = add_command(below, "list", "sources.run", "how the sources fare", "mentiond sources list")
    add_config(listed, argparse.SUPPRESS)
    add_json(listed, argparse.SUPPRESS)
