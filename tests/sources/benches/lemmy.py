"""`/api/v3/comment/list`, `/post/list` and `/search` of a Lemmy instance, shapes as in lemmy-js-client 0.19.13."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

HOME = "https://lemmy.test"


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "lemmy", "url": HOME, "base_url": web.base, "read": ("comments",), "token": "t"}, page=50)
    bench.has_credentials = True
    bench.refusals = {
        401: json_answer({"error": "incorrect_login"}, 401),
        429: json_answer({"error": "rate_limit_error"}, 400),  # as version 0.19 says it
    }
    bench.strange = (b"{}", b"[]", b"null", b'{"comments": {}}', b'{"comments": [{"surprise": 1}]}')

    def listed(noun: str, view: Callable[[Item], dict[str, Any]]) -> Callable[[aio.Request], Any]:
        async def show(request: aio.Request) -> aio.Response:
            shown, start = bench.newest_first(), (int(request.query.get("page", 1)) - 1) * bench.page
            if last := request.query.get("page_cursor"):
                start = next((at for at, item in enumerate(shown) if f"P{item.number}" == last), -2) + 1
            if start < 0:
                status, headers, body = json_answer({"error": "couldnt_find_post"}, 404)
                return aio.Response(status=status, headers=headers, body=body)
            chosen = shown[start : start + bench.page]
            following = {"next_page": f"P{chosen[-1].number}"} if chosen and noun == "posts" else {}
            status, headers, body = json_answer({noun: [view(item) for item in chosen]} | following)
            return aio.Response(status=status, headers=headers, body=body)

        return show

    web["/api/v3/comment/list"] = listed("comments", comment)
    web["/api/v3/post/list"] = listed("posts", post)
    return bench


def post(item: Item) -> dict[str, Any]:
    """A PostView."""
    thing = {"id": item.number, "name": f"title {item.number}", "body": item.text, "deleted": False, "removed": False}
    thing |= {"ap_id": f"{HOME}/post/{item.number}", "published": item.at.isoformat(), "url": "https://x.test/a"}
    return {"post": thing, "creator": CREATOR, "counts": {"comments": 2, "score": 4, "upvotes": 5, "downvotes": 1}}


def comment(item: Item) -> dict[str, Any]:
    """A CommentView."""
    thing = {"id": item.number, "content": item.text, "deleted": False, "removed": False, "path": f"0.{item.number}"}
    thing |= {"ap_id": f"{HOME}/comment/{item.number}", "published": item.at.isoformat()}
    counts = {"score": 4, "upvotes": 5, "downvotes": 1, "child_count": 3}
    return {"comment": thing, "creator": CREATOR, "post": {"ap_id": f"{HOME}/post/9", "name": "T"}, "counts": counts}


CREATOR = {"id": 4, "name": "kim", "actor_id": "https://other.test/u/kim"}
