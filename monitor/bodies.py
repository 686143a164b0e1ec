"""Reading the body of an HTTP answer, decompressed as it comes (RFC 9110 section 8.4) and never past a bound."""

from __future__ import annotations

import zlib
from typing import Protocol

_GZIP, _ZLIB, _RAW = 31, 15, -15  # window bits of zlib.decompressobj
_MEMBERS = 100  # gzip files within one body; each costs a copy of the chunk it ends in


class BodyError(Exception):
    """A body that cannot be used. `too_large`: it goes past the bound; else it is damaged."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


class Body(Protocol):
    """Takes the bytes of a body as they arrive, gives the whole at the end."""

    def feed(self, chunk: bytes) -> None:
        """Raises BodyError as soon as the bound is passed."""
        ...

    def finish(self) -> bytes:
        """Raises BodyError where the body is cut off."""
        ...


def open_body(encoding: str, limit: int) -> Body:
    """A body in a Content-Encoding of at most `limit` bytes, compressed and decompressed alike. Raises BodyError."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain(limit)
    if name in ("gzip", "x-gzip", "deflate"):
        return _Compressed(limit, is_gzip=name != "deflate")
    raise BodyError(f"the answer is encoded as {encoding[:40]!r}, which was not asked for")


class _Plain:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = bytearray()

    @property
    def room(self) -> int:
        return self._limit - len(self._bytes)

    def feed(self, chunk: bytes) -> None:
        if len(chunk) > self.room:
            raise BodyError(f"the body is larger than {self._limit:,} bytes", too_large=True)
        self._bytes += chunk

    def finish(self) -> bytes:
        return bytes(self._bytes)


class _Compressed:
    def __init__(self, limit: int, *, is_gzip: bool) -> None:
        self._limit = limit
        self._plain = _Plain(limit)
        self._is_gzip = is_gzip
        self._received = 0
        self._members = 0
        self._stream = zlib.decompressobj(_GZIP) if is_gzip else None

    def feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._limit:  # a stream may go on for ever without giving a byte
            raise BodyError(f"the compressed body is larger than {self._limit:,} bytes", too_large=True)
        rest = chunk
        while rest:
            rest = self._inflate(rest)

    def finish(self) -> bytes:
        if self._received and not (self._stream is None or self._stream.eof):
            raise BodyError("the compressed body is cut off")
        return self._plain.finish()

    def _inflate(self, chunk: bytes) -> bytes:
        """Decompress what belongs to the current member, return what follows it."""
        if self._stream is None:
            # "deflate" means zlib, but some servers send the bare stream: the first byte tells (RFC 1950).
            self._stream = zlib.decompressobj(_ZLIB if chunk[0] & 0x0F == 8 else _RAW)
        if self._stream.eof and not self._begin_member(chunk):
            return b""
        room = self._plain.room
        try:
            self._plain.feed(self._stream.decompress(chunk, room + 1))
        except zlib.error as error:
            raise BodyError(f"the compressed body is damaged: {error}") from error
        return self._stream.unused_data

    def _begin_member(self, chunk: bytes) -> bool:
        """Start the next gzip file of the body; False where only padding follows, which browsers pass over too."""
        self._members += 1
        if not self._is_gzip or chunk[:1] != b"\x1f":
            return False
        if self._members > _MEMBERS:
            raise BodyError(f"the body has more than {_MEMBERS} gzip files within it")
        self._stream = zlib.decompressobj(_GZIP)
        return True
