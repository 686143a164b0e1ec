"""`/reviews` of the eTrusted API, newest first between two times, for whoever has a token of its token endpoint."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

TOKEN = {"access_token": "eyJ.a.b", "expires_in": 3600, "token_type": "Bearer"}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "trustedshops", "client_id": "c", "base_url": web.base}, page=100, has_credentials=True)
    bench.keys |= {"client_secret": "s", "channels": ("chl-1", "chl-2")}
    bench.refusals = {
        401: json_answer({"error": "access_denied", "error_description": "Unauthorized"}, 401),
        403: json_answer({"message": "Insufficient permissions for this channel"}, 403),
    }

    async def grant(request: aio.Request) -> aio.Response:
        sent = dict(await request.post())
        assert sent == {
            "grant_type": "client_credentials",
            "client_id": "c",
            "client_secret": "s",
            "audience": "https://api.etrusted.com",
        }
        return aio.json_response(TOKEN)

    async def show(request: aio.Request) -> aio.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN['access_token']}"
        query = request.query
        assert (query["channels"], query["orderBy"]) == ("chl-1,chl-2", "submittedAt")
        low = datetime.fromisoformat(query["submittedAfter"])
        high = datetime.fromisoformat(query.get("submittedBefore", "9999-01-01T00:00:00.000Z"))
        found = sorted((item for item in bench.items if low < item.at < high), key=lambda item: item.at, reverse=True)
        made = [review(item) for item in found[: min(bench.page, int(query["count"]))]]
        cursor = {"after": made[-1]["id"]} if len(found) > len(made) else {}
        return aio.json_response({"totalElements": len(found), "paging": {"cursor": cursor}, "items": made})

    web["/oauth/token"] = grant
    web["/reviews"] = show
    return bench


def review(item: Item, **more: Any) -> dict[str, Any]:
    """One review."""
    return {
        "id": f"rev-{item.number:08}",
        "accountRef": "acc-1",
        "channelRef": "chl-1",
        "rating": 2,
        "title": "A title",
        "comment": item.text,
        "submittedAt": item.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "state": "APPROVED",
        "type": "SERVICE_REVIEW",
        "customer": {"firstName": "Kim", "lastName": "N.", "email": "kim@example.com"},
        "transaction": {"reference": "4711"},
        "questionnaire": {"id": "q", "locale": "de_DE", "templateRef": "t"},
    } | more
