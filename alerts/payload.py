"""An alert as JSON: the shape that the console, webhooks and the documentation share (docs/configuration.md)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from math import isfinite

from alerts.base import Alert, CaseEvent, CaseView, Context, EarlierCase, GroupView, Member, Sighting
from alerts.personal import hide_personal
from rules.base import Mention
from sources.base import JSON, Post

_STEERING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def alert_payload(alert: Alert, *, show_personal: bool = False) -> dict[str, JSON]:
    """Times are ISO 8601 in UTC with Z, probabilities 0-1. `mention` is the first of `mentions`, null where none is.

    Personal data is covered unless `show_personal`; its kinds are listed either way.
    """
    shown = alert.mentions if show_personal else tuple(map(hide_personal, alert.mentions))
    mentions: list[JSON] = [mention_payload(mention, alert.contexts.get(mention.id, Context())) for mention in shown]
    return {
        "alert": alert.id,
        "key": alert.key,
        "receiver": alert.receiver,
        "recipient": alert.recipient,
        "reason": alert.reason.value,
        "n": alert.n,
        "count": alert.count,
        "mentions": mentions,
        "mention": mentions[0] if mentions else None,
        "group": _group(alert.group) if alert.group else None,
        "called": [_member(member) for member in alert.called],
        "url": alert.url,
        "routes": list(alert.routes),
        "created_at": _time(alert.created_at),
        "attempt": alert.attempt,
        "possibly_sent_twice": alert.possibly_sent_twice,
        "notice": alert.notice,
    }


def json_line(payload: dict[str, JSON]) -> str:
    """One line of JSON; what steers a terminal or is no character is escaped, other letters stay readable."""
    line = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def mention_payload(mention: Mention, context: Context) -> dict[str, JSON]:
    """One mention with what is known around it, personal data and all."""
    verdict, match = mention.verdict, mention.match
    return {
        "id": mention.id,
        "post": _post(mention.post),
        "watchlist": mention.watchlist.name,
        "watchlist_kind": mention.watchlist.kind.value,
        "labels": {label.value: round(probability, 4) for label, probability in verdict.probabilities.items()},
        "tags": list(verdict.tags),
        "sentiment": verdict.sentiment.value,
        "lang": verdict.lang,
        "spans": [{"field": span.field, "start": span.start, "end": span.end} for span in match.spans],
        "terms": list(match.terms),
        "cues": {label.value: list(cues) for label, cues in verdict.cues.items()},
        "personal": list(dict.fromkeys(found.kind.value for found in mention.personal)),
        "case": _case(context.case) if context.case else None,
        "copies": [_sighting(copy) for copy in context.copies],
        "reply": context.proposal.reply,
        "advice": context.proposal.advice,
    }


def _case(case: CaseView) -> dict[str, JSON]:
    return {
        "state": case.state.value,
        "owner": case.owner,
        "direct": case.is_direct,
        "priority": case.priority,
        "opened_at": _time(case.opened_at),
        "changed_at": _time(case.changed_at),
        "due_at": _time_or_none(case.due_at),
        "responded_at": _time_or_none(case.responded_at),
        "snoozed_until": _time_or_none(case.snoozed_until),
        "tags": list(case.tags),
        "events": [_event(event) for event in case.events],
        "earlier": [_earlier(earlier) for earlier in case.earlier],
        "earlier_count": case.earlier_count,
        "earlier_by_person": case.earlier_by_person,
    }


def _event(event: CaseEvent) -> dict[str, JSON]:
    said: dict[str, JSON] = {"at": _time(event.at), "by": event.by, "through": event.through}
    return said | {"action": event.action, "note": event.note}


def _earlier(earlier: EarlierCase) -> dict[str, JSON]:
    said: dict[str, JSON] = {"mention": earlier.mention_id, "opened_at": _time(earlier.opened_at)}
    return said | {"state": earlier.state.value, "owner": earlier.owner}


def _sighting(copy: Sighting) -> dict[str, JSON]:
    return {"source": copy.source, "url": copy.url, "published_at": _time(copy.published_at)}


def _group(group: GroupView) -> dict[str, JSON]:
    return {"id": group.id, "labels": dict(group.labels), "storm": group.is_storm, "closed": group.is_closed}


def _member(member: Member) -> dict[str, JSON]:
    return {"name": member.name, "mail": member.mail}


def _post(post: Post) -> dict[str, JSON]:
    return {
        "source": post.source,
        "external_id": post.external_id,
        "url": post.url,
        "author": post.author,
        "title": post.title,
        "text": post.text,
        "published_at": _time(post.published_at),
        "lang": post.lang,
        "kind": post.kind.value,
        "rating": post.rating if post.rating is None or isfinite(post.rating) else None,
        "followers": post.followers,
        "engagement": post.engagement,
        "answered": post.answered,
        "parent": post.parent,
        "thread": post.thread,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _time_or_none(moment: datetime | None) -> str | None:
    return _time(moment) if moment else None
