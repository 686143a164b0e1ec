"""`mentiond run`: the daemon in the foreground, once, or with a demonstration around it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal

from monitor.config import Config, load
from monitor.logs import Format, configure_logging
from monitor.reload import Reloader


def run(options: argparse.Namespace) -> int:
    """Return the exit code: 0, or with --once 3 (alerts still owed) or 4 (a source failed)."""
    form: Format | None = "text" if options.demo else options.log_format  # the demonstration is for people
    configure_logging(verbose=options.verbose, form=form)
    if options.demo:
        from monitor.demo.show import run_demo

        return asyncio.run(run_demo(once=options.once))
    config = load(options.config, os.environ)
    reloader = None if options.once else Reloader(options.config, os.environ, config)
    return asyncio.run(_run(config, reloader))


async def _run(config: Config, reloader: Reloader | None) -> int:
    """The daemon; without `reloader` once."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    if reloader:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
    from monitor.commands.chosen import chosen_in
    from monitor.model_watch import open_reloading, watch
    from monitor.node import run as run_daemon

    classifier = await asyncio.to_thread(open_reloading, *chosen_in(config))
    watching = asyncio.create_task(watch(classifier))
    try:
        return await run_daemon(config, classifier, stop, once=reloader is None, reloader=reloader)
    finally:
        watching.cancel()


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT drain; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def ask(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number)
