"""Arguments of `cases` and `case`."""

from __future__ import annotations

import argparse

from monitor.parsers.parts import Commands, add_author, add_command, add_config, add_json, count

CASE_STATES = ("new", "claimed", "answered", "dismissed")
_ACTIONS = {
    "claim": "take a mention on",
    "answer": "say that a mention was answered",
    "dismiss": "say that a mention needs no answer",
    "reopen": "nobody has it any more, and it waits anew",
    "note": "write something down",
    "tag": "put tags on, or take them off",
    "snooze": "call nobody before, then speak up again",
}


def add_cases(commands: Commands) -> None:
    cases = add_command(
        commands, "cases", "cases.run", "mentions and who has them, the most pressing first", "mentiond cases --open"
    )
    which = cases.add_mutually_exclusive_group()
    which.add_argument("--open", action="store_true", help="only what is new or claimed")
    which.add_argument("--mine", action="store_true", help="only what is open and mine")
    which.add_argument("--overdue", action="store_true", help="only what is open and promised until now")
    which.add_argument("--review", action="store_true", help="what the classifier was unsure of and nobody was told")
    which.add_argument("--figures", action="store_true", help="instead of a list: how cases went")
    cases.add_argument("--state", action="append", choices=CASE_STATES, help="only these; may be given several times")
    cases.add_argument("--owner", metavar="NAME", help="only what NAME has")
    cases.add_argument("--label", metavar="LABEL", help="only what carries this label")
    cases.add_argument("--watchlist", metavar="NAME", help="only of this watchlist")
    cases.add_argument("--by", metavar="NAME", help="with --mine: who I am (the user of this shell)")
    cases.add_argument("--since", metavar="DURATION", default="30d", help="with --figures: how far back (30d)")
    cases.add_argument("--limit", type=count, default=50, metavar="N", help="rows at the most (50)")
    add_config(cases)
    add_json(cases)
    case = commands.add_parser("case", help="look at a case, claim, answer, dismiss, note, tag, snooze or reopen it")
    actions = case.add_subparsers(metavar="ACTION", required=True)
    show = add_command(actions, "show", "case.show", "one case with its history", "mentiond case show 12")
    show.add_argument("id", metavar="ID", type=count, help="the mention, as `mentiond cases` names it")
    add_config(show)
    add_json(show)
    for action, text in _ACTIONS.items():
        _add_action(actions, action, text)


def _add_action(actions: Commands, action: str, text: str) -> None:
    more = {"tag": " --tag vip", "snooze": " --for 4h", "note": ' --note "called them"'}.get(action, "")
    parser = add_command(actions, action, "case.act", text, f"mentiond case {action} 12 15{more} --by Kim")
    parser.set_defaults(action=action)
    parser.add_argument("ids", metavar="ID", nargs="+", type=count, help="the mention, as `mentiond cases` names it")
    if action == "tag":
        parser.add_argument(
            "--tag", action="append", default=[], metavar="TAG", help="put on; may be given several times"
        )
        parser.add_argument("--remove", action="append", default=[], metavar="TAG", help="take off; likewise")
    if action == "snooze":
        parser.add_argument("--for", dest="span", required=True, metavar="DURATION", help="how long, such as 4h")
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_author(parser, "kept in the history of the case")
    add_config(parser)
    add_json(parser)
