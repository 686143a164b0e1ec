"""What an alert says, before any receiver gives it a form: plain text with the hits marked, ready to be escaped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from alerts import case_wording
from alerts.base import DIGEST_SHOWN, Alert, CaseState, Context, Reason
from alerts.excerpt import Measure, Piece, clean, cut, excerpt, link_host, units, web_link
from alerts.personal import hide_personal
from alerts.verdict_wording import headline, judgement, listed
from alerts.words import WORDS, Lang, Words
from rules.base import Label, Mention, Span

_TITLE_LIMIT = 300
_NOTICE_LIMIT = 1000
_ITEM_LIMIT = 160
_WORDS_LIMIT = 200  # of one line of the why
_GROUP_SHOWN = 10  # mentions of a group; of a storm the first STORM_SHOWN
_STORM_SHOWN = 5
_COPIES_SHOWN = 5
_REPLY_LIMIT = 1500
_ADVICE_LIMIT = 500


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
    mention_id: int = 0
    state: str = ""  # whose it is, where anybody's


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An alert in words. One post: title, text, byline, why, and what is known around it. A summary or a group: the
    items to show of `count`. A notice: text alone.

    Nothing here is escaped, but all of it is one line each (`reply` and `advice` may have several) and free of control
    characters.
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
    state_parts: tuple[str, ...] = ()  # whose it is, what is promised; of a group how many are open
    waiting_since: datetime | None = None  # the author, for an answer (the second part says it); None: nobody waits
    earlier: str = ""  # "Third time in 10 days, last owner Kim"
    seen_at: tuple[Link, ...] = ()  # copies elsewhere, by host
    events: tuple[str, ...] = ()  # of its case, oldest first
    advice: str = ""
    reply: str = ""  # to start an answer from
    words: Words

    @property
    def state(self) -> str:
        """How it stands, in one line."""
        return " · ".join(self.state_parts)

    def more(self, shown: int) -> str:
        """How many of the posts are not among the items shown; "" where all are."""
        return self.words.more.format(self.count - shown) if self.count > shown else ""


def compose(
    alert: Alert,
    lang: Lang,
    limit: int,
    measure: Measure = units,
    zone: tzinfo = UTC,
    *,
    show_personal: bool = False,
) -> Message:
    """The alert in words, with at most `limit` of the post's text; `measure` says what a text costs.

    Times are shown in `zone`. Personal data is covered unless `show_personal`.
    """
    words = WORDS[lang]
    if not show_personal:
        alert = replace(alert, mentions=tuple(map(hide_personal, alert.mentions)))
    if alert.reason is Reason.NOTICE:
        return _notice(alert, words)
    if alert.reason is Reason.DIGEST:
        return _summary(alert, words, zone)
    if not alert.mentions:
        return Message(headline=words.case.gone, words=words)
    if alert.count > 1:
        return _group(alert, words, zone)
    message = _single(alert, words, zone, limit, measure)
    hidden = "" if show_personal else case_wording.hidden(alert.mentions[0], words.case)
    return replace(message, notes=(*message.notes, hidden)) if hidden else message


def _single(alert: Alert, words: Words, zone: tzinfo, limit: int, measure: Measure) -> Message:
    mention, context, case = alert.mentions[0], alert.context, alert.context.case
    title, text = _excerpts(mention, words, limit, measure)
    is_waited_for = case is not None and case.is_open and case.responded_at is None
    return Message(
        headline=headline(mention, words),
        title=title,
        text=text,
        byline=_byline(mention, words, zone),
        why=_why(alert, mention, words),
        words=words,
        notes=_notes(alert, mention, words),
        links=_links(alert, mention.post.url, words),
        state_parts=case_wording.state(case, mention, words.case, zone) if case else (),
        waiting_since=case_wording.waiting_since(case, mention) if case and is_waited_for else None,
        earlier=case_wording.earlier(case, words.case) if case else "",
        seen_at=_seen_at(context),
        events=case_wording.events(case, words.case, zone) if case else (),
        advice=_lines(context.proposal.advice, _ADVICE_LIMIT),
        reply=_lines(context.proposal.reply, _REPLY_LIMIT),
    )


def _lines(text: str, limit: int) -> str:
    """Several lines, each of them clean."""
    return cut("\n".join(clean(line).rstrip() for line in text.strip().splitlines()), limit)


def _seen_at(context: Context) -> tuple[Link, ...]:
    links = [link for copy in context.copies if (link := web_link(copy.url))]
    return tuple(Link(cut(link_host(link), 60), link) for link in links[:_COPIES_SHOWN])


def _group(alert: Alert, words: Words, zone: tzinfo) -> Message:
    """Several mentions in one message, with the exact count."""
    group, is_storm = alert.group, alert.group is not None and alert.group.is_storm
    shared = [clean(_shared(name, value, words)) for name, value in (group.labels if group else ())]
    grows = words.case.storm_grows if group and is_storm and not group.is_closed else None
    told = (*case_wording.call(alert, words.case), words.sent_twice if alert.possibly_sent_twice else None, grows)
    shown = alert.mentions[: _STORM_SHOWN if is_storm else _GROUP_SHOWN]
    return Message(
        headline=" · ".join(((words.case.storm if is_storm else words.case.group).format(alert.count), *shared)),
        notes=tuple(note for note in told if note),
        items=tuple(_item(mention, alert.contexts.get(mention.id), words, zone) for mention in shown),
        count=alert.count,
        words=words,
        state_parts=_open_of(alert, words),
        links=_links(alert, None, words),
    )


def _shared(name: str, value: str, words: Words) -> str:
    return words.labels[Label(value)] if name == "label" and value in set(Label) else value


def _open_of(alert: Alert, words: Words) -> tuple[str, ...]:
    """How many wait for somebody, how many for an answer; () where not all cases are known."""
    cases = [context.case for context in alert.contexts.values() if context.case]
    if len(cases) < alert.count:
        return ()
    free, still_open = sum(case.state is CaseState.NEW for case in cases), sum(case.is_open for case in cases)
    said = [words.case.free_of.format(free=free, all=alert.count)] if free else []
    return (*said, words.case.open_of.format(open=still_open, all=alert.count))


def _notice(alert: Alert, words: Words) -> Message:
    return Message(
        headline=words.notice,
        words=words,
        text=(Piece(cut(clean(alert.notice), _NOTICE_LIMIT)),),
        notes=(words.sent_twice,) if alert.possibly_sent_twice else (),
        links=_links(alert, None, words),
    )


def _summary(alert: Alert, words: Words, zone: tzinfo) -> Message:
    """What was held back, oldest first; what was gathered, gravest first and with its counts."""
    one, several, told = words.held_back_one, words.held_back, alert.mentions
    if alert.is_gathered:
        one, several, told = words.gathered_one, words.gathered, tuple(sorted(told, key=_gravity))
    return Message(
        headline=one if alert.count == 1 else several.format(alert.count),
        byline=_tally(alert, words) if alert.is_gathered else "",
        notes=(words.sent_twice,) if alert.possibly_sent_twice else (),
        items=tuple(_item(mention, alert.contexts.get(mention.id), words, zone) for mention in told[:DIGEST_SHOWN]),
        count=alert.count,
        words=words,
        links=_links(alert, None, words),
    )


def _gravity(mention: Mention) -> int:
    """Of its gravest label, 0 for a crisis."""
    tags = mention.verdict.tags
    return next((at for at, label in enumerate(Label) if label in tags), len(Label))


def _tally(alert: Alert, words: Words) -> str:
    """`complaint 3 · question 5`, each mention by its gravest label; "" where not all of them are here to count."""
    if len(alert.mentions) < alert.count:
        return ""
    counts = Counter(map(_gravity, alert.mentions))
    return " · ".join(f"{words.labels[label]} {counts[at]}" for at, label in enumerate(Label) if counts[at])


def _item(mention: Mention, context: Context | None, words: Words, zone: tzinfo) -> Item:
    case = context.case if context else None
    return Item(
        headline=_item_headline(mention, words, zone),
        text=_item_text(mention, words),
        url=web_link(mention.post.url),
        mention_id=mention.id,
        state=case_wording.short_state(case, words.case, zone) if case else "",
    )


def _item_headline(mention: Mention, words: Words, zone: tzinfo) -> str:
    return f"{headline(mention, words)} · {_date(mention, words, zone)}"


def _item_text(mention: Mention, words: Words) -> str:
    return cut(clean(f"{mention.post.title} {mention.post.text}").strip(), _ITEM_LIMIT) or words.no_text


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
        (words.found, listed(mention.match.terms)),
        (words.query, clean(mention.watchlist.query)),
        (words.judged, judgement(mention.verdict, words)),
        (words.routed, listed(alert.routes, "; ")),
    ]
    return tuple(phrase.format(cut(said, _WORDS_LIMIT)) for phrase, said in lines if said)


def _notes(alert: Alert, mention: Mention, words: Words) -> tuple[str, ...]:
    verdict = mention.verdict
    said = {
        **dict.fromkeys(case_wording.call(alert, words.case), True),
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
