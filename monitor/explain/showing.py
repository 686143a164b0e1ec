"""A post as its source shows it at this moment: what matched nothing is not kept, but may still stand there."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.assembly import build_parts, open_tools
from monitor.commands.trying import choose_parts, first_page
from monitor.config import Config
from monitor.inbox import EmptyInbox
from rules.addresses import canonical_address
from sources.base import Post, SourceError


@dataclass(frozen=True, slots=True)
class Shown:
    """What a look at the source brought: the post, or why there is none."""

    post: Post | None
    notice: str = ""


async def find_shown(config: Config, source: str, target: str) -> Shown:
    """Look for the post that the target means, by its address or id, on the first page of each part of the source.

    Nothing is stored. Raises CommandError where no source is called so.
    """
    said = []
    async with open_tools(config) as tools:
        for part in choose_parts(build_parts(config, tools, EmptyInbox()), source, None):
            try:
                page = await first_page(part)
            except SourceError as error:
                said.append(f"{part.label} does not answer: {error}")
                continue
            for post in page.posts:
                if _is_meant(post, target):
                    return Shown(post)
            said.append(f"{part.label} does not show it at this moment, among {len(page.posts)} posts")
    return Shown(None, "; ".join(said))


def _is_meant(post: Post, target: str) -> bool:
    if target in (post.external_id, post.external_id.rpartition(" ")[2]):  # feeds put their address before a short id
        return True
    wanted = canonical_address(target)
    return wanted is not None and post.url is not None and canonical_address(post.url) == wanted
