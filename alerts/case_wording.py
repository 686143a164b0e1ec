"""What is known around a mention, in words: whose it is, since when, what happened before, who is called."""

from __future__ import annotations

from datetime import datetime, tzinfo
from math import ceil

from alerts.base import Alert, CaseEvent, CaseState, CaseView, EarlierCase, Reason
from alerts.case_words import CaseWords
from alerts.excerpt import clean, cut
from rules.base import Mention

_NAME_LIMIT = 60
_NOTE_LIMIT = 300  # of what somebody noted
_TAGS_LIMIT = 120
_EVENTS_SHOWN = 5
_DAY = 24 * 3600.0


def state(case: CaseView, mention: Mention, words: CaseWords, zone: tzinfo) -> tuple[str, ...]:
    """`New, nobody has it yet`, `waiting since 21 Nov 17:58`, `answer due by 21 Nov 19:04`, `addressed to us`."""
    parts = [_state(case, words, zone)]
    if case.is_open and case.responded_at is None:
        parts.append(words.waiting.format(moment(waiting_since(case, mention), words, zone)))
        parts += [words.due.format(moment(case.due_at, words, zone))] if case.due_at else []
    if case.is_open and case.snoozed_until:
        parts.append(words.snoozed.format(moment(case.snoozed_until, words, zone)))
    parts += [words.direct] if case.is_direct else []
    parts += [words.tags.format(cut(", ".join(map(clean, case.tags)), _TAGS_LIMIT))] if case.tags else []
    return tuple(parts)


def short_state(case: CaseView, words: CaseWords, zone: tzinfo) -> str:
    """The same for one line of many; "" while nobody has done anything."""
    return "" if case.state is CaseState.NEW else _state(case, words, zone)


def _state(case: CaseView, words: CaseWords, zone: tzinfo) -> str:
    owner, since = _name(case.owner or ""), moment(case.changed_at, words, zone)
    match case.state:
        case CaseState.NEW:
            return words.new
        case CaseState.CLAIMED:
            return words.claimed.format(owner=owner, since=since)
        case CaseState.ANSWERED:
            return (words.answered if owner else words.answered_by_nobody).format(by=owner, since=since)
        case CaseState.DISMISSED:
            return (words.dismissed if owner else words.dismissed_by_nobody).format(by=owner, since=since)


def waiting_since(case: CaseView, mention: Mention) -> datetime:
    """Since when the author waits for an answer: the post's own time, or when it was heard of."""
    return min(mention.post.published_at, case.opened_at) if mention.post.dated else case.opened_at


def moment(at: datetime, words: CaseWords, zone: tzinfo) -> str:
    """A time of these days, without year and zone."""
    return at.astimezone(zone).strftime(words.moment)


def earlier(case: CaseView, words: CaseWords) -> str:
    """`Third time in 10 days, last owner Kim`; of others `2 earlier cases in this thread`; "" of none."""
    if not case.earlier_count:
        return ""
    said = _times(case, words) if case.earlier_by_person else _in_thread(case.earlier_count, words)
    owner = _last_owner(case.earlier)
    return f"{said}, {words.last_owner.format(owner)}" if owner else said


def _times(case: CaseView, words: CaseWords) -> str:
    count = case.earlier_by_person + 1
    said = words.times[count - 2] if count - 2 < len(words.times) else words.times_more.format(count)
    if case.earlier_since is None:
        return said
    days = max(1, ceil((case.opened_at - case.earlier_since).total_seconds() / _DAY))
    return f"{said} {words.within_one if days == 1 else words.within.format(days)}"


def _in_thread(count: int, words: CaseWords) -> str:
    return words.thread_one if count == 1 else words.thread_more.format(count)


def _last_owner(cases: tuple[EarlierCase, ...]) -> str:
    return next((_name(case.owner) for case in cases if case.owner), "")


def events(case: CaseView, words: CaseWords, zone: tzinfo) -> tuple[str, ...]:
    """The last of what happened, oldest first: `21 Nov 18:12 Kim took it`."""
    return tuple(_event(event, words, zone) for event in case.events[-_EVENTS_SHOWN:])


def _event(event: CaseEvent, words: CaseWords, zone: tzinfo) -> str:
    return f"{moment(event.at, words, zone)} {deed(event, words)}"


def deed(event: CaseEvent, words: CaseWords) -> str:
    """`Kim noted: asked the lab`."""
    said = f"{_name(event.by)} {words.actions.get(event.action, clean(event.action))}"
    if event.through == "source":
        said += f" ({words.at_the_source})"
    return f"{said}: {cut(clean(event.note), _NOTE_LIMIT)}" if event.note.strip() else said


def call(alert: Alert, words: CaseWords) -> tuple[str, ...]:
    """Why somebody is called, and who; () for an alert that calls nobody."""
    said = {
        Reason.ESCALATION: words.escalation.format(alert.n),
        Reason.WARNING: words.warning if alert.n % 2 else words.breach,
        Reason.REPEAT: words.repeat.format(alert.n),
    }.get(alert.reason)
    names = ", ".join(_name(member.name) for member in alert.called)
    return tuple(line for line in (said, words.called.format(names) if names else None) if line)


def hidden(mention: Mention, words: CaseWords) -> str:
    """Which personal data is covered; "" where none is."""
    kinds = dict.fromkeys(words.personal[found.kind] for found in mention.personal)
    return words.hidden.format(", ".join(kinds)) if kinds else ""


def _name(name: str) -> str:
    return cut(clean(name).strip(), _NAME_LIMIT)
