"""Every source that can be configured, and how it is built. A new source adds its two lines here."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, assert_never, get_args

from pydantic import Field

from sources import parts
from sources.appstore import AppStoreSettings, AppStoreSource
from sources.appstore_connect import AppStoreConnectSource
from sources.base import searches
from sources.bluesky import BlueskySettings, BlueskySource
from sources.bluesky_search import BlueskySearchSettings, search_parts
from sources.discourse import DiscourseSettings, DiscourseSource
from sources.feed import FeedSettings, FeedSource
from sources.file import FileSettings, FileSource, StandardInput
from sources.forum import ForumSource
from sources.forum_settings import ForumSettings
from sources.gdelt import GdeltSettings, gdelt_parts
from sources.googlebusiness import GoogleBusinessSettings
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from sources.hackernews_walk import HackerNewsWalk
from sources.imap import ImapSettings, ImapSource
from sources.lemmy import LemmySettings, LemmySource, listings
from sources.mastodon import MastodonSettings
from sources.meta import MetaSettings
from sources.news import NewsSettings, news_parts, news_target
from sources.nodebb import NodeBBSettings, NodeBBSource
from sources.playstore import PlayStoreSettings, PlayStoreSource
from sources.reddit import RedditSettings
from sources.stackexchange import StackExchangeSettings
from sources.tools import WHOLE, Parts, Tools
from sources.trustedshops import TrustedShopsSettings, TrustedShopsSource
from sources.trustpilot import TrustpilotSettings, TrustpilotSource
from sources.webhook import WebhookSettings, WebhookSource
from sources.x import XSettings, XSource
from sources.youtube import YouTubeSettings

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


def build(config: SourceConfig, tools: Tools) -> Parts:  # noqa: C901  # flat: a case for each type
    """The parts of a configured source by name; each has a cursor of its own."""
    match config:
        case AppStoreSettings(key=None):
            return {country: AppStoreSource(config, country, tools.http, tools.clock) for country in config.countries}
        case AppStoreSettings():
            return {WHOLE: AppStoreConnectSource(config, tools.http, tools.clock)}
        case BlueskySearchSettings():
            return dict(search_parts(config, searches(config.search), tools.http, tools.clock))
        case BlueskySettings():
            return {WHOLE: BlueskySource(config, tools.http, tools.session_for, tools.clock)}
        case DiscourseSettings():
            return {WHOLE: DiscourseSource(config, tools.http, tools.clock)}
        case FeedSettings():
            return {WHOLE: FeedSource(config, tools.http, tools.parser, tools.clock)}
        case FileSettings(path="-"):
            return {WHOLE: StandardInput(config, tools.clock)}
        case FileSettings():
            return {WHOLE: FileSource(config, tools.clock)}
        case ForumSettings():
            return {url: ForumSource(config, url, tools.http, tools.pages, tools.clock) for url in config.urls}
        case GdeltSettings():
            return {**gdelt_parts(config, tools.http, tools.clock)}
        case GoogleBusinessSettings():
            return parts.googlebusiness(config, tools)
        case HackerNewsSettings(mode="walk"):
            return {WHOLE: HackerNewsWalk(config, tools.http, tools.clock)}
        case HackerNewsSettings():
            return {WHOLE: HackerNewsSource(config, tools.http, tools.clock)}
        case ImapSettings():
            return {mailbox: ImapSource(config, mailbox, tools.clock) for mailbox in config.mailboxes}
        case LemmySettings():
            return {each.part: LemmySource(config, each, tools.http, tools.clock) for each in listings(config)}
        case MastodonSettings():
            return parts.mastodon(config, tools)
        case MetaSettings():
            return parts.meta(config, tools)
        case NewsSettings():
            return {**news_parts(config, tools.http, tools.parser, tools.clock)}
        case NodeBBSettings():
            return {WHOLE: NodeBBSource(config, tools.http, tools.clock)}
        case PlayStoreSettings():
            return {WHOLE: PlayStoreSource(config, tools.http, tools.clock)}
        case RedditSettings():
            return parts.reddit(config, tools)
        case StackExchangeSettings():
            return parts.stackexchange(config, tools)
        case TrustedShopsSettings():
            return {WHOLE: TrustedShopsSource(config, tools.http, tools.clock)}
        case TrustpilotSettings():
            return {WHOLE: TrustpilotSource(config, tools.http, tools.clock)}
        case WebhookSettings():
            return {WHOLE: WebhookSource(config, tools.inbox, tools.clock)}
        case XSettings():
            return {WHOLE: XSource(config, tools.http, tools.clock)}
        case YouTubeSettings():
            return parts.youtube(config, tools)
        case _:
            assert_never(config)


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
