"""`mentiond cases` and `mentiond case`: what waits for an answer, and who has it."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from typing import Any

import sqlalchemy as sa

from alerts.base import CaseState
from monitor.assembly import utc_now
from monitor.cases import CaseAction, Step, Taken, select_cases, take_step
from monitor.commands import FAILED, OK
from monitor.commands.output import print_rows, show_time
from monitor.commands.stored import in_store
from monitor.config import load
from sources.base import JSON

_TEXT_SHOWN = 60  # characters of the post in the table


def run(options: argparse.Namespace) -> int:
    """List mentions with their case, newest first."""
    config = load(options.config, os.environ)
    states = [CaseState(state) for state in options.state or ()]
    rows = in_store(config, lambda connection: connection.execute(select_cases(states, options.limit)).all())
    shown = [_row(row, whole=options.json) for row in rows]
    columns = ("id", "state", "owner", "watchlist", "labels", "created", "text")
    print_rows(shown, columns, as_json=options.json, empty="no cases")
    return OK


def _row(row: sa.Row[Any], *, whole: bool) -> dict[str, JSON]:
    text = " ".join(f"{row.title} {row.text}".split())
    return {
        "id": row.id,
        "state": row.state,
        "owner": row.owner,
        "watchlist": row.watchlist,
        "labels": row.tags if whole else ", ".join(row.tags or ()),
        "created": show_time(row.created_at),
        "changed": show_time(row.changed_at),
        "url": row.url,
        "text": text if whole or len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…",
    }


def act(options: argparse.Namespace) -> int:
    """Claim, answer, dismiss or reopen; exit 1 where a mention is unknown or is somebody else's."""
    config = load(options.config, os.environ)
    step = Step(CaseAction(options.action), options.by or getpass.getuser(), utc_now(), options.note)
    taken = in_store(config, lambda connection: [take_step(connection, mention, step) for mention in options.ids])
    problems = [_problem(one, step) for one in taken]
    for one, problem in zip(taken, problems, strict=True):
        if problem:
            print(problem, file=sys.stderr)
        elif options.json:
            print(json.dumps({"id": one.mention_id, "state": one.state, "owner": one.owner}, ensure_ascii=False))
        else:
            print(f"case {one.mention_id} is {one.state}" + (f" by {one.owner}" if one.owner else ""))
    return FAILED if any(problems) else OK


def _problem(taken: Taken, step: Step) -> str | None:
    if not taken.known:
        return f"mention {taken.mention_id} is unknown; `mentiond cases` lists them"
    if step.action is CaseAction.CLAIM and taken.owner != step.by:
        return f"case {taken.mention_id} is {taken.owner}'s; `mentiond case reopen {taken.mention_id}` takes it back"
    return None
