"""What an alert says, before any receiver gives it a form: plain text with the hits marked, ready to be escaped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from alerts.base import DIGEST_SHOWN, Alert, Reason
from alerts.excerpt import Measure, Piece, clean, cut, excerpt, link_host, units, web_link
from alerts.words import WORDS, Lang, Words
from rules.base import NONE, UNCLASSIFIED, UNSURE, Label, Mention, Span, Verdict, WatchlistKind

_TITLE_LIMIT = 300
_NOTICE_LIMIT = 1000
_ITEM_LIMIT = 160
_WORDS_LIMIT = 200  # of one line of the why
_TERMS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Link:
    """Where to go on; `url` is safe ASCII as `web_link` makes it."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Item:
    """One post of a summary."""

    headline: str
    text: str
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert in words. One post: title, text, byline, why. A summary: the items to show of `count`.
    A notice: text alone.

    Nothing here is escaped, but all of it is one line each and free of control characters.
    """

    headline: str
    title: tuple[Piece, ...] = ()
    text: tuple[Piece, ...] = ()
    byline: str = ""
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    count: int = 0
    links: tuple[Link, ...] = ()
    words: Words

    def more(self, shown: int) -> str:
        """How many of the posts are not among the items shown; "" where all are."""
        return self.words.more.format(self.count - shown) if self.count > shown else ""


def compose(alert: Alert, lang: Lang, limit: int, measure: Measure = units, zone: tzinfo = UTC) -> Message:
    """The alert in words, with at most `limit` of the post's text; `measure` says what a text costs.

    Times are shown in `zone`.
    """
    words = WORDS[lang]
    if alert.reason is Reason.NOTICE:
        return _notice(alert, words)
    if alert.reason is Reason.DIGEST or not alert.mentions:
        return _summary(alert, words, zone)
    mention = alert.mentions[0]
    title, text = _excerpts(mention, words, limit, measure)
    return Message(
        headline=_headline(mention, words),
        title=title,
        text=text,
        byline=_byline(mention, words, zone),
        why=_why(alert, mention, words),
        words=words,
        notes=_notes(alert, mention, words),
        links=_links(alert, mention.post.url, words),
    )


def _notice(alert: Alert, words: Words) -> Message:
    return Message(
        headline=words.notice,
        words=words,
        text=(Piece(cut(clean(alert.notice), _NOTICE_LIMIT)),),
        notes=(words.sent_twice,) if alert.possibly_sent_twice else (),
        links=_links(alert, None, words),
    )


def _summary(alert: Alert, words: Words, zone: tzinfo) -> Message:
    items = tuple(
        Item(_item_headline(mention, words, zone), _item_text(mention, words), web_link(mention.post.url))
        for mention in alert.mentions[:DIGEST_SHOWN]
    )
    return Message(
        headline=words.held_back_one if alert.count == 1 else words.held_back.format(alert.count),
        notes=(words.sent_twice,) if alert.possibly_sent_twice else (),
        items=items,
        count=alert.count,
        words=words,
        links=_links(alert, None, words),
    )


def _item_headline(mention: Mention, words: Words, zone: tzinfo) -> str:
    return f"{_headline(mention, words)} · {_date(mention, words, zone)}"


def _item_text(mention: Mention, words: Words) -> str:
    return cut(clean(f"{mention.post.title} {mention.post.text}").strip(), _ITEM_LIMIT) or words.no_text


def _headline(mention: Mention, words: Words) -> str:
    """`Complaint about Acme (also question) · 92 % · heise`."""
    name, kind = clean(mention.watchlist.name), mention.watchlist.kind
    target = name if kind is WatchlistKind.BRAND else f"{name} ({words.kinds[kind]})"
    return " · ".join((*_gist(mention.verdict, target, words), clean(mention.post.source)))


def _gist(verdict: Verdict, target: str, words: Words) -> tuple[str, ...]:
    if not verdict.is_classified:
        return (words.unclassified.format(target),)
    if verdict.tags == (NONE,) or not verdict.tags:
        return (words.none.format(target),)
    if verdict.tags == (UNSURE,):
        likely = _likeliest(verdict)
        if likely is None:
            return (words.unsure.format(target),)
        return words.perhaps.format(words.about[likely].format(target)), _percent(verdict, likely)
    first, *others = _carried(verdict)
    also = ", ".join(words.labels[label] for label in others)
    about = words.about[first].format(target)
    return f"{about} ({words.also.format(also)})" if also else about, _percent(verdict, first)


def _carried(verdict: Verdict) -> list[Label]:
    return [Label(tag) for tag in verdict.tags if tag not in (UNSURE, NONE, UNCLASSIFIED)]


def _likeliest(verdict: Verdict) -> Label | None:
    return max(verdict.probabilities, key=lambda label: verdict.probabilities[label], default=None)


def _percent(verdict: Verdict, label: Label) -> str:
    """Rounded down below certainty: 99.7 % is not 100 %."""
    return f"{int(verdict.probabilities.get(label, 0.0) * 100 + 1e-6)} %"


def _excerpts(
    mention: Mention, words: Words, limit: int, measure: Measure
) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    post = mention.post
    title = excerpt(post.title, _spans(mention, "title"), min(limit, _TITLE_LIMIT), measure)
    text = excerpt(post.text, _spans(mention, "text"), limit, measure)
    return (title, text) if _has_text(title) or _has_text(text) else ((), (Piece(words.no_text),))


def _has_text(pieces: tuple[Piece, ...]) -> bool:
    return any(piece.text.strip() for piece in pieces)


def _spans(mention: Mention, field: str) -> tuple[Span, ...]:
    return tuple(span for span in mention.match.spans if span.field == field)


def _byline(mention: Mention, words: Words, zone: tzinfo) -> str:
    post = mention.post
    parts = [
        cut(clean(post.author or "").strip(), 80) or words.author_unknown,
        _date(mention, words, zone),
        words.post_kinds[post.kind],
    ]
    if post.rating is not None:
        parts.append(words.rating.format(f"{post.rating:g}"))
    if post.followers is not None:
        parts.append(words.followers.format(post.followers))
    if post.answered:
        parts.append(words.answered)
    return " · ".join(parts)


def _date(mention: Mention, words: Words, zone: tzinfo) -> str:
    return show_time(mention.post.published_at, zone) if mention.post.dated else words.undated


def show_time(moment: datetime, zone: tzinfo) -> str:
    """Minutes are enough for people; the zone is named."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def _why(alert: Alert, mention: Mention, words: Words) -> tuple[str, ...]:
    """The words found, the query, the labels with probability and cues, the routes."""
    lines = [
        (words.found, _listed(mention.match.terms)),
        (words.query, clean(mention.watchlist.query)),
        (words.judged, _judgement(mention.verdict, words)),
        (words.routed, _listed(alert.routes, "; ")),
    ]
    return tuple(phrase.format(cut(said, _WORDS_LIMIT)) for phrase, said in lines if said)


