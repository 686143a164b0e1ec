"""Lines of a file or a stream, read within bounds, and what one page takes of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO

from sources.base import Post

LONGEST_LINE = 4 * 2**20  # bytes
PAGE_LINES = 1000
PAGE_BYTES = 8 * 2**20  # a page ends after what reaches it


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end; `content` is None where it was too long to be kept."""

    content: bytes | None
    length: int  # in bytes
    is_whole: bool  # its end was there


class Lines:
    """The lines from where a file stands."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._back: deque[Line] = deque()

    def next(self) -> Line | None:
        """None at the end."""
        if self._back:
            return self._back.popleft()
        content = self._file.readline(LONGEST_LINE)
        if not content:
            return None
        if content.endswith(b"\n") or len(content) < LONGEST_LINE:
            return Line(content, len(content), content.endswith(b"\n"))
        return self._too_long(len(content))

    def _too_long(self, length: int) -> Line:
        while piece := self._file.readline(LONGEST_LINE):
            length += len(piece)
            if piece.endswith(b"\n"):
                return Line(None, length, is_whole=True)
        return Line(None, length, is_whole=False)

    def back(self, lines: Iterable[Line]) -> None:
        """These come next again, in their order."""
        self._back.extendleft(reversed(list(lines)))


@dataclass(slots=True)
class Taken:
    """What a page has so far. `size` and `lines` are what of the file is done with; `more` may follow at once."""

    posts: dict[str, Post] = field(default_factory=dict)  # by external id: a later line is a newer version
    notices: list[str] = field(default_factory=list)
    size: int = 0  # bytes
    lines: int = 0
    more: bool = False

    @property
    def is_full(self) -> bool:
        return self.lines >= PAGE_LINES or self.size >= PAGE_BYTES

    def pass_over(self, *lines: Line) -> None:
        """These are done with."""
        self.size += sum(line.length for line in lines)
        self.lines += len(lines)

    def add(self, post: Post) -> None:
        self.posts[post.external_id] = post

    def leave_out(self, number: int, why: str) -> None:
        """Line `number` (from 1) becomes no post."""
        self.notices.append(f"line {number} was left out: {why}")
