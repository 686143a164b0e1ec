"""`mentiond correct` and `mentiond corrections`: what mentions really were."""

from __future__ import annotations

import argparse
import getpass
import json
import os

from sqlalchemy.engine import Connection

from alerts.excerpt import clean
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.output import print_rows, show_time
from monitor.commands.progress import remark as tell
from monitor.commands.stored import in_store
from monitor.config import build_watchlists, load
from monitor.config_errors import suggest
from monitor.corrections import Correction, Remark, UncorrectableError, correct, in_order, read_corrections
from rules.base import NONE, Label, Sentiment
from sources.base import JSON

_TEXT_SHOWN = 60  # characters of the post in the table


def run(options: argparse.Namespace) -> int:
    """Keep what mentions really were; exit 1 where one cannot be corrected."""
    sentiment = Sentiment(options.sentiment) if options.sentiment else None
    remark = Remark(_labels(options.label), sentiment, options.by or getpass.getuser(), utc_now(), options.note)
    config = load(options.config, os.environ)
    watchlists = {watchlist.name: watchlist for watchlist in build_watchlists(config)}

    def work(connection: Connection) -> list[Correction | UncorrectableError]:
        made: list[Correction | UncorrectableError] = []
        for mention in options.ids:
            try:
                made.append(correct(connection, mention, remark, watchlists))
            except UncorrectableError as error:
                made.append(error)
        return made

    made = in_store(config, work)
    for one in made:
        if isinstance(one, UncorrectableError):
            tell(str(one))
        else:
            print(json.dumps(_shape(one), ensure_ascii=False) if options.json else _sentence(one))
    return FAILED if any(isinstance(one, UncorrectableError) for one in made) else OK


def _labels(written: str) -> frozenset[Label]:
    """The labels of `complaint,question`; none of `none`. Raises CommandError."""
    names = [name.strip() for name in written.split(",")]
    if names == [NONE]:
        return frozenset()
    for name in names:
        if name == NONE:
            raise CommandError(f"--label {written}: none stands alone, it means that no label is right")
        if name not in set(Label):
            raise CommandError(f"--label {written}: unknown label {name!r}{suggest(name, [*Label, NONE])}")
    return frozenset(map(Label, names))


def _sentence(correction: Correction) -> str:
    labels = ", ".join(in_order(correction.remark.labels)) or NONE
    said = correction.said
    chances = [f"{tag} {said.probabilities[Label(tag)]:.2f}" for tag in said.tags if tag in said.probabilities]
    told = ", ".join(chances or said.tags)
    return f"mention {correction.mention_id} was {labels} (the model said {told})"


def listing(options: argparse.Namespace) -> int:
    """List corrections, newest first."""
    found = in_store(load(options.config, os.environ), read_corrections)
    shown = [_shape(one) if options.json else _row(one) for one in found]
    columns = ("id", "was", "sentiment", "said", "watchlist", "by", "at", "note", "text")
    print_rows(shown, columns, as_json=options.json, empty="no corrections")
    return OK


def _row(correction: Correction) -> dict[str, JSON]:
    remark, text = correction.remark, clean(correction.text)
    return {
        "id": correction.mention_id,
        "was": ", ".join(in_order(remark.labels)) or NONE,
        "sentiment": remark.sentiment,
        "said": ", ".join(correction.said.tags),
        "watchlist": correction.watchlist,
        "by": clean(remark.by),
        "at": show_time(remark.at),
        "note": clean(remark.note),
        "text": text if len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…",
    }


def _shape(correction: Correction) -> dict[str, JSON]:
    """A row that `mentiond evaluate` reads, too."""
    remark, said = correction.remark, correction.said
    probabilities: dict[str, JSON] = {label.value: chance for label, chance in said.probabilities.items()}
    return {
        "id": correction.mention_id,
        "watchlist": correction.watchlist,
        "text": correction.text,
        "masked": True,
        "lang": correction.lang,
        "labels": [*in_order(remark.labels)],
        "sentiment": remark.sentiment,
        "said": {"labels": probabilities, "tags": list(said.tags), "sentiment": said.sentiment},
        "model": said.model,
        "by": remark.by,
        "at": show_time(remark.at),
        "note": remark.note,
    }
