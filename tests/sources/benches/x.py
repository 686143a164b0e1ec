"""`/2/tweets/search/recent`: newest first, `since_id`, `next_token`, at most `max_results`; problems in X's form."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.fakes import START
from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer


def make(web: Web, folder: Path) -> Bench:
    keys = {"type": "x", "token": "t", "search": ("acme",), "budget": 100_000, "base_url": web.base, "backlog": "1d"}
    bench = Bench(keys, page=100, shows_late=False, shows_edits=False, reserves=True)
    bench.has_credentials = True
    reset = str(int(START.timestamp()) + 300)
    bench.refusals = {
        401: json_answer(
            {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401
        ),
        403: json_answer({"title": "Client Forbidden", "detail": "...", "reason": "client-not-enrolled"}, 403),
        429: json_answer({"title": "Too Many Requests", "status": 429}, 429, x_rate_limit_reset=reset),
    }

    async def show(request: aio.Request) -> aio.Response:
        query, size = request.query, int(request.query["max_results"])
        assert 10 <= size <= 100
        below = int(query.get("next_token", "b" + "9" * 19)[1:])
        since = int(query.get("since_id", 0))
        found = [item for item in bench.newest_first() if since < snowflake(item) < below]
        return answer(found[:size], follows=len(found) > size)

    web["/2/tweets/search/recent"] = show
    web["/2/usage/tweets"] = json_answer({"data": {"project_usage": "1204", "project_cap": "2000000"}})
    return bench


def snowflake(item: Item) -> int:
    return number_at(item.at) + item.number


def number_at(when: datetime) -> int:
    return (int(when.timestamp() * 1000) - 1288834974657) << 22


def answer(shown: list[Item], *, follows: bool) -> aio.Response:
    said: dict[str, Any] = {"meta": {"result_count": len(shown)}}
    if shown:
        said["data"] = [tweet(item) for item in shown]
        said["includes"] = {"users": [{"id": "7", "username": "kim", "public_metrics": {"followers_count": 12}}]}
        said["meta"] |= {"newest_id": str(snowflake(shown[0])), "oldest_id": str(snowflake(shown[-1]))}
    if follows:
        said["meta"]["next_token"] = f"b{snowflake(shown[-1])}"
    return aio.json_response(said)


def tweet(item: Item) -> dict[str, Any]:
    return {
        "id": str(snowflake(item)),
        "edit_history_tweet_ids": [str(snowflake(item))],
        "author_id": "7",
        "text": item.text,
        "lang": "de",
        "created_at": item.at.isoformat().replace("+00:00", "Z"),
        "public_metrics": {"like_count": 1, "reply_count": 2, "retweet_count": 0, "quote_count": 0},
    }