def _listed(terms: tuple[str, ...], separator: str = ", ") -> str:
    return separator.join(clean(term) for term in terms[:_TERMS_SHOWN])


def _judgement(verdict: Verdict, words: Words) -> str:
    """`complaint 92 % (kaputt, nervt), question 71 %, negative`: what is carried and what has cues."""
    if not verdict.is_classified:
        return ""
    shown = [label for label in Label if label in _carried(verdict) or verdict.cues.get(label)]
    judged = [_judged(verdict, label, words) for label in shown]
    return ", ".join([*judged, words.sentiments[verdict.sentiment]])


def _judged(verdict: Verdict, label: Label, words: Words) -> str:
    said = f"{words.labels[label]} {_percent(verdict, label)}"
    cues = _listed(verdict.cues.get(label, ()))
    return f"{said} ({cut(cues, 60)})" if cues else said


def _notes(alert: Alert, mention: Mention, words: Words) -> tuple[str, ...]:
    verdict = mention.verdict
    said = {
        words.sent_twice: alert.possibly_sent_twice,
        words.edited: alert.reason is Reason.EDITED,
        words.not_classified: not verdict.is_classified,
        words.less_sure.format(clean(verdict.lang)): verdict.is_classified and not verdict.sure,
    }
    return tuple(note for note, is_due in said.items() if is_due)


def _links(alert: Alert, post_url: str | None, words: Words) -> tuple[Link, ...]:
    """The post with its host in plain sight, then mentiond."""
    links = []
    if post := web_link(post_url):
        links.append(Link(f"{words.open_post} ({cut(link_host(post), 60)})", post))
    if case := web_link(alert.url):
        links.append(Link(words.open_case, case))
    return tuple(links)
