"""A Jetstream server that replays posts which nobody wrote: `python -m benchmarks.network POSTS` prints its address.

Texts are walks through the pairs of words of the project's corpus (English and German), so that words come as often
and as rarely as they do in posts, and every text is new; one in seven is a row of Japanese characters. Of 100 events
40 are replies, 15 carry links that are cut short in the text, 12 a link card, 10 described images, 3 are deletions;
seven in a thousand name one of the BRANDS.
The same number of posts gives the same posts.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from aiohttp import web

PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"
POST = "app.bsky.feed.post"
COMMIT = "network.bsky.jetstream.subscribeEvents#commit"
LANGUAGES = ("en", "en", "en", "en", "de", "de")
JAPANESE = [chr(code) for code in (*range(0x3042, 0x3090), *range(0x30A2, 0x30F0), *range(0x4E00, 0x4F80, 3))]
START = ""
BRANDS = tuple(
    f"{first}{last}" for first in ("Acme", "Glob", "Init", "Umbr") for last in ("ora", "exa", "ix", "ella", "on")
)


class Writer:
    """Writes one post after another, the same ones for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._following = {language: _pairs(language) for language in ("de", "en")}

    def text(self, language: str) -> str:
        """2 to 45 words; 5 to 90 characters of Japanese."""
        if language == "ja":
            return "".join(self._random.choices(JAPANESE, k=self._random.randint(5, 90)))
        following, words, word = self._following[language], [], START
        for _ in range(min(45, 2 + int(self._random.expovariate(1 / 14)))):
            word = self._random.choice(following.get(word) or following[START])
            words.append(word)
        return " ".join(words)

    def events(self, count: int) -> Iterator[dict[str, Any]]:
        """Payloads of commits, without `time`."""
        chance = self._random.random
        for seq in range(1, count + 1):
            payload = {"$type": COMMIT, "seq": seq, "did": f"did:plc:{self._random.getrandbits(110):022x}", "time": ""}
            payload |= {"rev": "3mptbypoy522s", "operation": "create", "collection": POST, "rkey": f"3m{seq:011}"}
            if chance() < 0.03:
                yield payload | {"operation": "delete", "rkey": f"3m{max(1, seq - 500):011}"}
                continue
            cid = "bafyreie36hv3vh74dqr7zvswes4ascrqfwd7nrr3tytck5ypyd5d2a5dge"
            yield payload | {"cid": cid, "record": self._record(seq)}

    def _record(self, seq: int) -> dict[str, Any]:
        chance = self._random.random
        language = "ja" if chance() < 1 / 7 else self._random.choice(LANGUAGES)
        made = {"$type": POST, "createdAt": "", "langs": [language], "text": self.text(language)}
        if chance() < 0.007:
            made["text"] = f"{self._random.choice(BRANDS)} {made['text']}"
        if chance() < 0.4:
            made["reply"] = {"root": self._reference(), "parent": self._reference()}
        kind = chance()
        if kind < 0.15:
            made["facets"] = [_link(made["text"], f"https://news{seq % 500}.example.com/2026/{seq}")]
            made["text"] += f" news{seq % 500}.example.com/20..."
        if kind < 0.12:
            card = {"uri": f"https://news{seq % 500}.example.com/2026/{seq}", "title": self.text("en")}
            made["embed"] = {"$type": "app.bsky.embed.external", "external": card | {"description": self.text("en")}}
        elif kind > 0.9:
            image = {"alt": self.text("en"), "image": {"$type": "blob", "mimeType": "image/jpeg", "size": 119635}}
            made["embed"] = {"$type": "app.bsky.embed.images", "images": [image]}
        return made

    def _reference(self) -> dict[str, str]:
        uri = f"at://did:plc:{self._random.getrandbits(110):022x}/{POST}/3mpt5v5trd22k"
        return {"cid": "bafyreiaekrr3ukqao6wkdv3m55xgq5geovlvbzkrz3r65kb4pnpfurdggi", "uri": uri}


def _pairs(language: str) -> dict[str, list[str]]:
    """What follows each word of the corpus; START begins a text."""
    following: dict[str, list[str]] = {}
    for path in sorted(files("monitor").joinpath("corpus", language).iterdir(), key=lambda path: path.name):
        for line in path.read_text(encoding="utf-8").splitlines():
            word = START
            for each in json.loads(line)["text"].replace("TARGET", "it").replace("OTHER", "them").split():
                following.setdefault(word, []).append(each)
                word = each
    return following


def _link(text: str, uri: str) -> dict[str, Any]:
    start = len(text.encode()) + 1
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
    return {"features": [feature], "index": {"byteStart": start, "byteEnd": start + 26}}


async def serve(count: int) -> None:
    """Serve until this process is ended; every connection gets all posts."""

    async def subscribe(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, protocols=["xrpc.v1.json"])
        await socket.prepare(request)
        for payload in Writer().events(count):
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            payload["time"] = now
            if "record" in payload:
                payload["record"]["createdAt"] = now
            await socket.send_str(json.dumps({"$type": "message", "payload": payload}, separators=(",", ":")))
        await socket.receive()
        return socket

    application = web.Application()
    application.router.add_get(PATH, subscribe)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
