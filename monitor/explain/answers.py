"""The one answer that comes first: who heard of a post, or why nobody did."""

from __future__ import annotations

from datetime import datetime

from monitor.commands.output import show_time
from monitor.explain.shapes import Explanation, Nearness, ToldMention, ToldPost
from rules.base import NONE, UNCLASSIFIED, UNSURE


def answer_explanation(explanation: Explanation) -> str:
    """Of everything that the target means."""
    if explanation.notice:
        return explanation.notice
    if not explanation.posts:
        number = f"There is no mention {explanation.target}. " if explanation.target.isdecimal() else ""
        known = "no source has brought it, or it matched nothing and only an id of it was kept"
        return f"{number}Nothing is stored of {explanation.target}: {known}."
    if len(explanation.posts) > 1:
        return f"{len(explanation.posts)} posts are meant by {explanation.target}; each has its own answer below."
    return answer_post(explanation.posts[0])


def answer_post(post: ToldPost) -> str:
    """Of one post."""
    if post.deleted_at is not None:
        return (
            f"The source withdrew this post at {show_time(post.deleted_at)}: its words and whoever wrote them are gone."
        )
    if post.is_own and not post.mentions:
        return "Nobody hears of this post: it is by one of the brand's own accounts (`own_accounts`)."
    if not post.mentions:
        return _unmatched(post)
    heard = [mention for mention in post.mentions if mention.is_heard]
    if heard:
        return " ".join(_heard(mention) for mention in heard)
    return " ".join(
        f"Nobody has heard of mention {mention.id} ({mention.watchlist}): {_why(mention)}." for mention in post.mentions
    )


def _unmatched(post: ToldPost) -> str:
    now = [other.watchlist for other in post.others if other.matches_now]
    if post.is_shown:
        return _only_shown(post, now)
    if now:
        names = " ".join(f"--watchlist {name}" for name in now)
        read_at = _moment(post.first_seen or post.fetched_at)
        return (
            f"Nobody heard of this post: it matched no watchlist when it was read at {read_at}. "
            f"As they are now, {', '.join(now)} would find it: `mentiond rematch --since 30d {names}`."
        )
    if post.is_kept:
        return f"Nobody heard of this post: no watchlist matches it. {_nearest(post.others)}".rstrip()
    return (
        f"Nobody heard of this post: it was read at {_moment(post.first_seen)} and no mention of it is stored. "
        "Either it matched no watchlist (the words of such posts are not kept, unless `store.keep_unmatched` says so), "
        "or it was deleted by `store.retention`."
    )


def _only_shown(post: ToldPost, now: list[str]) -> str:
    if post.first_seen is None:
        found = f"{', '.join(now)} will find it" if now else f"no watchlist will find it. {_nearest(post.others)}"
        return f"Nobody has heard of this post yet: {post.source} shows it and has not read it. {found.rstrip('. ')}."
    if now:
        return (
            f"Nobody heard of this post: it matched no watchlist when it was read at {_moment(post.first_seen)}. "
            f"As they are now, {', '.join(now)} would find it, but its words were not kept."
        )
    return f"Nobody heard of this post: no watchlist matches it. {_nearest(post.others)}".rstrip()


def _nearest(others: tuple[Nearness, ...]) -> str:
    if not others or not others[0].found:
        return ""
    return f"{others[0].watchlist} came nearest: {describe_nearness(others[0])}."


def describe_nearness(other: Nearness) -> str:
    """What a watchlist found in a post, and what it lacked."""
    said = [f"found {_quoted(other.found)}"] if other.found else []
    said += [f"lacks {_quoted(other.missing)}"] if other.missing else []
    said += [f"is ruled out by NOT {_quoted(other.excluded)}"] if other.excluded else []
    return ", ".join(said)


def _quoted(parts: tuple[str, ...]) -> str:
    return ", ".join(f"`{part}`" for part in parts)


def _moment(at: datetime | None) -> str:
    return show_time(at) or "an unknown time"


def _heard(mention: ToldMention) -> str:
    sent = [alert for alert in mention.alerts if alert.told_at is not None]
    told = dict.fromkeys(f"{alert.receiver}{f' ({alert.recipient})' if alert.recipient else ''}" for alert in sent)
    first = min(alert.told_at for alert in sent if alert.told_at is not None)
    heard = {alert.receiver for alert in sent}
    waiting = [alert for alert in mention.alerts if alert.receiver not in heard]
    rest = "".join(f" {alert.receiver} did not: {alert.why}." for alert in waiting)
    return f"{', '.join(told)} heard of mention {mention.id} ({mention.watchlist}), first at {show_time(first)}.{rest}"


def _why(mention: ToldMention) -> str:
    if mention.alerts:
        return "; ".join(dict.fromkeys(f"{alert.receiver}: {alert.why}" for alert in mention.alerts))
    if mention.receivers:
        return (
            f"no alert was ever owed; by the routes as they are now it would go to {', '.join(mention.receivers)}. "
            "It came by `mentiond rematch`, is a copy of a post that was told, or the routes have changed since"
        )
    if mention.tags[0] in (UNSURE, NONE):
        tag = mention.tags[0]
        return f"it is `{tag}`, which only goes to routes that spell it out (`label = {tag}`), and none does"
    if mention.tags[0] == UNCLASSIFIED:
        return "the classifier has not judged it, and no route leads to anybody"
    return "no route leads to anybody; the way through the tree is below"
