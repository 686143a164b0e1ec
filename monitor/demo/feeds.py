"""Three sites with feeds, one of each kind: Atom (RFC 4287), RSS 2.0 (rssboard.org) and JSON Feed 1.1 (jsonfeed.org).

Each answer has an ETag, and 304 is the answer to whoever has it already (RFC 9110, section 13).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from html import escape

from aiohttp import web

from monitor.demo.board import Board, Posted
from monitor.demo.story import Place, Scene


def feed_routes(board: Board) -> list[web.RouteDef]:
    """`/atom.xml` of radtreff, `/rss.xml` of pedalboard, `/feed.json` of stadtticker."""
    return [
        web.get("/atom.xml", _handler(board, "radtreff", _atom, "application/atom+xml")),
        web.get("/rss.xml", _handler(board, "pedalboard", _rss, "application/rss+xml")),
        web.get("/feed.json", _handler(board, "stadtticker", _json_feed, "application/feed+json")),
    ]


def _handler(
    board: Board, place: Place, render: Callable[[list[Posted]], str], content_type: str
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = render(board.newest_first(place)).encode()
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers, content_type=content_type, charset="utf-8")

    return answer


def _link(scene: Scene) -> str:
    return f"https://{scene.place}.example/{scene.id}"


def _html(text: str) -> str:
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _atom(posts: list[Posted]) -> str:
    updated = f"<updated>{posts[0].updated_at.isoformat()}</updated>" if posts else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de">'
        f"<title>Radtreff</title><id>https://radtreff.example/</id>{updated}{''.join(map(_atom_entry, posts))}</feed>"
    )


def _atom_entry(posted: Posted) -> str:
    scene = posted.scene
    return (
        f"<entry><id>{_link(scene)}</id><link href='{_link(scene)}'/><title>{escape(scene.title)}</title>"
        f"<author><name>{escape(scene.author)}</name></author>"
        f"<published>{posted.published_at.isoformat()}</published><updated>{posted.updated_at.isoformat()}</updated>"
        f"<content type='html'>{escape(_html(scene.text))}</content></entry>"
    )


def _rss(posts: list[Posted]) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Pedalboard</title>'
        "<link>https://pedalboard.example/</link><description>A forum about cycling</description>"
        f"<language>en</language>{''.join(map(_rss_item, posts))}</channel></rss>"
    )


def _rss_item(posted: Posted) -> str:
    scene = posted.scene
    return (
        f"<item><guid>{_link(scene)}</guid><link>{_link(scene)}</link><title>{escape(scene.title)}</title>"
        f"<dc:creator>{escape(scene.author)}</dc:creator><pubDate>{format_datetime(posted.published_at)}</pubDate>"
        f"<description>{escape(_html(scene.text))}</description></item>"
    )


def _json_feed(posts: list[Posted]) -> str:
    items = [
        {
            "id": _link(posted.scene),
            "url": _link(posted.scene),
            "title": posted.scene.title,
            "content_html": _html(posted.scene.text),
            "date_published": posted.published_at.isoformat(),
            "authors": [{"name": posted.scene.author}],
        }
        for posted in posts
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Stadtticker",
        "language": "de",
        "home_page_url": "https://stadtticker.example/",
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False)
