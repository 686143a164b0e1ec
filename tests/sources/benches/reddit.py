"""Reddit's token, listing and error bodies, in the shape that praw's own recordings have; praw itself asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

LIMITS = {"x-ratelimit-remaining": "987.0", "x-ratelimit-used": "13", "x-ratelimit-reset": "421"}
TOKEN = {"access_token": "eyJ.access", "token_type": "bearer", "expires_in": 86400, "scope": "*"}


def make(web: Web, folder: Path) -> Bench:
    keys = {"type": "reddit", "subreddits": ["de"], "comments": False, "client_id": "id", "client_secret": "s3cret"}
    bench = Bench(keys | {"base_url": web.base}, page=100)
    bench.has_credentials = True
    bench.refusals = {
        401: json_answer(
            {"message": "Unauthorized", "error": 401}, 401, WWW_Authenticate='Bearer error="invalid_token"'
        ),
        403: json_answer({"reason": "private", "message": "Forbidden", "error": 403}, 403),
        404: json_answer({"reason": "banned", "message": "Not Found", "error": 404}, 404),
        429: json_answer({"message": "Too Many Requests", "error": 429}, 429, X_RateLimit_Reset="38"),
    }

    async def show(request: aio.Request) -> aio.Response:
        names = [f"t3_{item.number:x}" for item in bench.newest_first()]
        return listing(request, [post(item) for item in bench.newest_first()], names)

    web["/api/v1/access_token"] = json_answer(TOKEN)
    web["/r/de/new"] = show
    return bench


def listing(request: aio.Request, children: list[dict[str, Any]], names: list[str]) -> aio.Response:
    """What stands after the item asked for; nothing where that is not in the listing."""
    anchor, limit = request.query.get("after"), int(request.query["limit"])
    start = 0 if anchor is None else names.index(anchor) + 1 if anchor in names else len(names)
    shown = children[start : start + limit]
    follows = names[start + limit - 1] if start + limit < len(names) else None
    data = {"after": follows, "before": None, "dist": len(shown), "modhash": None, "geo_filter": "", "children": shown}
    body = json.dumps({"kind": "Listing", "data": data}).encode()
    return aio.Response(body=body, headers={"Content-Type": "application/json; charset=UTF-8"} | LIMITS)


def post(item: Item) -> dict[str, Any]:
    """A text post."""
    data = {
        "name": f"t3_{item.number:x}",
        "id": f"{item.number:x}",
        "subreddit": "de",
        "author": "kim",
        "title": "A title",
        "selftext": item.text,
        "selftext_html": f'<div class="md"><p>{item.text}</p>\n</div>',
        "is_self": True,
        "created_utc": item.at.timestamp(),
        "permalink": f"/r/de/comments/{item.number:x}/a_title/",
        "score": 3,
        "num_comments": 2,
        "removed_by_category": None,
    }
    return {"kind": "t3", "data": data}
