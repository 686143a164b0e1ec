"""Work for the store on its way from the event loop to the store's threads: what has come meanwhile is done together.

Handing work to a thread and back costs more than many a statement, and so does a transaction; both are shared.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

T = TypeVar("T")
Work = Callable[[Connection], Any]

TOGETHER = 32  # works at most: whoever waits for one of them waits for all


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a work."""

    result: Any = None
    error: BaseException | None = None


class Lane:
    """A queue with its thread. `do` takes what has come and says of each work what came of it, in their order."""

    def __init__(self, name: str, do: Callable[[Sequence[Work]], Sequence[Done]]) -> None:
        self._thread = ThreadPoolExecutor(1, name)
        self._is_idle = True
        self._do = do
        self._waiting: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._lock = Lock()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run the work on the thread; one that nobody waits for any more is not begun. All callers share a loop."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting.append((work, future))
            was_idle, self._is_idle = self._is_idle, False
        if was_idle:
            self._thread.submit(self._drain)
        return await future

    def call(self, work: Callable[[], T]) -> T:
        """Run something else on the thread, after what is under way; blocking."""
        return self._thread.submit(work).result()

    def close(self) -> None:
        """Finish what has come."""
        self._thread.shutdown()

    def _drain(self) -> None:
        while batch := self._take():
            try:
                done = self._do([work for work, _ in batch])
            except BaseException as error:  # nobody may wait for ever
                done = [Done(error=error)] * len(batch)
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                batch[0][1].get_loop().call_soon_threadsafe(_settle, batch, done)

    def _take(self) -> list[tuple[Work, asyncio.Future[Any]]]:
        batch: list[tuple[Work, asyncio.Future[Any]]] = []
        with self._lock:
            while self._waiting and len(batch) < TOGETHER:
                work, future = self._waiting.popleft()
                if not future.done():
                    batch.append((work, future))
            self._is_idle = not batch
        return batch


def _settle(batch: Sequence[tuple[Work, asyncio.Future[Any]]], done: Sequence[Done]) -> None:
    for (_, future), one in zip(batch, done, strict=True):
        if future.done():
            continue
        if one.error is not None:
            future.set_exception(one.error)
        else:
            future.set_result(one.result)
