"""The App Store's feed of one country: ten pages of 50, the app first, one entry as an object, none as nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item

PAGE = 50
LAST = 10
APP = {
    "im:name": {"label": "Acme"},
    "title": {"label": "Acme - Acme Inc."},
    "id": {"label": "https://itunes.apple.com/de/app/acme/id7", "attributes": {"im:id": "7"}},
    "im:releaseDate": {"label": "2012-05-31T16:42:12-07:00"},
}


def make(web: Web, folder: Path) -> Bench:
    keys = {"type": "appstore", "app": "7", "countries": ("de",), "base_url": web.base}
    bench = Bench(keys, page=PAGE * LAST, lossless=False)

    async def show(request: aio.Request) -> aio.Response:
        number = int(request.path.split("page=")[1].split("/")[0])
        assert 1 <= number <= LAST
        shown = [entry(item) for item in bench.newest_first()[PAGE * (number - 1) : PAGE * number]]
        return aio.json_response(feed([APP, *shown] if number == 1 and shown else shown))

    web["/de/rss/customerreviews/*"] = show
    return bench


def feed(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """What Apple makes of entries."""
    made: dict[str, Any] = {"author": {"name": {"label": "iTunes Store"}}, "id": {"label": "https://x.test/feed"}}
    if entries:
        made["entry"] = entries if len(entries) > 1 else entries[0]
    return {"feed": made}


def entry(item: Item, **more: Any) -> dict[str, Any]:
    """One review."""
    return {
        "author": {"uri": {"label": "https://itunes.apple.com/de/reviews/id1"}, "name": {"label": "kim"}, "label": ""},
        "updated": {"label": item.at.isoformat()},
        "im:rating": {"label": "2"},
        "im:version": {"label": "8.2.1"},
        "id": {"label": str(2_000_000 + item.number)},
        "title": {"label": "A title"},
        "content": {"label": item.text, "attributes": {"type": "text"}},
        "link": {"attributes": {"rel": "related", "href": "https://itunes.apple.com/de/review?id=7&type=Purple"}},
        "im:voteSum": {"label": "1"},
        "im:voteCount": {"label": "3"},
    } | more
