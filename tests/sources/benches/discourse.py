"""`/posts.json` of a Discourse forum; every third id is a private post, which the page leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

LIMITED = {"errors": ["You have performed this action too many times, please try again later."]}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "discourse", "url": "https://forum.test/", "base_url": web.base}, page=50)
    bench.keys |= {"api_key": "k", "api_user": "reader"}
    bench.has_credentials = True
    bench.refusals = {
        403: json_answer({"errors": ["You are not permitted to view the requested resource."]}, 403),
        429: json_answer(LIMITED, 429, Retry_After="17", Discourse_Rate_Limit_Error_Code="ip_10_secs_limit"),
    }

    async def show(request: aio.Request) -> aio.Response:
        before = int(request.query.get("before", 10**9))
        shown = [item for item in bench.newest_first() if 3 * item.number <= before][: bench.page]
        status, headers, body = json_answer({"latest_posts": [_post(item) for item in shown]})
        return aio.Response(status=status, headers=headers, body=body)

    web["/posts.json"] = show
    return bench


def _post(item: Item) -> dict[str, Any]:
    return {
        "id": 3 * item.number,
        "username": "kim",
        "created_at": item.at.isoformat(),
        "cooked": f"<p>{item.text}</p>",
        "topic_id": 7,
        "topic_slug": "a-topic",
        "post_number": item.number,
        "reply_count": 2,
    }
