"""`commentThreads` of YouTube's Data API: the newest threads first, opaque tokens; errors in Google's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Answer, Bench, Item, json_answer

VIDEO = "dQw4w9WgXcQ"


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "youtube", "key": "k", "videos": [VIDEO], "base_url": web.base}, page=100)
    bench.has_credentials = True
    bench.refusals = {
        401: error(400, "badRequest", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"),
        403: error(403, "commentsDisabled", "The video has disabled comments."),
        404: error(404, "videoNotFound", "The video could not be found."),
        429: error(
            403, "quotaExceeded", 'You have exceeded your <a href="/youtube/v3/getting-started#quota">quota</a>.'
        ),
        500: error(500, "backendError", "Backend Error"),
    }

    async def show(request: aio.Request) -> aio.Response:
        below = int(request.query.get("pageToken", "Q1000000000")[1:])
        found = [item for item in bench.newest_first() if item.number < below]
        shown = found[: int(request.query["maxResults"])]
        answer: dict[str, Any] = {
            "kind": "youtube#commentThreadListResponse",
            "items": [thread(item) for item in shown],
        }
        if len(found) > len(shown):
            answer["nextPageToken"] = f"Q{shown[-1].number}"
        status, headers, body = json_answer(answer)
        return aio.Response(status=status, headers=headers, body=body)

    web["/youtube/v3/commentThreads"] = show
    return bench


def error(status: int, reason: str, message: str, detail: str = "") -> Answer:
    said: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "youtube", "reason": reason}],
    }
    if detail:
        said |= {"status": "INVALID_ARGUMENT", "details": [{"@type": "x.ErrorInfo", "reason": detail}]}
    return json_answer({"error": said}, status)


def thread(item: Item) -> dict[str, Any]:
    comment = {
        "kind": "youtube#comment",
        "id": f"Ugx{item.number}",
        "snippet": {
            "videoId": VIDEO,
            "textDisplay": item.text,
            "authorDisplayName": "@kim",
            "likeCount": 2,
            "publishedAt": item.at.isoformat().replace("+00:00", "Z"),
        },
    }
    snippet = {"videoId": VIDEO, "topLevelComment": comment, "totalReplyCount": 0}
    return {"kind": "youtube#commentThread", "id": comment["id"], "snippet": snippet}
