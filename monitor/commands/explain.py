"""`mentiond explain`: why somebody did, or did not, hear of a post."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.engine import Connection

from alerts.excerpt import clean
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK
from monitor.commands.output import show_time
from monitor.commands.stored import in_store
from monitor.config import Config, load
from monitor.explain.answers import answer_explanation, answer_post, describe_nearness
from monitor.explain.explaining import Explainer
from monitor.explain.finding import find_alert, find_places
from monitor.explain.shapes import Explanation, LabelChance, ToldAlert, ToldMention, ToldPost
from monitor.explain.showing import Shown, find_shown
from monitor.explain.unseen import look_for
from monitor.pipeline import storable_id


def run(options: argparse.Namespace) -> int:
    """Print everything that bears on the target; exit 1 where nothing is stored of it."""
    config, target = load(options.config, os.environ), options.target.strip()
    shown = asyncio.run(find_shown(config, options.source, target)) if options.source else Shown(None)
    explanation = in_store(config, lambda connection: _explain(connection, config, target, shown, utc_now()))
    if options.json:
        shape = {"answer": answer_explanation(explanation), **asdict(explanation)}
        print(json.dumps(shape, ensure_ascii=False, default=_shown))
    else:
        print("\n".join(_lines(explanation)))
    return OK if explanation.posts or explanation.notice else FAILED


def _shown(value: object) -> str | None:
    return show_time(value) if isinstance(value, datetime) else str(value)


def _explain(connection: Connection, config: Config, target: str, shown: Shown, now: datetime) -> Explanation:
    explainer = Explainer(connection, config, now)
    if shown.post is not None:
        if explainer.is_forgotten(shown.post):
            return Explanation(target=target, notice="Nothing of this post is stored: its author was erased for good.")
        place = (shown.post.source, storable_id(shown.post.external_id))
        return Explanation(target=target, posts=(explainer.post(place, shown.post),))
    posts = tuple(map(explainer.post, find_places(connection, target)))
    if posts:
        return Explanation(target=target, posts=posts)
    alert_id = find_alert(connection, target)
    alert = None if alert_id is None else explainer.alert(alert_id)
    if alert is not None:
        notice = f"Alert {alert.id} ({alert.reason}) to {alert.receiver} is about no post that is stored: {alert.why}."
        return Explanation(target=target, notice=notice)
    unseen = look_for(connection, config, target, now)
    said = (shown.notice,) if shown.notice else ()
    return Explanation(target=target, suspects=unseen.suspects, hints=(*said, *unseen.hints))


def _lines(explanation: Explanation) -> Iterator[str]:
    yield clean(answer_explanation(explanation))
    for post in explanation.posts:
        yield from _of_post(post, with_answer=len(explanation.posts) > 1)
    if not explanation.posts and not explanation.notice:
        yield ""
        yield (
            "Sources that could hide it:" if explanation.suspects else "Every source is polled, without gaps or delay."
        )
        yield from (f"  {one.source} {clean(one.what)}" for one in explanation.suspects)
        yield ""
        yield "What to try:"
        yield from (f"  {hint}" for hint in explanation.hints)


def _of_post(post: ToldPost, *, with_answer: bool) -> Iterator[str]:
    kind = f" ({post.source_type})" if post.source_type else ", which is no longer configured"
    yield ""
    yield f"The post {clean(post.external_id)} of the source {post.source}{kind}"
    if with_answer:
        yield f"  {clean(answer_post(post))}"
    if post.url and post.url != post.external_id:
        yield f"  at {clean(post.url)}"
    if post.published_at is not None:
        yield f"  by {clean(post.author or 'an unknown author')}, published {show_time(post.published_at)}"
    if text := clean(f"{post.title} {post.text}").strip():
        yield f"  says: {text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + '…'}"
    if post.first_seen is not None:
        yield f"  first read {show_time(post.first_seen)}, last met {show_time(post.last_seen)}"
    elif post.fetched_at is not None:
        yield f"  read {show_time(post.fetched_at)}"
    if post.edits:
        yield f"  edited {post.edits} times since; what follows is about its last words"
    for copy in post.copies:
        yield f"  it also stands at {clean(copy)}; copies of what was told are not told again"
    for mention in post.mentions:
        yield from _of_mention(mention)
    yield from _of_others(post)


_TEXT_SHOWN = 300


def _of_mention(mention: ToldMention) -> Iterator[str]:
    yield ""
    found_at = show_time(mention.created_at)
    yield f"Mention {mention.id}: the watchlist {mention.watchlist} ({mention.kind}) found it at {found_at}"
    if not mention.is_configured:
        yield "  this watchlist is no longer configured"
    if mention.query:
        yield f"  its query, as it is now: {clean(mention.query)}"
    if mention.terms:
        yield f"  found by: {', '.join(map(clean, mention.terms))}"
    if mention.marked:
        yield f"  in: {mention.marked}"
    by = mention.model or "nothing"
    yield f"  judged as {', '.join(mention.tags)}, {mention.sentiment}, language {mention.lang}, by {by}"
    if mention.model and mention.model_now not in ("", mention.model):
        yield f"  the thresholds are those of the model in use now, {mention.model_now}"
    yield from (f"    {_of_chance(chance)}" for chance in mention.chances)
    if mention.corrected:
        yield f"  people corrected it: {clean(mention.corrected)}"
    yield "  its way through the routes, as they are now:"
    yield from (f"    {'  ' * route.depth}{route.text}  [{route.why}]" for route in mention.routes)
    yield f"  its alerts: {'none was ever owed' if not mention.alerts else ''}".rstrip()
    for alert in mention.alerts:
        yield from (f"    {line}" for line in _of_alert(alert))
    yield from _of_case(mention)


def _of_chance(chance: LabelChance) -> str:
    said = f"{chance.label} {chance.probability:.2f}"
    if chance.threshold is not None and chance.floor is not None:
        limits = f"threshold {chance.threshold:.2f}, candidate from {chance.floor:.2f}"
        standing = {
            "carried": f"carried ({limits})",
            "no cue": f"above the threshold, but no word speaks for it ({limits})",
            "candidate": f"only a candidate ({limits})",
            "below": f"no ({limits})",
        }[chance.standing]
        said += f": {standing}"
    return said + (f", because of: {', '.join(map(clean, chance.cues))}" if chance.cues else "")


def _of_alert(alert: ToldAlert) -> Iterator[str]:
    to = f"{alert.receiver} ({clean(alert.recipient)})" if alert.recipient else alert.receiver
    yield f"alert {alert.id}, {alert.reason}, to {to}: {clean(alert.why)}"
    if alert.routes:
        yield f"  owed since {show_time(alert.created_at)} because of {'; and of '.join(map(clean, alert.routes))}"
    for attempt in alert.attempts:
        yield f"  {show_time(attempt.at)} {attempt.outcome}: {clean(attempt.detail) or 'no receipt'}"


def _of_case(mention: ToldMention) -> Iterator[str]:
    case = mention.case
    if case is None:
        yield "  its case: none, because nobody was to hear of it"
        return
    owner = f" by {clean(case.owner)}" if case.owner else ""
    due = f", to be answered by {show_time(case.due_at)}" if case.due_at else ""
    snoozed = f", snoozed until {show_time(case.snoozed_until)}" if case.snoozed_until else ""
    yield f"  its case is {case.state}{owner}{due}{snoozed}"
    for event in case.events:
        note = f": {clean(event.note)}" if event.note else ""
        yield f"    {show_time(event.at)} {clean(event.by or '-')} ({event.through}) {event.action}{note}"


def _of_others(post: ToldPost) -> Iterator[str]:
    if not post.others:
        return
    yield ""
    yield "Watchlists that made no mention of it:"
    silent = [other.watchlist for other in post.others if not other.matches_now and not other.found]
    for other in post.others:
        if other.matches_now:
            command = f"mentiond rematch --since 30d --watchlist {other.watchlist}"
            remedy = "store.keep_unmatched keeps the words of others to come" if post.is_shown else command
            yield f"  {other.watchlist} would find it now; its query has changed since, or it is new: {remedy}"
        elif other.found:
            yield f"  {other.watchlist} came near: {clean(describe_nearness(other))}"
    if silent:
        yield f"  no part of the query is in it: {', '.join(silent)}"
