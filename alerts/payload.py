"""An alert as JSON: the shape that the console, webhooks and the documentation share (docs/configuration.md)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from math import isfinite

from alerts.base import Alert
from rules.base import Mention
from sources.base import JSON, Post

_STEERING = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def alert_payload(alert: Alert) -> dict[str, JSON]:
    """Times are ISO 8601 in UTC with Z, probabilities 0-1. `mention` is the first of `mentions`, null where none is."""
    mentions: list[JSON] = [_mention(mention) for mention in alert.mentions]
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


def _mention(mention: Mention) -> dict[str, JSON]:
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
    }


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
