"""Puts together what is known of a post: from the store, from the rules as they are configured now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseView
from alerts.excerpt import clean, excerpt
from monitor.assembly import build_router, build_rules
from monitor.case_views import load_cases
from monitor.commands.output import show_time
from monitor.commands.route_output import explain_step
from monitor.config import Config
from monitor.explain.alert_reasons import Reasons
from monitor.explain.bands import Thresholds, read_thresholds
from monitor.explain.finding import Place
from monitor.explain.shapes import Attempt, LabelChance, Nearness, ToldAlert, ToldMention, ToldPost, TriedRoute
from monitor.loading import JOINED, POST_FIELDS, read_mention
from monitor.router import Router
from monitor.schema import (
    alerts,
    attempts,
    corrections,
    group_members,
    mentions,
    own_posts,
    posts,
    revisions,
    seen,
    verdicts,
)
from monitor.suppression import Quiet
from monitor.tombstones import forgotten_among
from rules.base import Mention, Verdict, Watchlist
from rules.matchers import Facts
from rules.misses import explain_miss
from rules.query import parse
from rules.routing import decide, explain
from sources.base import Post, PostKind

TEXT_LIMIT = 300  # characters of a text around what matched
COPIES = 10


@dataclass(slots=True)
class Explainer:
    """One look at the store, with one configuration."""

    connection: Connection
    config: Config
    now: datetime
    _router: Router = field(init=False)
    _watchlists: dict[str, Watchlist] = field(init=False)
    _quiet: Quiet = field(init=False)
    _reasons: Reasons = field(init=False)

    def __post_init__(self) -> None:
        rules = build_rules(self.config)
        self._router = build_router(self.config)
        self._watchlists = dict(rules.watchlists)
        self._quiet = Quiet(self.connection, rules, self.now)
        self._reasons = Reasons(self.connection, self._quiet, self.now)

    def post(self, place: Place, shown: Post | None = None) -> ToldPost:
        """Everything about one post; `shown`: as its source shows it now, where its words are not kept."""
        source, external_id = place
        here = (seen.c.source == source, seen.c.external_id == external_id)
        met = self.connection.execute(sa.select(seen.c.first_seen, seen.c.last_seen).where(*here)).one_or_none()
        row = self.connection.execute(
            sa.select(posts).where(posts.c.source == source, posts.c.external_id == external_id)
        ).one_or_none()
        own = sa.select(own_posts.c.external_id).where(
            own_posts.c.source == source, own_posts.c.external_id == external_id
        )
        told: dict[str, Any] = {
            "source": source,
            "source_type": self._router.source_types.get(source, ""),
            "external_id": external_id,
            "first_seen": met and met.first_seen,
            "last_seen": met and met.last_seen,
            "is_kept": row is not None and row.deleted_at is None,
            "is_own": self.connection.scalar(own) is not None,
        }
        if row is not None:
            return ToldPost(**told | self._stored(row))
        return ToldPost(**told | (self._as_shown(shown) if shown is not None else {}))

    def is_forgotten(self, post: Post) -> bool:
        """Whether its author was erased."""
        places = (post.source, self._router.source_types.get(post.source, ""))
        return bool(forgotten_among(self.connection, places, [post.author]))

    def _as_shown(self, post: Post) -> dict[str, Any]:
        words = {name: getattr(post, name) for name in ("url", "author", "title", "text")}
        others = () if self._router.is_own(post) else tuple(self._others(post, set()))
        times = {"published_at": post.published_at if post.dated else None}
        return words | times | {"is_shown": True, "is_own": self._router.is_own(post), "others": others}

    def _stored(self, row: sa.Row[Any]) -> dict[str, Any]:
        post = Post(**{name: getattr(row, name) for name in POST_FIELDS} | {"kind": PostKind(row.kind)})
        edits = sa.select(sa.func.count()).select_from(revisions).where(revisions.c.post_id == row.id)
        told = tuple(self._mentions(row.id))
        is_own = self._router.is_own(post)
        return {
            "url": row.url,
            "author": row.author,
            "title": row.title,
            "text": row.text,
            "published_at": row.published_at,
            "fetched_at": row.fetched_at,
            "deleted_at": row.deleted_at,
            "edits": self.connection.scalar(edits) or 0,
            "copies": tuple(self._copies(row)),
            "mentions": told,
            "others": () if row.deleted_at or is_own else tuple(self._others(post, {one.watchlist for one in told})),
        } | ({"is_own": True} if is_own else {})

    def _copies(self, row: sa.Row[Any]) -> Iterator[str]:
        story = row.story_id or row.id
        same = sa.and_(sa.or_(posts.c.story_id == story, posts.c.id == story), posts.c.id != row.id)
        query = sa.select(posts.c.source, posts.c.external_id, posts.c.url, posts.c.id).where(same)
        for copy in self.connection.execute(query.order_by(posts.c.id).limit(COPIES)):
            first = ", the first of them" if copy.id == story else ""
            yield f"{copy.url or copy.external_id} ({copy.source}{first})"

    def _others(self, post: Post, told: set[str]) -> Iterator[Nearness]:
        """Watchlists that made no mention, those that came near first."""
        found = []
        for watchlist in self._watchlists.values():
            if watchlist.name in told:
                continue
            miss = explain_miss(parse(watchlist.query), post)
            if miss is None:
                found.append(Nearness(watchlist=watchlist.name, query=watchlist.query, matches_now=True))
                continue
            parts = {"found": miss.found, "missing": miss.missing, "excluded": miss.excluded}
            found.append(Nearness(watchlist=watchlist.name, query=watchlist.query, matches_now=False, **parts))
        yield from sorted(found, key=lambda one: (not one.matches_now, -len(one.found), one.watchlist))

    # -- mentions

    def _mentions(self, post_id: int) -> Iterator[ToldMention]:
        query = sa.select(posts, mentions, verdicts).select_from(JOINED).where(mentions.c.post_id == post_id)
        rows = self.connection.execute(query.order_by(mentions.c.id)).all()
        cases = load_cases(self.connection, [row._mapping[mentions.c.id] for row in rows])
        for row in rows:
            mention = read_mention(row, self._watchlists)
            yield self._mention(mention, row._mapping[mentions.c.created_at], cases.get(mention.id))

    def _mention(self, mention: Mention, created_at: datetime, case: CaseView | None) -> ToldMention:
        source_type = self._router.source_types.get(mention.post.source, "")
        decisions = decide(self._router.root, mention, source_type, created_at)
        verdict = mention.verdict
        thresholds = read_thresholds(self.config, verdict.lang)
        return ToldMention(
            id=mention.id,
            watchlist=mention.watchlist.name,
            kind=mention.watchlist.kind.value,
            is_configured=mention.watchlist.name in self._watchlists,
            query=mention.watchlist.query,
            terms=mention.match.terms,
            marked=" | ".join(filter(None, _marked(mention))),
            created_at=created_at,
            tags=verdict.tags,
            sentiment=verdict.sentiment.value,
            lang=verdict.lang,
            model=verdict.model,
            model_now=thresholds.model,
            chances=tuple(_chances(verdict, thresholds)),
            corrected=self._corrected(mention.id),
            routes=tuple(self._routes(mention, source_type, created_at)),
            receivers=tuple(decision.receiver for decision in decisions),
            alerts=tuple(self._alerts(mention.id)),
            case=case,
        )

    def _corrected(self, mention_id: int) -> str:
        row = self.connection.execute(
            sa.select(corrections).where(corrections.c.mention_id == mention_id)
        ).one_or_none()
        if row is None:
            return ""
        return f"{', '.join(row.labels) or 'no label'}, says {row.by} since {show_time(row.at)}"

    def _routes(self, mention: Mention, source_type: str, at: datetime) -> Iterator[TriedRoute]:
        facts = Facts.of(mention, source_type, at)
        for step in explain(self._router.root, mention, source_type, at):
            matchers = ", ".join(matcher.text for matcher in step.route.matchers) or "(all)"
            text = f"{matchers} -> {step.route.receiver}"
            yield TriedRoute(len(step.position), text, step.outcome.value, explain_step(step, facts))

    # -- alerts

    def _alerts(self, mention_id: int) -> Iterator[ToldAlert]:
        groups = sa.select(group_members.c.group_id).where(group_members.c.mention_id == mention_id)
        about = sa.or_(alerts.c.mention_id == mention_id, alerts.c.group_id.in_(groups))
        rows = self.connection.execute(sa.select(alerts).where(about).order_by(alerts.c.id)).all()
        quiet = self._quiet.find(mentions.c.id == mention_id).get(mention_id)
        for row in rows:
            yield self._alert(row, quiet)

    def alert(self, alert_id: int) -> ToldAlert | None:
        """One by itself, such as a notice."""
        row = self.connection.execute(sa.select(alerts).where(alerts.c.id == alert_id)).one_or_none()
        return None if row is None else self._alert(row, None)

    def _alert(self, row: sa.Row[Any], quiet: str | None) -> ToldAlert:
        return ToldAlert(
            id=row.id,
            receiver=row.receiver,
            recipient=row.recipient,
            reason=row.reason,
            state=row.state,
            why=self._reasons.why(row, quiet),
            routes=tuple(row.routes),
            created_at=row.created_at,
            told_at=self._reasons.told_at(row),
            attempts=tuple(self._attempts(row.id)),
        )

    def _attempts(self, alert_id: int) -> Sequence[Attempt]:
        query = sa.select(attempts.c.at, attempts.c.outcome, attempts.c.detail).where(attempts.c.alert_id == alert_id)
        return [Attempt(*row) for row in self.connection.execute(query.order_by(attempts.c.id))]


def _chances(verdict: Verdict, thresholds: Thresholds) -> Iterator[LabelChance]:
    """The likeliest first."""
    for label, chance in sorted(verdict.probabilities.items(), key=lambda item: -item[1]):
        cues, band = tuple(verdict.cues.get(label, ())), thresholds.bands.get(label)
        if band is None:
            yield LabelChance(label.value, chance, None, None, cues, "")
            continue
        above = "no cue" if chance >= band.threshold else "candidate" if chance >= band.floor else "below"
        standing = "carried" if label in verdict.tags else above
        yield LabelChance(label.value, chance, band.threshold, band.floor, cues, standing)


def _marked(mention: Mention) -> Iterator[str]:
    for name, text in (("title", mention.post.title), ("text", mention.post.text)):
        spans = tuple(span for span in mention.match.spans if span.field == name)
        pieces = excerpt(text, spans, TEXT_LIMIT)
        yield clean("".join(f"[{piece.text}]" if piece.is_hit else piece.text for piece in pieces).strip())
