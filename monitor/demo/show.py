"""`mentiond run --demo`: a little web of our own tells a story to the real daemon, its real sources and receivers."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from monitor.commands.run import stop_on_signals
from monitor.demo.screen import Screen

INTRODUCTION = """\
mentiond finds what people say about your brands and brings it to who can answer.

For three minutes it now watches a small web that it brings along: the cycling
site radtreff, the forum pedalboard, the city news stadtticker and Hacker News.
People there write, in German and English, about Wendelvolt (our brand, e-bike
batteries), Zirbolo (our product) and Ostrivelo (a competitor), all invented.

What you will see:
  — 00:00           the narrator: what somebody has just published
  Complaint about…  an alert as the receiver `console` prints it: what it is,
                    how sure, who wrote it where, and why it was found and sent
  Slack #care       what the care team gets: our questions, complaints, crises.
                    You are Kim and on call: type 1a and Enter to press the
                    first button of the first message
  Mail to pr@…      what PR gets: crises, those of 12 seconds in one mail
  Mail to lead@…    praise and suggestions, gathered into one mail a minute
  Webhook crm       what the sales system gets: purchase signals
The first message in Slack and the first mail are shown whole, later ones
shortened. Ctrl-C ends it at any time.
"""


async def run_demo(*, once: bool) -> int:
    """Tell the story over three minutes, or with `once` at once; return the exit code. Ctrl-C ends it early, with 0."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    _quieten_logs()
    screen = Screen(_print, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    screen.say(INTRODUCTION)
    from monitor.demo.stage import perform  # takes a while: there is something to read meanwhile

    return await perform(screen, stop, once=once)


def _print(line: str) -> None:
    print(line, flush=True)


def _quieten_logs() -> None:
    """The console belongs to the story; `--verbose` (debug) is left as it is."""
    log = logging.getLogger("mentiond")
    if log.level != logging.DEBUG:
        log.setLevel(logging.WARNING)
