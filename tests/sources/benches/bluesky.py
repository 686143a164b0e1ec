"""Jetstream v2: `network.bsky.jetstream.subscribeEvents` as its lexicon and its server's source describe it.

A number that was not given out yet means "from now on", one below the oldest kept is refused before the upgrade, one
of 10^15 or more is a time. Records have the shape of those that the network really sent (bluesky-social/jetstream,
internal/corpus/testdata/expected_v1.jsonl), with other words.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from sources import bluesky
from tests.servers import Web
from tests.sources.benches.bench import json_answer
from tests.sources.benches.stream import Happening, StreamBench

PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"
DID = "did:plc:amnbije7mr5g3pgxuun7q44o"
LEXICON = "network.bsky.jetstream.subscribeEvents"


def make_stream(web: Web, folder: Path) -> StreamBench:
    error = {"$type": "error", "error": "ConsumerTooSlow", "message": "reading below the floor rate; reconnect"}
    keys = {"type": "bluesky", "base_url": web.base}
    bench = StreamBench(keys, bluesky, _frame, json.dumps(error))

    async def subscribe(request: aio.Request) -> aio.StreamResponse:
        cursor = int(request.query.get("cursor", 0))
        following = bench.log[-1].number + 1 if bench.log else 1
        if 0 < cursor < bench.oldest:
            message = f"subscribe: cursor too old: cursor {cursor} below lookback floor {bench.oldest}; re-backfill"
            status, headers, body = json_answer({"error": "CursorTooOld", "message": message}, 400)
            return aio.Response(status=status, headers=headers, body=body)
        if "upgrade" not in request.headers:
            return aio.Response(status=426)
        if cursor == 0 or following <= cursor < 10**15:
            return await bench.serve(request, following)
        if cursor < 10**15:
            return await bench.serve(request, cursor)
        kept = [one for one in bench.log if one.number >= bench.oldest]
        later = [one.number for one in kept if one.at.timestamp() * 1e6 >= cursor]
        start = later[0] if later else following
        is_clamped = bool(kept) and start == kept[0].number and start > 1
        return await bench.serve(request, start, [_info(start)] if is_clamped else [])

    web[PATH] = subscribe
    return bench


def _info(start: int) -> str:
    message = f"requested timestamp cursor below retention floor; starting at seq {start}"
    payload = {"$type": f"{LEXICON}#info", "name": "OutdatedCursor", "message": message}
    return json.dumps({"$type": "message", "payload": payload})


def record(text: str, **more: Any) -> dict[str, Any]:
    """A post as its author's client writes it."""
    return {
        "$type": "app.bsky.feed.post",
        "createdAt": "2026-11-21T11:59:00.102Z",
        "langs": ["en"],
        "text": text,
    } | more


def commit(seq: int, rkey: str, time: str, made: dict[str, Any] | None, operation: str = "create") -> dict[str, Any]:
    """The payload of a #commit."""
    payload = {"$type": f"{LEXICON}#commit", "seq": seq, "did": DID, "time": time, "rev": "3mptbypoy522s"}
    payload |= {"operation": operation, "collection": "app.bsky.feed.post", "rkey": rkey}
    if made is not None:
        payload |= {"cid": "bafyreie36hv3vh74dqr7zvswes4ascrqfwd7nrr3tytck5ypyd5d2a5dge", "record": made}
    return payload


def message(payload: dict[str, Any]) -> str:
    """The frame around a payload."""
    return json.dumps({"$type": "message", "payload": payload})


def _frame(one: Happening) -> str:
    time = one.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if one.text is None:
        return message(commit(one.number, f"r{one.about}", time, None, "delete"))
    made = record(one.text, createdAt=one.at.isoformat())
    return message(commit(one.number, f"r{one.about}", time, made, "update" if one.is_edit else "create"))
