"""`mentiond sources try`: one page of a source on the screen, nothing stored."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import aclosing

from monitor.assembly import build_parts, open_tools
from monitor.commands import OK, TROUBLE, CommandError
from monitor.commands.output import show_time
from monitor.config import Config, load
from monitor.inbox import EmptyInbox
from monitor.pipeline import Part, with_articles
from sources.articles import Articles
from sources.base import JSON, Hook, Inspectable, Page, Post, SourceError, Stream

LISTENING = 10.0  # seconds for which a stream may say nothing
EXCERPT = 160  # characters of a text


def run(options: argparse.Namespace) -> int:
    """Ask the source, print its posts; the exit code says whether every part answered."""
    return asyncio.run(_try(load(options.config, os.environ), options))


async def _try(config: Config, options: argparse.Namespace) -> int:
    async with open_tools(config) as tools:
        parts = choose_parts(build_parts(config, tools, EmptyInbox()), options.name, options.part)
        answered = [await _show(part, options, tools.articles) for part in parts]
    return OK if all(answered) else TROUBLE


def choose_parts(parts: Mapping[tuple[str, str], Part], name: str, part: str | None) -> list[Part]:
    """Those of a source, or the one that is named. Raises CommandError for names that are not there."""
    chosen = [found for (source, _), found in parts.items() if source == name]
    if not chosen:
        raise CommandError(f"no source is called {name!r}; there are {', '.join(sorted({key[0] for key in parts}))}")
    fitting = [found for found in chosen if part in (None, found.part)]
    if not fitting:
        raise CommandError(f"{name} has no part {part!r}; it has {', '.join(found.part for found in chosen)}")
    return fitting


async def _show(part: Part, options: argparse.Namespace, articles: Articles) -> bool:
    try:
        if isinstance(part.source, Inspectable):
            _tell(await part.source.inspect())
        page = await first_page(part)
    except SourceError as error:
        print(f"{part.label}: {error}", file=sys.stderr)
        return False
    posts, said = await with_articles(list(reversed(page.posts))[: options.limit], page.articles, articles)
    for post in posts:
        print(json.dumps(_row(post), ensure_ascii=False) if options.json else _line(post))
    if isinstance(part.source, Hook):
        _tell([f"{part.label}: others push to it; `mentiond sources` shows what came"])
    _tell(f"{part.label}: {notice}" for notice in (*page.notices, *said, *(gap.detail for gap in page.gaps)))
    more = ", more pages follow" if page.more else ""
    _tell([f"{part.label}: {len(page.posts)} posts on this page, {len(posts)} shown{more}", *filter(None, [page.left])])
    return True


async def first_page(part: Part) -> Page:
    """What a source shows now; of a stream what comes within LISTENING. Raises SourceError."""
    if not isinstance(part.source, Stream):
        return await part.source.fetch({})
    page = Page(posts=(), cursor={})
    try:
        async with asyncio.timeout(LISTENING), aclosing(part.source.listen({})) as pages:
            async for page in pages:
                if page.posts:
                    break
    except TimeoutError:
        pass
    return page


def _tell(lines: Iterable[str]) -> None:
    """To the operator, beside the posts."""
    for line in lines:
        print(line, file=sys.stderr)


def _row(post: Post) -> dict[str, JSON]:
    row: dict[str, JSON] = {
        name: getattr(post, name)
        for name in ("source", "external_id", "url", "author", "title", "text", "lang", "rating", "followers")
    }
    row |= {name: getattr(post, name) for name in ("engagement", "answered", "parent", "thread")}
    return row | {"kind": post.kind.value, "published_at": show_time(post.published_at) if post.dated else None}


def _line(post: Post) -> str:
    words = " ".join(f"{post.title}. {post.text}".removeprefix(". ").split())
    excerpt = words if len(words) <= EXCERPT else words[: EXCERPT - 1] + "…"
    facts = [
        show_time(post.published_at) if post.dated else "no date",
        post.kind.value,
        post.author or "author unknown",
    ]
    facts += [f"rating {post.rating:g}"] if post.rating is not None else []
    return f"{' · '.join(map(str, facts))}\n  {excerpt}\n  {post.url or post.external_id}"
