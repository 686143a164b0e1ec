"""Arguments of the commands about what the store holds: `alerts`, `cases`, `case`, `sources`."""

from __future__ import annotations

import argparse

from monitor.parsers.parts import Commands, add_author, add_command, add_config, add_json, count

_CASE_ACTIONS = {
    "claim": "take a mention on",
    "answer": "say that a mention was answered",
    "dismiss": "say that a mention needs no answer",
    "reopen": "nobody has it any more",
}


def _add_case_action(actions: Commands, action: str, text: str) -> None:
    parser = add_command(actions, action, "cases.act", text, f"mentiond case {action} 12 15 --by Kim")
    parser.set_defaults(action=action)
    parser.add_argument("ids", metavar="ID", nargs="+", type=count, help="the mention, as `mentiond cases` names it")
    add_author(parser, "kept in the history of the case")
    add_config(parser)
    add_json(parser)


def add_data(commands: Commands) -> None:
    alerts = add_command(
        commands, "alerts", "alerts.run", "what is owed, sent, held, dead", "mentiond alerts --dead --retry"
    )
    alerts.add_argument("--dead", action="store_true", help="only dead letters")
    alerts.add_argument("--retry", action="store_true", help="every dead letter is owed once more")
    alerts.add_argument("--limit", type=count, default=50, metavar="N", help="rows at the most, newest first (50)")
    add_config(alerts)
    add_json(alerts)
    cases = add_command(commands, "cases", "cases.run", "mentions and who has them", "mentiond cases --state new")
    states = ("new", "claimed", "answered", "dismissed")
    cases.add_argument("--state", action="append", choices=states, help="only these; may be given several times")
    cases.add_argument("--limit", type=count, default=50, metavar="N", help="rows at the most, newest first (50)")
    add_config(cases)
    add_json(cases)
    case = commands.add_parser("case", help="claim, answer, dismiss or reopen a mention")
    actions = case.add_subparsers(metavar="ACTION", required=True)
    for action, text in _CASE_ACTIONS.items():
        _add_case_action(actions, action, text)
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
