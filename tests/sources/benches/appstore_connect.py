"""`/v1/apps/{id}/customerReviews` of App Store Connect: signed tokens are verified, cursors lead from page to page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
from aiohttp import web as aio

from tests.fakes import START
from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer
from tests.sources.keys import EC_PRIVATE, EC_PUBLIC


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "appstore", "app": "7", "base_url": web.base}, page=200, has_credentials=True)
    bench.keys |= {"key": EC_PRIVATE, "key_id": "KEY7", "issuer": "an-issuer"}
    bench.refusals = {
        401: refusal(401, "NOT_AUTHORIZED", "Provide a properly configured and signed bearer token."),
        403: refusal(403, "FORBIDDEN_ERROR", "This API key may not read reviews."),
        404: refusal(404, "NOT_FOUND", "There is no resource of type 'apps' with id '7'."),
        429: refusal(429, "RATE_LIMIT_EXCEEDED", "You have exceeded this hour's limit."),
    }

    async def show(request: aio.Request) -> aio.Response:
        check(request.headers["Authorization"].removeprefix("Bearer "))
        assert (request.query["sort"], request.query["include"]) == ("-createdDate", "response")
        start = int(request.query.get("cursor", "0"))
        shown = bench.newest_first()[start : start + bench.page]
        answer: dict[str, Any] = {"data": [review(item) for item in shown], "links": {"self": str(request.url)}}
        if start + bench.page < len(bench.items):
            answer["links"]["next"] = f"https://apple.test/v1/x?cursor={start + bench.page}&limit=200"
        return aio.json_response(answer)

    web["/v1/apps/7/customerReviews"] = show
    return bench


def check(token: str) -> None:
    """As Apple checks a token: who signed it with which key, for at most 20 minutes."""
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": "KEY7"}
    claims = jwt.decode(
        token,
        EC_PUBLIC,
        ["ES256"],
        {"verify_exp": False, "verify_iat": False},  # by the test's clock, not by ours
        audience="appstoreconnect-v1",
        issuer="an-issuer",
    )
    assert claims["iat"] >= START.timestamp()
    assert 0 < claims["exp"] - claims["iat"] <= 20 * 60


def review(item: Item, *, response: dict[str, str] | None = None) -> dict[str, Any]:
    """One review, answered or not."""
    return {
        "type": "customerReviews",
        "id": f"00000028-b08c-{item.number}",
        "attributes": {
            "rating": 2,
            "title": "A title",
            "body": item.text,
            "reviewerNickname": "kim",
            "createdDate": item.at.isoformat(),
            "territory": "DEU",
        },
        "relationships": {"response": {"data": response, "links": {}}},
    }


def refusal(status: int, code: str, detail: str) -> tuple[int, dict[str, str], bytes]:
    """An error in Apple's form."""
    return json_answer({"errors": [{"status": str(status), "code": code, "title": code, "detail": detail}]}, status)
