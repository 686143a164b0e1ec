"""Keeps the connections open over which people answer back, one listener at a time and each by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random

from alerts.base import Desk, Listener, Receiver, ReceiverError

log = logging.getLogger("mentiond.listening")

SHORTEST_WAIT = 1.0  # seconds, doubling
LONGEST_WAIT = 300.0
JITTER = 1.25  # the most that a wait is stretched by
WORKED_SECONDS = 60.0  # a listener that lasted this long begins with the shortest wait again


@dataclass(slots=True)
class Listening:
    """One receiver's listener, started again after every failure but a permanent one."""

    name: str
    listener: Listener
    desk: Desk
    random: Random
    on_stop: Callable[[str, ReceiverError], Awaitable[None]]  # told of a permanent failure
    failures: int = 0

    async def run(self) -> None:
        """Listen until cancelled, or for good refused."""
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self.listener.listen(self.desk)
                return  # it has nothing to listen to
            except ReceiverError as error:
                failure = error
            except Exception as error:  # one listener in trouble: the others go on and this one tries again
                log.exception("listener broke receiver=%s", self.name)
                failure = ReceiverError(f"{type(error).__name__}: {error}")
            if failure.permanent:
                await self.on_stop(self.name, failure)
                return
            lasted = asyncio.get_running_loop().time() - began
            await asyncio.sleep(self.wait_after(failure, lasted))

    def wait_after(self, failure: ReceiverError, lasted: float) -> float:
        """Seconds until the next try; says so when the trouble begins."""
        if lasted >= WORKED_SECONDS and self.failures:
            log.info("listener recovered receiver=%s", self.name)
        self.failures = 1 if lasted >= WORKED_SECONDS else self.failures + 1
        if self.failures == 1:
            log.warning("listener failed, trying again receiver=%s error=%s", self.name, failure)
        backoff = min(SHORTEST_WAIT * 2.0 ** min(self.failures - 1, 20), LONGEST_WAIT)
        return max(failure.retry_after or 0.0, backoff * self.random.uniform(1.0, JITTER))


def build_listenings(
    receivers: Mapping[str, Receiver],
    desk: Desk,
    random: Random,
    on_stop: Callable[[str, ReceiverError], Awaitable[None]],
) -> list[Listening]:
    """One for each receiver that keeps a connection open itself."""
    return [
        Listening(name, receiver, desk, random, on_stop)
        for name, receiver in receivers.items()
        if isinstance(receiver, Listener)
    ]
