"""Mastodon's streaming API over a WebSocket, as its documentation (methods/streaming) and its server's source
(mastodon/mastodon, streaming/index.js) describe it: a refused handshake says why in a header, without a body, and
without a WebSocket the address is an unknown channel, whoever asks. Statuses are those of the `mastodon` bench.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from sources import mastodon_stream
from tests.servers import Handler, Web
from tests.sources.benches.bench import Item, json_answer
from tests.sources.benches.mastodon import OPEN, URL, instance, status
from tests.sources.benches.stream import Happening, StreamBench

PATH = "/api/v1/streaming"
REASON = "X-Error-Message"
TOKEN = "t0ken"


def make_stream(web: Web, folder: Path) -> StreamBench:
    keys = {"type": "mastodon", "base_url": web.base, "hashtags": ("#Acme", "globex"), "streaming": True}
    keys["instances"] = ({"url": URL, "token": TOKEN},)
    error = json.dumps({"error": "An unexpected error occurred", "status": 500})
    bench = StreamBench(keys, mastodon_stream, _frame, error, has_credentials=True, resumes=False, reason=REASON)
    web["/api/v2/instance"] = json_answer(streaming_at("wss://streaming.mastodon.test"))
    web[PATH] = handler(bench)
    return bench


def handler(bench: StreamBench) -> Handler:
    """Shows what was posted since the last connection, once every hashtag is subscribed to."""

    async def stream(request: aio.Request) -> aio.StreamResponse:
        if "upgrade" not in request.headers:
            code, headers, body = json_answer({"error": "Unknown channel requested"}, 400)
            return aio.Response(status=code, headers=headers, body=body)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return aio.Response(status=401, headers={REASON: "Invalid access token"})
        return await bench.serve(request, bench.told + 1, awaited=len(bench.keys["hashtags"]))

    return stream


def streaming_at(address: object) -> dict[str, Any]:
    """What an instance says of itself, with the address of its streaming API."""
    said = instance(OPEN)
    said["configuration"]["urls"] = {"streaming": address}
    return said


def event(name: str, payload: str) -> str:
    """A message, as it is sent to who has subscribed to the hashtag."""
    return json.dumps({"stream": ["hashtag", "acme"], "event": name, "payload": payload})


def _frame(one: Happening) -> str:
    number = str(117020593741189700 + one.about)
    if one.text is None:
        return event("delete", number)
    made = status(Item(one.about, one.at, one.text), id=number)
    return event("status.update" if one.is_edit else "update", json.dumps(made))
