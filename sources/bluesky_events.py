"""Frames of Jetstream v2 (lexicon `network.bsky.jetstream.subscribeEvents`, framing `xrpc.v1.json`) as pages.

A frame is one JSON object: `{"$type": "message", "payload": {"$type": "...#commit", "seq", "did", "time", ...}}`, or
`{"$type": "error", "error", "message"}`, after which the server closes. `seq` rises; it is what a stream resumes by.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from sources.base import JSON, Cursor, Post, SourceError
from sources.bluesky_post import COLLECTION, instant, read_post
from sources.shape import Item, changed, item, text

LARGEST_SEQ = 10**15  # from here on a cursor is a time, in microseconds since 1970
MOST_ODD = 5  # frames of which none is an event: this is another protocol
LEXICON = "network.bsky.jetstream.subscribeEvents"
COMMIT, INFO = f"{LEXICON}#commit", f"{LEXICON}#info"


@dataclass(frozen=True, slots=True)
class Position:
    """The last event that was read: its number and when Jetstream saw it."""

    seq: int | None = None
    time: datetime | None = None

    @classmethod
    def of(cls, cursor: Cursor) -> Position:
        seq = cursor.get("seq")
        return cls(seq if isinstance(seq, int) else None, instant(cursor.get("time")))

    @property
    def cursor(self) -> Cursor:
        if self.seq is None:
            return {}
        return {"seq": self.seq, "time": self.time.isoformat() if self.time else None}


@dataclass(slots=True)
class Events:
    """What the frames of one page say, in their order."""

    source: str
    position: Position
    now: datetime
    is_first: bool = False  # the stream was only just resumed
    posts: dict[str, Post] = field(default_factory=dict)
    edited: dict[str, None] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    ended: SourceError | None = None
    is_restarted: bool = False  # the server counts anew: what it sent in between is lost
    _unreadable: int = 0
    _frames: int = 0

    def read(self, frames: list[bytes]) -> None:
        """Raises SourceError where none of several frames is what it should be."""
        for frame in frames:
            self._frames += 1
            try:
                said: JSON = json.loads(frame)
            except (ValueError, RecursionError):
                self._unreadable += 1
                continue
            self._take(said)
        if self._unreadable >= MOST_ODD and self._unreadable == self._frames and self.ended is None:
            raise changed("frames that are no events")
        if self._unreadable:
            self.notices.append(f"{self._unreadable} events could not be read and were left out")

    def _take(self, said: JSON) -> None:
        match text(said, "$type"):
            case "message":
                self._message(item(said, "payload"))
            case "error":
                reason = f"{text(said, 'error')} {text(said, 'message')[:200]}"
                self.ended = SourceError(f"Jetstream ended the stream: {reason}")
            case _:
                self._unreadable += 1

    def _message(self, payload: Item) -> None:
        kind, seq = payload.get("$type"), payload.get("seq")
        if kind == INFO:
            self.notices.append(f"Jetstream says: {text(payload, 'name')} {text(payload, 'message')[:200]}")
        elif type(seq) is not int or not 0 < seq < LARGEST_SEQ:
            self._unreadable += 1
        elif self._is_new(seq):
            self.position = Position(seq, instant(payload.get("time")) or self.position.time)
            if kind == COMMIT and payload.get("collection") == COLLECTION:
                self._commit(payload)

    def _is_new(self, seq: int) -> bool:
        """Resuming is inclusive, so the first event may be known; one that lies before it tells of another count."""
        last, is_first = self.position.seq, self.is_first
        self.is_first = False
        self.is_restarted |= is_first and last is not None and seq < last
        return last is None or seq > last or (is_first and seq < last)

    def _commit(self, payload: Item) -> None:
        did, rkey, operation = payload.get("did"), payload.get("rkey"), payload.get("operation")
        if not isinstance(did, str) or not isinstance(rkey, str) or not did or not rkey:
            self._unreadable += 1
            return
        uri = f"at://{did}/{COLLECTION}/{rkey}"
        if operation == "delete":
            self.posts.pop(uri, None)
            self.deleted[uri] = None
            return
        record, seen_at = payload.get("record"), min(self.position.time or self.now, self.now)
        made = None
        if isinstance(record, dict):
            made = read_post(record, source=self.source, did=did, rkey=rkey, seen_at=seen_at)
        if made is None:
            self._unreadable += 1
            return
        if operation != "create" or uri in self.deleted:
            self.edited[uri] = None
        self.deleted.pop(uri, None)
        self.posts[uri] = made
