"""`/v1/business-units/{id}/reviews` of Trustpilot: pages by number, empty past the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

UNIT = "46d6a890ffa235a75b00021d"


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "trustpilot", "business_unit": UNIT, "base_url": web.base}, page=100, has_credentials=True)
    bench.keys["api_key"] = "the-key"
    bench.refusals = {
        401: json_answer({"message": "Invalid ApiKey"}, 401),
        403: json_answer({"message": "Forbidden"}, 403),
        404: json_answer({"message": "Business unit was not found"}, 404),
        429: json_answer({"message": "Rate limit quota violation"}, 429),
    }

    async def show(request: aio.Request) -> aio.Response:
        assert request.headers["apikey"] == "the-key"
        assert request.query["orderBy"] == "createdat.desc"
        page, size = int(request.query["page"]), int(request.query["perPage"])
        shown = bench.newest_first()[(page - 1) * size : page * size]
        return aio.json_response({"links": [], "reviews": [review(item) for item in shown]})

    web[f"/v1/business-units/{UNIT}/reviews"] = show
    return bench


def review(item: Item, **more: Any) -> dict[str, Any]:
    """One review."""
    return {
        "id": f"5e3de1b45fb06f{item.number:010}",
        "stars": 2,
        "title": "A title",
        "text": item.text,
        "language": "de",
        "createdAt": item.at.isoformat().replace("+00:00", "Z"),
        "updatedAt": None,
        "consumer": {"id": "1", "displayName": "Kim"},
        "companyReply": None,
        "numberOfLikes": 4,
        "isVerified": True,
        "links": [{"href": "https://api.trustpilot.com/v1/reviews/1", "method": "GET", "rel": "reviews"}],
    } | more
