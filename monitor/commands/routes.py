"""`mentiond routes test`: who would hear of a mention, and why."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime

from monitor.commands import OK, CommandError
from monitor.config import build_routes, build_watchlists, load
from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.matchers import NAMES
from rules.routing import Outcome, decide, explain
from sources.base import Post, PostKind


def test(options: argparse.Namespace) -> int:
    """Say who would hear of a mention with these facts, and why."""
    config = load(options.config, os.environ)
    facts = _facts(options.facts)
    watchlists = {watchlist.name: watchlist for watchlist in build_watchlists(config)}
    at = datetime.now(UTC)
    mention = _mention(facts, watchlists, at)
    types: dict[str, str] = {source.name: source.type for source in config.sources}
    source_type = facts.get("source_type", types.get(mention.post.source, ""))
    root = build_routes(config)
    decisions = decide(root, mention, source_type, at)
    if options.json:
        for decision in decisions:
            print(json.dumps({"receiver": decision.receiver, "routes": list(decision.routes)}, ensure_ascii=False))
        return OK
    for step in explain(root, mention, source_type, at):
        matchers = ", ".join(matcher.text for matcher in step.route.matchers) or "(all)"
        why = f": {step.failed.text}" if step.outcome is Outcome.FAILED and step.failed else ""
        print(f"{'  ' * len(step.position)}{matchers} -> {step.route.receiver}  [{step.outcome.value}{why}]")
    print("hears of it: " + (", ".join(decision.receiver for decision in decisions) or "nobody"))
    return OK


def _facts(words: list[str]) -> dict[str, str]:
    facts = dict(word.partition("=")[::2] for word in words)
    for word in words:
        name, sign, _ = word.partition("=")
        if not sign or name not in NAMES:
            raise CommandError(f"{word!r}: expected NAME=VALUE with a name of {', '.join(sorted(NAMES))}")
    return facts


def _mention(facts: dict[str, str], watchlists: dict[str, Watchlist], at: datetime) -> Mention:
    try:
        return _build_mention(facts, watchlists, at)
    except (ValueError, OverflowError) as error:  # a number that is none, or infinite
        raise CommandError(f"cannot be: {error}") from error


def _build_mention(facts: dict[str, str], watchlists: dict[str, Watchlist], at: datetime) -> Mention:
    tags = tuple(facts.get("label", "none").split(","))
    score = float(facts.get("score", "0.9"))
    carried = [Label(tag) for tag in tags if tag not in ("unsure", "none", "unclassified")]
    name = facts.get("watchlist", "")
    if name and name not in watchlists:
        raise ValueError(f"watchlist {name!r} is not configured; there are {', '.join(sorted(watchlists))}")
    known = watchlists.get(name, Watchlist(name, WatchlistKind.BRAND, ""))
    kind = WatchlistKind(facts.get("watchlist_kind", known.kind))
    numbers = {key: float(facts[key]) for key in ("rating", "followers", "engagement") if key in facts}
    return Mention(
        post=Post(
            source=facts.get("source", ""),
            external_id="test",
            text="",
            published_at=at,
            author=facts.get("author"),
            kind=PostKind(facts.get("post_kind", "post")),
            rating=numbers.get("rating"),
            followers=int(numbers["followers"]) if "followers" in numbers else None,
            engagement=int(numbers["engagement"]) if "engagement" in numbers else None,
        ),
        watchlist=Watchlist(name, kind, known.query, known.names, facts.get("team", known.team)),
        match=Match(name, (), ()),
        verdict=Verdict(
            probabilities=dict.fromkeys(carried, score),
            tags=tags,
            sentiment=Sentiment(facts.get("sentiment", "neutral")),
            lang=facts.get("lang", "de"),
        ),
    )
