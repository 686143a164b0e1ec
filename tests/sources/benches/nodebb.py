"""`/api/recent/posts` of a NodeBB forum: 20 by page number; private posts are left out of their page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

LOGIN = {"status": {"code": "not-authorised", "message": "A valid login session was not found."}, "response": {}}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "nodebb", "url": "https://board.test/", "base_url": web.base, "token": "t"})
    bench.has_credentials = True
    bench.refusals = {401: json_answer(LOGIN, 401), 403: json_answer({"path": "/", "error": "no-privileges"}, 403)}
    bench.strange = (b"{}", b"null", b'{"surprise": 1}', b"[1, 2]", b'[{"tid": 1}]')

    async def show(request: aio.Request) -> aio.Response:
        start = (int(request.query.get("page", 1)) - 1) * bench.page
        shown = [post(item) for item in bench.newest_first()[start : start + bench.page]]
        status, headers, body = json_answer(shown)
        return aio.Response(status=status, headers=headers, body=body)

    web["/api/recent/posts"] = show
    return bench


def post(item: Item) -> dict[str, Any]:
    """One post as Posts.getPostSummaryByPids makes it."""
    return {
        "pid": item.number,
        "tid": 7,
        "toPid": 1,
        "url": f"https://board.test/post/{item.number}",
        "content": f"<p>{item.text}</p>",
        "uid": 3,
        "timestamp": int(item.at.timestamp() * 1000),
        "timestampISO": item.at.isoformat(),
        "deleted": False,
        "upvotes": 2,
        "downvotes": 1,
        "replies": 1,
        "user": {"uid": 3, "username": "kim", "userslug": "kim"},
        "topic": {"tid": 7, "title": "Akku &amp; Laden", "deleted": 0, "mainPid": 1},
        "category": {"cid": 2, "name": "Handys"},
        "isMainPost": item.number == 1,
    }
