"""What Reddit once answered to praw's own tests: the recordings in the source distributions of praw and prawcore.

They are read where they were unpacked, never committed: MENTIOND_REDDIT_RECORDINGS names the folder, by default
`.venv/reddit-recordings`, which `make test` fills.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.peers.running import missing

ROOT = Path(__file__).resolve().parents[2]
LEAST = 500  # recordings in the distributions; fewer means that they are not all there
ANONYMOUS = re.compile(r"<([A-Z]+(?:_[A-Z]+)+|USERNAME|CONTENT)>")  # what stands for names and secrets in them
TOLD = ("content-type", "location", "retry-after", "www-authenticate")
LONG_AGO = datetime(2016, 1, 1, tzinfo=UTC)  # errors of a proxy bear no date
TOKEN = "/api/v1/access_token"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what Reddit answered."""

    recording: str
    at: datetime
    method: str
    path: str  # with query string
    status: int
    headers: dict[str, str]  # those that say something of the answer, by lower-case names
    body: bytes

    @property
    def answer(self) -> tuple[int, dict[str, str], bytes]:
        return self.status, self.headers, self.body

    @property
    def children(self) -> list[dict[str, Any]]:
        """The things of a listing; [] of anything else."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return []
        found = said["data"]["children"] if isinstance(said, dict) and said.get("kind") == "Listing" else []
        return [child for child in found if isinstance(child.get("data"), dict)]


def recordings() -> Path:
    """The folder. Skips aloud where it was not fetched; in CI that is a failure."""
    base = Path(os.environ.get("MENTIOND_REDDIT_RECORDINGS") or ROOT / ".venv" / "reddit-recordings")
    if len([*base.glob("**/cassettes/*.json")]) < LEAST:
        missing(f"no recordings of praw and prawcore under {base}: unpack their source distributions there")
    return base


def exchanges(name: str = "*") -> Iterator[Exchange]:
    """What a recording holds, or all of them."""
    for file in sorted(recordings().glob(f"**/cassettes/{name}.json")):
        for interaction in json.loads(file.read_text(encoding="utf-8")).get("interactions", ()):
            yield _read(file.stem, interaction)


def _read(recording: str, interaction: dict[str, Any]) -> Exchange:
    asked, answer = interaction["request"], interaction["response"]
    address = urlsplit(_named(asked["uri"]))
    headers = {name.lower(): value if isinstance(value, str) else value[0] for name, value in answer["headers"].items()}
    return Exchange(
        recording,
        parsedate_to_datetime(headers["date"]) if "date" in headers else LONG_AGO,
        asked["method"],
        f"{address.path}?{address.query}".rstrip("?"),
        answer["status"]["code"],
        {name: text for name, text in headers.items() if name in TOLD or name.startswith("x-ratelimit-")},
        _named(str(answer["body"].get("string") or "")).encode(),
    )


def _named(text: str) -> str:
    return ANONYMOUS.sub(lambda found: found[1].lower(), text)
