"""Alerts to render and send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from alerts.base import DIGEST_SHOWN, Alert, CaseState, CaseView, Member, Reason
from rules.base import UNCLASSIFIED, Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from sources.base import Post

NOW = datetime(2026, 11, 21, 18, 4, 5, tzinfo=UTC)

ACME = Watchlist("acme", WatchlistKind.BRAND, 'acme OR "acme phone"', ("Acme",))
COMPLAINT = Verdict(
    {Label.COMPLAINT: 0.9273, Label.QUESTION: 0.71, Label.CRISIS: 0.12},
    ("complaint", "question"),
    Sentiment.NEGATIVE,
    "de",
    {Label.COMPLAINT: ("kaputt", "nervt"), Label.QUESTION: ("warum",)},
    model="mentiond-de 1",
)
FAILED = Verdict({}, (UNCLASSIFIED,), Sentiment.NEUTRAL, "de")

KIM = Member("Kim", slack="U0KIM", mail="kim@example.com")

HOSTILE = (
    "<!channel> <@U123> <https://evil.example|Acme bank> ``` & acme\r\nBcc: victim@example.com\r\n\r\n"
    "<script>alert(1)</script><img src=x onerror=alert(2)> \x1b[31mred\x1b[0m \x9b2J \u202egnp.exe\u202c "
    "@channel #general https://evil.example/x \x00 \ud800 \u2028 end"
)


def post(**said: Any) -> Post:
    """A German complaint about Acme, changed as said."""
    fields: dict[str, Any] = {
        "source": "heise",
        "external_id": "e1",
        "title": "Acme Phone nach dem Update",
        "text": "Mein Acme Phone ist schon wieder kaputt, warum nervt ihr so?",
        "url": "https://www.heise.de/forum/1?a=b&c=d",
        "author": "Jörg",
        "published_at": datetime(2026, 11, 21, 17, 58, tzinfo=UTC),
        "lang": "de",
    }
    return Post(**(fields | said))


def mention(found: Post, verdict: Verdict = COMPLAINT, watchlist: Watchlist = ACME, number: int = 7) -> Mention:
    """A mention with a span wherever `Acme` stands, in any case."""
    spans = tuple(
        Span(name, at, at + 4)
        for name, text in (("title", found.title), ("text", found.text))
        for at in range(len(text))
        if text[at : at + 4].casefold() == "acme"
    )
    return Mention(found, watchlist, Match(watchlist.name, spans, ("acme",)), verdict, number)


def alert(*mentions: Mention, **said: Any) -> Alert:
    """An alert for these mentions (the German complaint where none is given), changed as said."""
    told = mentions or (mention(post()),)
    fields: dict[str, Any] = {
        "id": 42,
        "key": "mention:7|care||first|0",
        "receiver": "care",
        "recipient": "kim@example.com",
        "reason": Reason.FIRST,
        "n": 0,
        "mentions": told,
        "count": len(told),
        "routes": ('label =~ "question|complaint"',),
        "url": "https://mentiond.example.com/mentions/7",
        "created_at": NOW,
    }
    return Alert(**(fields | said))


def alert_of(text: str, **said: Any) -> Alert:
    """An alert for a post of this text without a title."""
    return alert(mention(post(text=text, title="")), **said)


def digest(count: int = 37, **said: Any) -> Alert:
    """A summary of `count` posts, of which it brings the first."""
    told = [mention(post(external_id=str(n), text=f"Acme Beitrag {n}")) for n in range(min(count, DIGEST_SHOWN))]
    return alert(*told, **({"reason": Reason.DIGEST, "count": count, "key": f"pass:{count}"} | said))


def notice(text: str = "The source heise was switched off: 410 Gone.") -> Alert:
    """Word for the operator."""
    told: dict[str, Any] = {"mentions": (), "count": 0, "notice": text, "reason": Reason.NOTICE}
    return alert(**told)


def case(**said: Any) -> CaseView:
    """A new case of mention 7, changed as said."""
    fields: dict[str, Any] = {
        "mention_id": 7,
        "state": CaseState.NEW,
        "owner": None,
        "changed_at": NOW,
        "opened_at": NOW,
        "is_direct": False,
        "priority": 50,
    }
    return CaseView(**(fields | said))
