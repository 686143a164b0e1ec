"""Stories in the store: which post is a copy of which, decided in the transaction that stores it.

`posts.story_id` is the id of the first post of a story; the first one itself has none. What is compared with lives in
memory (rules.stories) and belongs to the writer thread. A transaction that was rolled back leaves entries behind whose
ids may be given out again, to the same post too: an entry counts only if its post stands under its id and is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Sighting
from monitor.schema import mentions, posts
from rules.stories import MOST_POSTS, Known, StoryIndex, Trace, trace
from sources.base import Post, PostKind

COPIES_READ = 20  # of one post, the newest; people are shown fewer
_FIELDS = tuple(Post.__dataclass_fields__)


@dataclass(slots=True)
class Stories:
    """The posts of the last days, for the writer thread."""

    window: timedelta
    _index: StoryIndex = field(init=False)

    def __post_init__(self) -> None:
        self._index = StoryIndex(self.window)

    def __len__(self) -> int:
        return len(self._index)

    def read(self, connection: Connection, now: datetime) -> None:
        """Begin with what is stored."""
        self._index = StoryIndex(self.window)
        recent = sa.select(posts).where(posts.c.matched, posts.c.fetched_at > now - self.window)
        rows = connection.execute(recent.order_by(posts.c.id.desc()).limit(MOST_POSTS)).all()
        for row in reversed(rows):
            values = row._mapping
            post = {name: values[name] for name in _FIELDS} | {"kind": PostKind(values["kind"])}
            self._index.add(trace(Post(**post)), row.id, row.story_id or row.id)

    def place(self, connection: Connection, stored: Iterable[tuple[Post, int]], now: datetime) -> None:
        """Say of each post just stored, in their order, which story it belongs to."""
        self._index.forget(now - self.window)
        for post, post_id in stored:
            made = trace(post)
            known = self._find(connection, made)
            if known is not None:
                connection.execute(sa.update(posts).where(posts.c.id == post_id).values(story_id=known.story))
            self._index.add(made, post_id, known.story if known else post_id)

    def _find(self, connection: Connection, sought: Trace) -> Known | None:
        while (known := self._index.find(sought)) is not None:
            query = sa.select(posts.c.source, posts.c.external_id).where(posts.c.id == known.post_id)
            stored = tuple(connection.execute(query).one_or_none() or ())
            itself = (sought.source, sought.external_id)
            if stored == (known.trace.source, known.trace.external_id) != itself:
                return known
            self._index.remove(known)
        return None


def story_of() -> sa.ColumnElement[int]:
    """The story that a row of `posts` belongs to."""
    return sa.func.coalesce(posts.c.story_id, posts.c.id)


def read_copies(connection: Connection, mention_ids: Sequence[int]) -> Mapping[int, tuple[Sighting, ...]]:
    """By mention, where else its post was seen, newest first; mentions without copies are left out."""
    query = sa.select(mentions.c.id, mentions.c.post_id, story_of()).join(posts, posts.c.id == mentions.c.post_id)
    asked = connection.execute(query.where(mentions.c.id.in_(mention_ids))).all()
    found: dict[int, list[sa.Row[tuple[int, int, str, str | None, datetime]]]] = {}
    columns = (posts.c.id, story_of().label("story"), posts.c.source, posts.c.url, posts.c.published_at)
    stories = {story for _, _, story in asked}
    belongs = sa.or_(posts.c.id.in_(stories), posts.c.story_id.in_(stories))
    copies = sa.select(*columns).where(belongs, posts.c.deleted_at.is_(None)).order_by(posts.c.id.desc())
    for row in connection.execute(copies) if stories else ():
        found.setdefault(row.story, []).append(row)
    seen = {
        mention_id: tuple(
            Sighting(row.source, row.url, row.published_at) for row in found.get(story, ()) if row.id != post_id
        )[:COPIES_READ]
        for mention_id, post_id, story in asked
    }
    return {mention_id: sightings for mention_id, sightings in seen.items() if sightings}
