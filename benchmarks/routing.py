"""How many mentions a second the routing tree decides on, with 1,000 routes.

    python -m benchmarks.routing

Mentions differ in watchlist, labels, language, source and reach; each figure is decisions per CPU second of this
process, one core: the median of several passes, the best in brackets.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from benchmarks.machine import describe
from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.hours import Hours, Window
from rules.matchers import parse_matcher
from rules.routing import Options, Route, decide, explain
from sources.base import Post

ROUTES = 1_000
MENTIONS = 2_000
PASSES = 5
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
OFFICE = Hours("office", ZoneInfo("Europe/Berlin"), ((Window(540, 750), Window(810, 1080)),) * 5 + ((), ()))


def main() -> int:
    """Print the machine and the figures."""
    describe("google-re2")
    print(f"{MENTIONS:,} mentions, {ROUTES:,} routes")
    mentions = make_mentions()
    for name, root in TREES.items():
        heard = sum(len(decide(root, mention, "feed", AT)) for mention in mentions)
        rates = sorted(_pass(root, mentions) for _ in range(PASSES))
        print(f"{name}: {statistics.median(rates):,.0f} [{rates[-1]:,.0f}] decisions/s, {heard:,} alerts")
    started = time.process_time()
    for mention in mentions[:20]:
        explain(TREES["by watchlist"], mention, "feed", AT)
    print(f"explained: {20 / (time.process_time() - started):,.0f}/s")
    return 0


def _pass(root: Route, mentions: Iterable[Mention]) -> float:
    started = time.process_time()
    for mention in mentions:
        decide(root, mention, "feed", AT)
    return MENTIONS / (time.process_time() - started)


def make_mentions() -> list[Mention]:
    """The same mentions in every run."""
    chance = random.Random(1)
    return [_mention(number, chance) for number in range(MENTIONS)]


def _mention(number: int, chance: random.Random) -> Mention:
    carried = sorted(chance.sample(list(Label), chance.choice((1, 1, 1, 2))), key=list(Label).index)
    name = f"w{chance.randrange(ROUTES)}"
    post = Post(
        source=f"s{chance.randrange(40)}",
        external_id=str(number),
        text="",
        published_at=AT - timedelta(minutes=1),
        author=f"author{chance.randrange(10_000)}",
        followers=chance.choice((None, 10, 1_000, 100_000)),
    )
    verdict = Verdict(
        {label: chance.uniform(0.5, 1) for label in carried},
        tuple(carried),
        chance.choice(list(Sentiment)),
        chance.choice(("de", "en")),
    )
    return Mention(post, Watchlist(name, WatchlistKind.BRAND, "", team=f"t{number % 20}"), Match(name, (), ()), verdict)


def _route(receiver: str, *texts: str, below: tuple[Route, ...] = (), go_on: bool = False) -> Route:
    matchers = tuple(parse_matcher(text, {"office": OFFICE}) for text in texts)
    return Route(receiver, matchers, below, go_on, Options(("watchlist",)))


TREES = {
    "by watchlist": _route(
        "root",
        below=tuple(
            _route(f"r{n % 50}", f"watchlist = w{n}", 'label =~ "complaint|question|crisis"') for n in range(ROUTES)
        ),
    ),
    "20 teams with 50 routes each": _route(
        "root",
        below=tuple(
            _route(
                f"team{team}",
                f"team = t{team}",
                below=tuple(
                    _route(f"r{n}", f'watchlist =~ "w{n}|w{n + 50}"', "score >= 0.8", go_on=True) for n in range(50)
                ),
            )
            for team in range(20)
        ),
    ),
    "regexes on authors, all continue": _route(
        "root",
        below=tuple(
            _route(f"r{n % 50}", f'author =~ "author{n}\\d?"', "followers > 100", go_on=True) for n in range(ROUTES)
        ),
    ),
    "labels and hours, all continue": _route(
        "root",
        below=tuple(
            _route(
                f"r{n % 50}", f"label = {list(Label)[n % 6]}", "hours = office", f"score > {n % 50 / 50}", go_on=True
            )
            for n in range(ROUTES)
        ),
    ),
}

if __name__ == "__main__":
    sys.exit(main())
