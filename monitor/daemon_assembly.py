"""The daemon of one configuration, put together; nothing is polled or sent yet."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random

from alerts.base import Receiver
from alerts.links import NO_LINKS
from monitor.action_links import SignedLinks
from monitor.assembly import (
    Tools,
    build_authors,
    build_callers,
    build_desk,
    build_fallbacks,
    build_parts,
    build_receivers,
    build_rules,
    build_surroundings,
    utc_now,
)
from monitor.attendant import Attendant
from monitor.config import Config
from monitor.daemon import Daemon
from monitor.delivery import Delivery
from monitor.inbox import StoredInbox
from monitor.judge import Judge
from monitor.listening import build_listenings
from monitor.loading import Surroundings
from monitor.metrics import Metrics
from monitor.pipeline import Pipeline
from monitor.serving import Serving
from monitor.store import Store
from monitor.stories import Stories
from monitor.watchdog import Watchdog

HEARTBEAT_SECONDS = 10.0  # for an answer


def assemble(
    config: Config,
    store: Store,
    judge: Judge,
    tools: Tools,
    thread: ThreadPoolExecutor,
    links: SignedLinks | None,
    metrics: Metrics,
) -> Daemon:
    """The daemon of one configuration."""
    random = Random()
    receivers = build_receivers(config, tools, links or NO_LINKS)
    around = build_surroundings(config)
    daemon = Daemon(
        config,
        store,
        _build_pipeline(config, store, judge, tools, thread, random, metrics),
        build_parts(config, tools, StoredInbox(store)),
        _build_deliveries(config, store, receivers, around, random, metrics),
        Attendant(store, build_callers(config), utc_now),
        _build_watchdog(config, store, tools, receivers),
    )
    daemon.watchdog.wake = daemon.attendant.wake = daemon.pipeline.wake = daemon.wake
    for delivery in daemon.deliveries.values():
        delivery.on_stop, delivery.wake = daemon.tell_operator, daemon.wake
    desk = build_desk(config, store, daemon.wake)
    daemon.listeners = build_listenings(receivers, desk, random, daemon.tell_deaf)
    daemon.routes = Serving(config, store, daemon.parts.values(), receivers, desk, links, around).routes()
    return daemon


def _build_pipeline(
    config: Config,
    store: Store,
    judge: Judge,
    tools: Tools,
    thread: ThreadPoolExecutor,
    random: Random,
    metrics: Metrics,
) -> Pipeline:
    return Pipeline(
        store=store,
        judge=judge,
        judge_thread=thread,
        recipients={receiver.name: receiver.recipients for receiver in config.receivers},
        operations=config.operations.receiver,
        keep_unmatched=bool(config.store.keep_unmatched),
        clock=utc_now,
        random=random,
        articles=tools.articles,
        authors=build_authors(config),
        metrics=metrics,
        stories=Stories(config.stories) if config.stories else None,
    )


def _build_deliveries(
    config: Config,
    store: Store,
    receivers: Mapping[str, Receiver],
    around: Surroundings,
    random: Random,
    metrics: Metrics,
) -> dict[str, Delivery]:
    rules, fallbacks = build_rules(config), build_fallbacks(config)
    return {
        settings.name: Delivery(
            name=settings.name,
            receiver=receivers[settings.name],
            pace=settings.pace,
            retry_for=settings.retry_for,
            public_url=config.server.public_url or "",
            store=store,
            clock=utc_now,
            random=random,
            around=around,
            rules=rules,
            fallback=fallbacks.get(settings.name),
            metrics=metrics,
        )
        for settings in config.receivers
    }


def _build_watchdog(config: Config, store: Store, tools: Tools, receivers: Mapping[str, Receiver]) -> Watchdog:
    name, heartbeat_url = config.operations.receiver, config.operations.heartbeat_url
    recipients = {settings.name: settings.recipients for settings in config.receivers}
    return Watchdog(
        store=store,
        clock=utc_now,
        silent_after=config.operations.silent_after,
        beat=partial(_beat, tools, heartbeat_url) if heartbeat_url else None,
        operations=name,
        recipients=recipients[name] if name else (),
        direct=receivers[name] if name else None,
    )


async def _beat(tools: Tools, url: str) -> str | None:
    """GET the heartbeat; the operator's own address, exempt from the rules for strangers' hosts."""
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=HEARTBEAT_SECONDS)
        async with tools.http.session_for(url).get(url, timeout=timeout) as response:
            return None if response.status < 400 else f"answered {response.status}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"no answer: {type(error).__name__}"
