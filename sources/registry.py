"""Every source that can be configured, and how it is built. A new source adds its two lines here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, assert_never, get_args

from pydantic import Field

from sources.appstore import AppStoreSettings, AppStoreSource
from sources.appstore_connect import AppStoreConnectSource
from sources.base import Clock, Http, Inbox, Source, Stream, searches
from sources.bluesky import BlueskySettings, BlueskySource
from sources.bluesky_search import BlueskySearchSettings, search_parts
from sources.discourse import DiscourseSettings, DiscourseSource
from sources.document import FeedParser
from sources.feed import FeedSettings, FeedSource
from sources.file import FileSettings, FileSource, StandardInput
from sources.forum import ForumSource
from sources.forum_settings import ForumSettings
from sources.gdelt import GdeltSettings, gdelt_parts
from sources.googlebusiness import GoogleBusinessSettings, GoogleBusinessSource, open_access
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from sources.hackernews_walk import HackerNewsWalk
from sources.imap import ImapSettings, ImapSource
from sources.lemmy import LemmySettings, LemmySource
from sources.lemmy import listings as lemmy_listings
from sources.mastodon import MastodonSettings, MastodonSource
from sources.mastodon import parts as mastodon_parts
from sources.mastodon import streams as mastodon_streams
from sources.mastodon_stream import MastodonStream
from sources.meta import MetaSettings, MetaSource, graph_of
from sources.meta_comments import MetaComments
from sources.news import NewsSettings, news_parts, news_target
from sources.nodebb import NodeBBSettings, NodeBBSource
from sources.page_reader import PageReader
from sources.playstore import PlayStoreSettings, PlayStoreSource
from sources.reddit import RedditSettings, RedditSource, listings
from sources.reddit_client import RedditClient
from sources.reddit_feed import RedditFeedSource
from sources.stackexchange import StackExchangeSettings, StackExchangeSource, methods
from sources.trustedshops import TrustedShopsSettings, TrustedShopsSource
from sources.trustpilot import TrustpilotSettings, TrustpilotSource
from sources.webhook import WebhookSettings, WebhookSource
from sources.x import XSettings, XSource
from sources.youtube import YouTubeComments, YouTubeSettings
from sources.youtube_search import YouTubeSearch

if TYPE_CHECKING:
    import aiohttp

SourceConfig = Annotated[
    AppStoreSettings
    | BlueskySearchSettings
    | BlueskySettings
    | DiscourseSettings
    | FeedSettings
    | FileSettings
    | ForumSettings
    | GdeltSettings
    | GoogleBusinessSettings
    | HackerNewsSettings
    | ImapSettings
    | LemmySettings
    | MastodonSettings
    | MetaSettings
    | NewsSettings
    | NodeBBSettings
    | PlayStoreSettings
    | RedditSettings
    | StackExchangeSettings
    | TrustedShopsSettings
    | TrustpilotSettings
    | WebhookSettings
    | XSettings
    | YouTubeSettings,
    Field(discriminator="type"),
]  # fmt: skip

SOURCE_TYPES = tuple(
    str(get_args(model.model_fields["type"].annotation)[0]) for model in get_args(get_args(SourceConfig)[0])
)
LASTING = ("policy",)  # keys of a cursor that outlive a change of the address: how entries are told apart
WHOLE = ""  # the part of a source that has only one


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources are given. `session_for` is the guarded session of a host, for streams."""

    http: Http
    parser: FeedParser
    pages: PageReader
    clock: Clock
    inbox: Inbox
    session_for: Callable[[str], aiohttp.ClientSession]


def build(config: SourceConfig, tools: Tools) -> dict[str, Source | Stream]:  # noqa: C901  # flat: a case for each type
    """The parts of a configured source by name; each has a cursor of its own."""
    match config:
        case FeedSettings():
            return {WHOLE: FeedSource(config, tools.http, tools.parser, tools.clock)}
        case BlueskySettings():
            return {WHOLE: BlueskySource(config, tools.http, tools.session_for, tools.clock)}
        case AppStoreSettings(key=None):
            return {country: AppStoreSource(config, country, tools.http, tools.clock) for country in config.countries}
        case AppStoreSettings():
            return {WHOLE: AppStoreConnectSource(config, tools.http, tools.clock)}
        case BlueskySearchSettings():
            return dict(search_parts(config, searches(config.search), tools.http, tools.clock))
        case DiscourseSettings():
            return {WHOLE: DiscourseSource(config, tools.http, tools.clock)}
        case HackerNewsSettings(mode="walk"):
            return {WHOLE: HackerNewsWalk(config, tools.http, tools.clock)}
        case HackerNewsSettings():
            return {WHOLE: HackerNewsSource(config, tools.http, tools.clock)}
        case RedditSettings():
            return _reddit(config, tools)
        case GdeltSettings():
            return {**gdelt_parts(config, tools.http, tools.clock)}
        case NewsSettings():
            return {**news_parts(config, tools.http, tools.parser, tools.clock)}
        case StackExchangeSettings():
            return {
                part: StackExchangeSource(config, method, tools.http, tools.clock)
                for part, method in methods(config).items()
            }
        case XSettings():
            return {WHOLE: XSource(config, tools.http, tools.clock)}
        case YouTubeSettings():
            return _youtube(config, tools)
        case ForumSettings():
            return {url: ForumSource(config, url, tools.http, tools.pages, tools.clock) for url in config.urls}
        case LemmySettings():
            return {each.part: LemmySource(config, each, tools.http, tools.clock) for each in lemmy_listings(config)}
        case NodeBBSettings():
            return {WHOLE: NodeBBSource(config, tools.http, tools.clock)}
        case MastodonSettings():
            return _mastodon(config, tools)
        case FileSettings(path="-"):
            return {WHOLE: StandardInput(config, tools.clock)}
        case FileSettings():
            return {WHOLE: FileSource(config, tools.clock)}
        case ImapSettings():
            return {mailbox: ImapSource(config, mailbox, tools.clock) for mailbox in config.mailboxes}
        case MetaSettings():
            return _meta(config, tools)
        case WebhookSettings():
            return {WHOLE: WebhookSource(config, tools.inbox, tools.clock)}
        case GoogleBusinessSettings():
            access, clock = open_access(config, tools.http, tools.clock), tools.clock
            return {place: GoogleBusinessSource(config, place, access, clock) for place in config.locations}
        case PlayStoreSettings():
            return {WHOLE: PlayStoreSource(config, tools.http, tools.clock)}
        case TrustedShopsSettings():
            return {WHOLE: TrustedShopsSource(config, tools.http, tools.clock)}
        case TrustpilotSettings():
            return {WHOLE: TrustpilotSource(config, tools.http, tools.clock)}
        case _:
            assert_never(config)


