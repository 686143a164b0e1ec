"""The reviews of an app on Google Play: those of the last seven days, for a service account that signs right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item
from tests.sources.benches.googlebusiness import refusal
from tests.sources.keys import RSA_PRIVATE, RSA_PUBLIC

ACCOUNT = {
    "type": "service_account",
    "client_email": "mentiond@p.iam.gserviceaccount.com",
    "private_key_id": "key7",
    "private_key": RSA_PRIVATE,
    "token_uri": "https://evil.test/token",  # what the file says is not asked
}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "playstore", "package": "com.acme.app", "base_url": web.base}, page=100)
    bench.has_credentials = True
    bench.keys["service_account"] = json.dumps(ACCOUNT)
    bench.strange = (b"[]", b"null", b'{"surprise": 1}', b"[1, 2]")  # {} is an app without reviews
    bench.refusals = {
        401: refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
        403: refusal(403, "PERMISSION_DENIED", "The caller does not have permission"),
        404: refusal(404, "NOT_FOUND", "No application was found for the given package name."),
        429: refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),
    }

    async def grant(request: aio.Request) -> aio.Response:
        sent = dict(await request.post())
        assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        check(str(sent["assertion"]))
        return aio.json_response({"access_token": "ya29.p", "expires_in": 3599, "token_type": "Bearer"})

    async def show(request: aio.Request) -> aio.Response:
        assert request.headers["Authorization"] == "Bearer ya29.p"
        if not bench.items:
            return aio.json_response({})
        start, size = int(request.query.get("token", "0")), int(request.query["maxResults"])
        answer: dict[str, Any] = {"reviews": [review(item) for item in bench.newest_first()[start : start + size]]}
        if start + size < len(bench.items):
            answer["tokenPagination"] = {"nextPageToken": str(start + size)}
        return aio.json_response(answer)

    web["/token"] = grant
    web["/androidpublisher/v3/applications/com.acme.app/reviews"] = show
    return bench


def check(assertion: str) -> None:
    """As Google checks what a service account signed."""
    assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "key7"}
    claims = jwt.decode(
        assertion,
        RSA_PUBLIC,
        ["RS256"],
        {"verify_exp": False, "verify_iat": False},  # by the test's clock, not by ours
        audience="https://oauth2.googleapis.com/token",
        issuer=ACCOUNT["client_email"],
    )
    assert claims["scope"] == "https://www.googleapis.com/auth/androidpublisher"
    assert 0 < claims["exp"] - claims["iat"] <= 3600


def review(item: Item, *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One review, and what was said after it."""
    said = {
        "text": f"A title\t{item.text}",
        "lastModified": {"seconds": str(int(item.at.timestamp())), "nanos": 213000000},
        "starRating": 2,
        "reviewerLanguage": "de",
        "appVersionName": "1.2.3",
        "thumbsUpCount": 10,
        "thumbsDownCount": 3,
    }
    return {"reviewId": f"gp-{item.number}", "authorName": "Kim", "comments": [{"userComment": said | more}, *others]}
