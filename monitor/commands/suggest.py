"""`mentiond query --suggest WATCHLIST`: what to add to a query and what to exclude, from what people did."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from monitor.advice import FEWEST, Advice, advise
from monitor.assembly import utc_now
from monitor.commands import OK, CommandError
from monitor.commands.marking import harmless
from monitor.commands.progress import remark
from monitor.commands.stored import in_store
from monitor.config import load
from monitor.preview import everyday_words
from rules.query import And, Not, Or, Phrase, format_query, parse
from rules.salience import Salient
from sources.base import parse_duration

_SINCE = "90d"
_EXCLUDED = 5  # words in the query that is proposed


def run(options: argparse.Namespace) -> int:
    """Print words with their counts; everything else goes to standard error."""
    if options.query is not None or options.file is not None or options.feed or options.compare or options.dialect:
        raise CommandError("--suggest reads the store: give it neither QUERY nor FILE, --feed, --compare or --from")
    config = load(options.config or Path("config.yaml"), os.environ)
    queries = {watchlist.name: watchlist.query for watchlist in config.watchlists}
    if options.suggest not in queries:
        raise CommandError(f"--suggest {options.suggest}: no such watchlist; there are {', '.join(sorted(queries))}")
    try:
        since = utc_now() - parse_duration(options.since or _SINCE)
    except ValueError as error:
        raise CommandError(f"--since {options.since}: expected {error}") from error
    everyday = everyday_words()
    advice = in_store(config, lambda connection: advise(connection, options.suggest, since, everyday))
    _print(advice, as_json=options.json)
    _propose(queries[options.suggest], advice.suggestions.exclusions)
    return OK


def _print(advice: Advice, *, as_json: bool) -> None:
    remark(f"{advice.acted_on} mentions were claimed or answered, {advice.dismissed} were dismissed")
    if min(advice.acted_on, advice.dismissed) < FEWEST:
        remark(
            f"too few to compare ({FEWEST} of each are needed): `mentiond case answer ID`, `mentiond case dismiss ID`"
        )
    remark(f"{advice.purchases} mentions are purchase signals, {advice.others} are not")
    groups = {
        "addition": (advice.suggestions.additions, "of what was acted on", advice.acted_on, advice.dismissed),
        "exclusion": (advice.suggestions.exclusions, "of what was dismissed", advice.dismissed, advice.acted_on),
        "buyers": (advice.buyers, "of the purchase signals", advice.purchases, advice.others),
    }
    for kind, (words, where, first, second) in groups.items():
        for word in words:
            if as_json:
                shape = {"kind": kind, "word": word.word, "texts": word.texts, "others": word.others}
                print(json.dumps(shape | {"z": round(word.z, 2)}, ensure_ascii=False))
            else:
                counts = f"in {word.texts} of {first} {where}, {word.others} of {second} others"
                print(f"{kind:10} {harmless(word.word):24} {counts}")


def _propose(written: str, exclusions: Sequence[Salient]) -> None:
    """The query without what was dismissed; words that stand in what was acted on too are left to people."""
    unwanted = [Phrase(word.word) for word in exclusions if not word.others][:_EXCLUDED]
    if unwanted:
        without = Not(Or(tuple(unwanted)) if len(unwanted) > 1 else unwanted[0])
        query = parse(written)
        parts = (*query.parts, without) if isinstance(query, And) else (query, without)
        remark(f"would leave out only what was dismissed: {harmless(format_query(And(parts)))}")
        remark("see what it gains and loses: mentiond query QUERY --compare OLD --since 90d")
