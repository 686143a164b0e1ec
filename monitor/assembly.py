"""The composition root: builds sources, rules and receivers from the configuration. Nothing is polled or sent here."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alerts.base import Receiver
from alerts.email_settings import EmailSettings
from alerts.guidelines import Guidelines
from alerts.links import NO_LINKS, Links
from alerts.registry import Tools as ReceiverTools
from alerts.registry import build as build_receiver
from monitor.accounts import account_name, account_names
from monitor.calls import Callers
from monitor.case_views import load_cases
from monitor.config import Config, build_hours, build_inhibit_rules, build_routes, build_teams, build_watchlists
from monitor.desk import StoreDesk
from monitor.digests import Digest
from monitor.fallback import Fallback
from monitor.http import GuardedHttp
from monitor.judge import Judge
from monitor.loading import Surroundings
from monitor.people import Authors
from monitor.pipeline import Part
from monitor.router import Router
from monitor.searching import with_searches
from monitor.store import Store
from monitor.stories import read_copies
from monitor.suppression import Rules
from rules.base import Classifier
from rules.matching import QueryMatcher
from rules.routing import DROP
from sources.articles import Articles
from sources.base import Hook, Inbox, SourceSettings
from sources.feed_parser import FeedParser
from sources.registry import build as build_source
from sources.registry import fingerprint
from sources.robots import RobotsMemory
from sources.tools import Tools as SourceTools


def utc_now() -> datetime:
    """The clock of the daemon."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources and receivers share."""

    http: GuardedHttp
    parser: FeedParser
    articles: Articles


@asynccontextmanager
async def open_tools(config: Config) -> AsyncIterator[Tools]:
    """The guarded HTTP session, the feed parser and the reader of articles, closed at the end."""
    settings = config.http
    guarded = GuardedHttp(
        contact=settings.contact, per_host=settings.per_host, allow_hosts=settings.allow_hosts, clock=utc_now
    )
    parser = FeedParser()
    async with guarded as http:
        articles = Articles(http, RobotsMemory(http, utc_now))
        try:
            yield Tools(http, parser, articles)
        finally:
            await parser.close()
            await articles.close()


def build_parts(config: Config, tools: Tools, inbox: Inbox) -> dict[tuple[str, str], Part]:
    """(source, part) -> what is polled."""
    given = SourceTools(
        http=tools.http,
        parser=tools.parser,
        pages=tools.parser.pages,
        clock=utc_now,
        inbox=inbox,
        session_for=tools.http.session_for,
    )
    return {
        (settings.name, part): Part(
            name=settings.name,
            part=part,
            source=source,
            fingerprint=fingerprint(settings, part),
            every=settings.every,
            backlog=None if settings.backlog == "all" else settings.backlog,
            host=_host(settings),
        )
        for settings in with_searches(config).sources
        for part, source in build_source(settings, given).items()
    }


def _host(settings: SourceSettings) -> str:
    address = settings.base_url or getattr(settings, "url", None)
    return urlsplit(str(address)).netloc.rpartition("@")[2].lower() if address else ""


def find_hooks(parts: Iterable[Part]) -> dict[str, Hook]:
    """The sources that others push to, by name; one has at most one such part."""
    return {part.name: part.source for part in parts if isinstance(part.source, Hook)}


def build_surroundings(config: Config) -> Surroundings:
    """What is looked up around the mentions of an alert."""
    return Surroundings(
        watchlists={watchlist.name: watchlist for watchlist in build_watchlists(config)},
        members=build_teams(config).members,
        cases=load_cases,
        copies=read_copies,
        propose=Guidelines(config.guidelines, utc_now).propose,
    )


def build_receivers(config: Config, tools: Tools, links: Links = NO_LINKS) -> dict[str, Receiver]:
    """Receivers by name."""
    given = ReceiverTools(
        http=tools.http,
        session_for=tools.http.session_for,
        lasting_session_for=tools.http.lasting_session_for,
        clock=utc_now,
        write_line=_write_line,
        is_terminal=sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        zone=ZoneInfo(config.timezone),
        links=links,
    )
    return {settings.name: build_receiver(settings, given) for settings in config.receivers}


def build_rules(config: Config) -> Rules:
    """What keeps alerts from being sent."""
    return Rules(
        hours=build_hours(config),
        inhibit=build_inhibit_rules(config),
        source_types=source_types(config),
        watchlists={watchlist.name: watchlist for watchlist in build_watchlists(config)},
    )


def build_fallbacks(config: Config) -> dict[str, Fallback]:
    """By receiver: who hears while it is stopped. Left out, it is the root's receiver."""
    recipients = {settings.name: settings.recipients for settings in config.receivers}
    named = {settings.name: settings.fallback or config.routes.receiver for settings in config.receivers}
    return {
        name: Fallback(other, recipients[other]) for name, other in named.items() if other != name and other != DROP
    }


def build_router(config: Config) -> Router:
    """Everything that decides where a mention goes."""
    return Router(
        root=build_routes(config),
        source_types=source_types(config),
        own_accounts=account_names(config.own_accounts),
        hours=build_hours(config),
        clock=utc_now,
    )


def build_callers(config: Config) -> Callers:
    """Whom alerts can be owed to."""
    return Callers(
        recipients={receiver.name: receiver.recipients for receiver in config.receivers},
        teams=build_teams(config),
        team_of={watchlist.name: watchlist.team for watchlist in config.watchlists},
    )


def build_desk(
    config: Config, store: Store, wake: Callable[[Iterable[str]], None] = lambda receivers: None
) -> StoreDesk:
    """Where people's actions go."""
    callers, router = build_callers(config), build_router(config)
    return StoreDesk(
        store=store,
        clock=utc_now,
        teams=callers.teams,
        watchlists={watchlist.name: watchlist for watchlist in build_watchlists(config)},
        recipients=callers.recipients,
        router=router,
        wake=wake,
    )


def build_authors(config: Config) -> Authors:
    """Who is who among those who write."""
    accounts = {
        (place, account_name(account)): identity.name
        for identity in config.identities
        for place, names in identity.accounts.items()
        for account in names
    }
    return Authors(source_types(config), accounts)


def source_types(config: Config) -> dict[str, str]:
    """The name of each source -> its type."""
    return {source.name: source.type for source in config.sources}


def build_digests(config: Config) -> dict[str, Digest]:
    """By receiver, of those that gather."""
    return {
        settings.name: Digest(
            every=settings.digest.every.total_seconds() if settings.digest.every else None,
            daily=settings.digest.daily,
            zone=config.timezone,
            takes_crises=settings.digest.crisis,
        )
        for settings in config.receivers
        if isinstance(settings, EmailSettings) and settings.digest
    }


def build_judge(config: Config, classifier: Classifier) -> Judge:
    """Everything that decides what a post means."""
    watchlists = build_watchlists(config)
    return Judge(
        watchlists={watchlist.name: watchlist for watchlist in watchlists},
        matcher=QueryMatcher(watchlists),
        classifier=classifier,
        router=build_router(config),
    )


def _write_line(line: str) -> None:
    if sys.stdout is None:  # started without one: print would say nothing and call it done
        raise ValueError("standard output is closed")
    print(line, flush=True)