def _mastodon(config: MastodonSettings, tools: Tools) -> dict[str, Source | Stream]:
    """One part for each hashtag and search on each instance, and one for all that an instance sends by itself."""
    asked = mastodon_parts(config, searches(config.search))
    made: dict[str, Source | Stream] = {
        each.part: MastodonSource(config, each, tools.http, tools.clock) for each in asked
    }
    for each in mastodon_streams(config):
        made[each.part] = MastodonStream(config, each, tools.http, tools.session_for, tools.clock)
    return made


def _reddit(config: RedditSettings, tools: Tools) -> dict[str, Source | Stream]:
    """One part for each listing; all of them share the application's rate limit."""
    if config.client_id is None:
        return {
            part: RedditFeedSource(config, listing, tools.http, tools.parser, tools.clock)
            for part, listing in listings(config).items()
        }
    secret = config.client_secret.get_secret_value() if config.client_secret else None
    client = RedditClient(tools.http, tools.clock, config.client_id, secret, config.base_url)
    return {part: RedditSource(config, listing, client, tools.clock) for part, listing in listings(config).items()}


def _youtube(config: YouTubeSettings, tools: Tools) -> dict[str, Source | Stream]:
    """One part for each channel and video; the searches are one, because they share a budget."""
    about = {f"channel/{each}": {"allThreadsRelatedToChannelId": each} for each in config.channels}
    about |= {f"video/{each}": {"videoId": each} for each in config.videos}
    parts: dict[str, Source | Stream] = {
        part: YouTubeComments(config, asked, tools.http, tools.clock) for part, asked in about.items()
    }
    if config.search:
        parts["search"] = YouTubeSearch(config, tools.http, tools.clock)
    return parts


def _meta(config: MetaSettings, tools: Tools) -> dict[str, Source | Stream]:
    graph = graph_of(config, tools.http, tools.clock)
    parts: dict[str, Source | Stream] = {WHOLE: MetaSource(config, graph, tools.inbox, tools.clock)}
    if graph is not None and config.page_id is not None:
        bounds = {"backlog": config.backlog, "posts_within": config.posts_within}
        parts["comments"] = MetaComments(config.name, config.page_id, graph, tools.clock, **bounds)
    return parts


def fingerprint(config: SourceConfig, part: str) -> str:  # noqa: C901  # flat, too
    """What the cursor of this part points into; another value starts a first pass anew."""
    target: str | list[str]
    match config:
        case FeedSettings():
            target = config.address
        case BlueskySettings() | DiscourseSettings() | NodeBBSettings():
            target = config.url
        case AppStoreSettings():
            target = f"{config.app} {part}"
        case LemmySettings():
            target = f"{config.url} {part}"
        case BlueskySearchSettings() | MastodonSettings() | StackExchangeSettings() | WebhookSettings():
            target = part
        case XSettings() | YouTubeSettings():
            target = part
        case ForumSettings():
            target = f"{part} {config.positions}"
        case HackerNewsSettings():
            target = part if config.mode == "search" else config.mode
        case RedditSettings():
            target = f"{'api' if config.client_id else 'feed'} {part}"
        case GdeltSettings():
            target = " ".join([part, *config.television])
        case NewsSettings():
            target = news_target(config, part)
        case FileSettings():
            target = f"table {config.path}" if config.is_table else config.path
        case GoogleBusinessSettings():
            target = f"{config.account} {part}"
        case PlayStoreSettings():
            target = config.package
        case TrustedShopsSettings():
            target = " ".join(sorted(config.channels))
        case TrustpilotSettings():
            target = config.business_unit
        case MetaSettings():
            target = [config.page_id or "", part] if part else part
        case ImapSettings():
            target = [config.account.place, config.username, part]
        case _:
            assert_never(config)
    return hashlib.sha256(json.dumps([config.type, config.base_url, target]).encode()).hexdigest()[:32]
