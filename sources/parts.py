"""Sources of several parts that share something: credentials, a budget, a limit."""

from __future__ import annotations

from sources.base import searches
from sources.googlebusiness import GoogleBusinessSettings, GoogleBusinessSource, open_access
from sources.mastodon import MastodonSettings, MastodonSource
from sources.mastodon import parts as mastodon_parts
from sources.mastodon import streams as mastodon_streams
from sources.mastodon_stream import MastodonStream
from sources.meta import MetaSettings, MetaSource, graph_of
from sources.meta_comments import MetaComments
from sources.reddit import RedditSettings, RedditSource
from sources.reddit import listings as reddit_listings
from sources.reddit_client import RedditClient
from sources.reddit_feed import RedditFeedSource
from sources.stackexchange import StackExchangeSettings, StackExchangeSource, methods
from sources.tools import WHOLE, Parts, Tools
from sources.youtube import YouTubeComments, YouTubeSettings
from sources.youtube_search import YouTubeSearch


def reddit(config: RedditSettings, tools: Tools) -> Parts:
    """One part for each listing; all of them share the application's rate limit."""
    if config.client_id is None:
        return {
            part: RedditFeedSource(config, listing, tools.http, tools.parser, tools.clock)
            for part, listing in reddit_listings(config).items()
        }
    secret = config.client_secret.get_secret_value() if config.client_secret else None
    client = RedditClient(tools.http, tools.clock, config.client_id, secret, config.base_url)
    return {
        part: RedditSource(config, listing, client, tools.clock) for part, listing in reddit_listings(config).items()
    }


def youtube(config: YouTubeSettings, tools: Tools) -> Parts:
    """One part for each channel and video; the searches are one, because they share a budget."""
    about = {f"channel/{each}": {"allThreadsRelatedToChannelId": each} for each in config.channels}
    about |= {f"video/{each}": {"videoId": each} for each in config.videos}
    parts: Parts = {part: YouTubeComments(config, asked, tools.http, tools.clock) for part, asked in about.items()}
    if config.search:
        parts["search"] = YouTubeSearch(config, tools.http, tools.clock)
    return parts


def meta(config: MetaSettings, tools: Tools) -> Parts:
    """What is pushed, and the comments of a Page where there is a token for it."""
    graph = graph_of(config, tools.http, tools.clock)
    parts: Parts = {WHOLE: MetaSource(config, graph, tools.inbox, tools.clock)}
    if graph is not None and config.page_id is not None:
        bounds = {"backlog": config.backlog, "posts_within": config.posts_within}
        parts["comments"] = MetaComments(config.name, config.page_id, graph, tools.clock, **bounds)
    return parts


def stackexchange(config: StackExchangeSettings, tools: Tools) -> Parts:
    """Questions, answers and comments of each site, or its searches."""
    asked = methods(config)
    return {part: StackExchangeSource(config, method, tools.http, tools.clock) for part, method in asked.items()}


def mastodon(config: MastodonSettings, tools: Tools) -> Parts:
    """Each hashtag and each search on each instance, and what an instance sends by itself."""
    asked = mastodon_parts(config, searches(config.search))
    made: Parts = {each.part: MastodonSource(config, each, tools.http, tools.clock) for each in asked}
    for each in mastodon_streams(config):
        made[each.part] = MastodonStream(config, each, tools.http, tools.session_for, tools.clock)
    return made


def googlebusiness(config: GoogleBusinessSettings, tools: Tools) -> Parts:
    """One part for each place; all of them share an access token."""
    access = open_access(config, tools.http, tools.clock)
    return {place: GoogleBusinessSource(config, place, access, tools.clock) for place in config.locations}
