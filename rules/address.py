"""Whether a post speaks to the brand or only about it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rules.base import Mention, WatchlistKind
from rules.matching import find_terms
from sources.base import PostKind

OWN_KINDS: Final = (WatchlistKind.BRAND, WatchlistKind.PRODUCT)
_ADDRESSED: Final = (PostKind.REVIEW, PostKind.MESSAGE)  # written to whoever sells it
_OWN_CHANNELS: Final = ("meta", "googlebusiness", "playstore", "trustedshops")  # types that read only one's own pages


def is_direct(mention: Mention, source_type: str, accounts: Iterable[str]) -> bool:
    """Whether it names a handle of the brand, is a review or a message, or stands on a page of the brand's own.

    `accounts` are the brand's own at that source. Posts about competitors and topics are never direct.
    """
    post, watchlist = mention.post, mention.watchlist
    if watchlist.kind not in OWN_KINDS:
        return False
    if post.kind in _ADDRESSED or source_type in _OWN_CHANNELS:
        return True
    handles = [name for name in watchlist.names if name.startswith("@")]
    handles += [f"@{account.strip().lstrip('@')}" for account in accounts]
    return bool(handles) and bool(find_terms(handles, f"{post.title}\n{post.text}"))
