"""`mentiond case`: one case with its history, and what people do with cases."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from datetime import timedelta

from alerts.base import Action, ActionKind, ActionRefusedError, CaseView, Desk, Found
from alerts.excerpt import clean
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.output import show_lag, show_time
from monitor.commands.stored import at_desk
from monitor.config import load
from sources.base import JSON, parse_duration


def act(options: argparse.Namespace) -> int:
    """Take the action on each mention; exit 1 where one is refused."""
    actions = [_action(options, mention_id) for mention_id in options.ids]
    config = load(options.config, os.environ)

    async def work(desk: Desk) -> list[CaseView | ActionRefusedError]:
        return [await _try(desk, action) for action in actions]

    made = at_desk(config, work)
    for one in made:
        if isinstance(one, ActionRefusedError):
            print(one, file=sys.stderr)
        else:
            print(json.dumps(_shape(one), ensure_ascii=False) if options.json else _sentence(one))
    return FAILED if any(isinstance(one, ActionRefusedError) for one in made) else OK


def _action(options: argparse.Namespace, mention_id: int) -> Action:
    return Action(
        kind=ActionKind(options.action),
        mention_ids=(mention_id,),
        by=options.by or getpass.getuser(),
        through="cli",
        note=options.note,
        tags=(*options.tag, *(f"-{tag}" for tag in options.remove)) if options.action == ActionKind.TAG else (),
        until=utc_now() + _span(options) if options.action == ActionKind.SNOOZE else None,
    )


def _span(options: argparse.Namespace) -> timedelta:
    try:
        return parse_duration(options.span)
    except ValueError as error:
        raise CommandError(f"--for {options.span}: {error}") from error


async def _try(desk: Desk, action: Action) -> CaseView | ActionRefusedError:
    try:
        return (await desk.act(action))[0]
    except ActionRefusedError as error:
        return error


def _sentence(case: CaseView) -> str:
    said = f"case {case.mention_id} is {case.state}" + (f" by {case.owner}" if case.owner else "")
    return said + (f", snoozed until {show_time(case.snoozed_until)}" if case.snoozed_until else "")


def show(options: argparse.Namespace) -> int:
    """Print one case with its history; exit 1 where there is none."""
    config = load(options.config, os.environ)

    async def work(desk: Desk) -> Found | None:
        return await desk.look(options.id)

    found = at_desk(config, work)
    if found is None:
        print(f"mention {options.id} is unknown, or was withdrawn by its source", file=sys.stderr)
        return FAILED
    if options.json:
        print(json.dumps(_whole(found), ensure_ascii=False))
    else:
        print("\n".join(_lines(found)))
    return OK


def _lines(found: Found) -> list[str]:
    case, mention = found.case, found.mention
    post = mention.post
    lines = [
        f"{_sentence(case)}, priority {case.priority}, {'direct' if case.is_direct else 'indirect'}",
        f"{mention.watchlist.name}: {', '.join(mention.verdict.tags)}",
        f"{clean(post.author or 'author unknown')} at {clean(post.source)}, {show_time(post.published_at)}",
        clean(f"{post.title} {post.text}").strip(),
    ]
    lines += [post.url] if post.url else []
    lines += [f"tags: {', '.join(map(clean, case.tags))}"] if case.tags else []
    lines += [f"first answer promised until {show_time(case.due_at)}"] if case.due_at else []
    lines += [f"first answer {show_time(case.responded_at)}"] if case.responded_at else []
    if case.earlier_count:
        since = show_lag(case.earlier_since, utc_now())
        by_person = f"; {case.earlier_by_person} of the person, the first {since} ago" if case.earlier_by_person else ""
        lines.append(f"earlier cases of the same person or thread: {case.earlier_count}{by_person}")
    for one in case.earlier:
        lines.append(f"  {one.mention_id} {show_time(one.opened_at)} {one.state} {clean(one.owner or '-')}")
    for event in case.events:
        note = f": {clean(event.note)}" if event.note else ""
        lines.append(f"{show_time(event.at)} {clean(event.by or '-')} ({event.through}) {event.action}{note}")
    return lines


def _shape(case: CaseView) -> dict[str, JSON]:
    return {
        "id": case.mention_id,
        "state": case.state,
        "owner": case.owner,
        "priority": case.priority,
        "direct": case.is_direct,
        "tags": list(case.tags),
        "opened": show_time(case.opened_at),
        "changed": show_time(case.changed_at),
        "due": show_time(case.due_at),
        "responded": show_time(case.responded_at),
        "snoozed": show_time(case.snoozed_until),
    }


def _whole(found: Found) -> dict[str, JSON]:
    case, mention = found.case, found.mention
    post = mention.post
    return _shape(case) | {
        "watchlist": mention.watchlist.name,
        "labels": list(mention.verdict.tags),
        "author": post.author,
        "source": post.source,
        "url": post.url,
        "text": f"{post.title} {post.text}".strip(),
        "events": [
            {"at": show_time(one.at), "by": one.by, "through": one.through, "action": one.action, "note": one.note}
            for one in case.events
        ],
        "earlier": [
            {"id": one.mention_id, "opened": show_time(one.opened_at), "state": one.state, "owner": one.owner}
            for one in case.earlier
        ],
        "earlier_count": case.earlier_count,
        "earlier_by_person": case.earlier_by_person,
    }
