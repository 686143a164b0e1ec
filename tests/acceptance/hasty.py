"""`mentiond run` as `tests.crash.entry` starts it, with a watchdog, leases and a lock that wait for seconds where they
wait for half a minute in earnest; what follows from what stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import monitor.daemon
import monitor.delivery
import monitor.outbox
import monitor.store
import monitor.watchdog
from tests.crash import entry

LEASE = 10.0  # seconds
STOPPED_AFTER = 5  # seconds
PATIENCE = 2.0  # seconds of a broken store before anybody is told


def run(arguments: Sequence[str]) -> int:
    """The exit code."""
    monitor.daemon.WATCH_EVERY = timedelta(seconds=1)
    monitor.watchdog.STORE_PATIENCE = timedelta(seconds=PATIENCE)
    monitor.outbox.LEASE = timedelta(seconds=LEASE)
    monitor.delivery.LEAST_LEASE = timedelta(seconds=LEASE / 2)
    monitor.engines.STOPPED_AFTER = STOPPED_AFTER
    return entry.run(arguments)
