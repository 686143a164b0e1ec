"""Comments in the shape of Algolia's Hacker News API (hn.algolia.com/api): `/api/v1/search_by_date`, newest first."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from html import escape

from aiohttp import web

from monitor.demo.board import Board, Posted

_MOST_HITS = 1000
_STORY = 990000000  # the real site is far from such numbers, so that links lead to nobody's post
_FILTER = re.compile(r"created_at_i(>=|<=|>|<|=)(\d+)")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


def algolia_routes(board: Board) -> list[web.RouteDef]:
    """The one endpoint, with `numericFilters` on `created_at_i`, `hitsPerPage` and `page`."""

    async def search(request: web.Request) -> web.Response:
        return _search(board, request)

    return [web.get("/api/v1/search_by_date", search)]


def _search(board: Board, request: web.Request) -> web.Response:
    filters = [text for text in request.query.get("numericFilters", "").split(",") if text]
    parsed = [_FILTER.fullmatch(text) for text in filters]
    try:
        size = min(int(request.query.get("hitsPerPage", "20")), _MOST_HITS)
        start = int(request.query.get("page", "0")) * size
    except ValueError:
        return web.json_response({"message": "hitsPerPage and page are numbers"}, status=400)
    if None in parsed or size < 1 or start < 0:
        return web.json_response({"message": "invalid numericFilters, hitsPerPage or page"}, status=400)
    bounds = [(_COMPARE[match[1]], int(match[2])) for match in parsed if match]
    hits = [_hit(posted) for posted in board.newest_first("hackernews") if _is_within(posted, bounds)]
    shown = hits[start : min(start + size, _MOST_HITS)]
    return web.json_response({"hits": shown, "nbHits": len(hits), "hitsPerPage": size})


def _is_within(posted: Posted, bounds: list[tuple[Callable[[int, int], bool], int]]) -> bool:
    position = int(posted.published_at.timestamp())
    return all(compare(position, bound) for compare, bound in bounds)


def _hit(posted: Posted) -> dict[str, object]:
    scene = posted.scene
    return {
        "objectID": scene.id,
        "created_at_i": int(posted.published_at.timestamp()),
        "author": scene.author,
        "comment_text": "<p>".join(map(escape, scene.text.split("\n\n"))),
        "story_id": _STORY,
        "story_title": "Ask HN: What do you ride to work?",
        "parent_id": _STORY,
        "_tags": ["comment", f"author_{scene.author}", f"story_{_STORY}"],
    }
