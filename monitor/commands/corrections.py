"""`mentiond correct` and `mentiond corrections`: what mentions really were."""

from __future__ import annotations

import argparse
import getpass
import json
import os
from dataclasses import replace
from functools import partial

from alerts.base import Action, ActionKind, ActionRefusedError
from alerts.excerpt import clean
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.output import print_rows, show_time
from monitor.commands.progress import remark as tell
from monitor.commands.stored import at_desk, in_store
from monitor.config import load
from monitor.config_errors import suggest
from monitor.corrections import Correction, in_order, read_correction, read_corrections
from monitor.desk import StoreDesk
from rules.base import NONE, Label, Sentiment
from sources.base import JSON

_TEXT_SHOWN = 60  # characters of the post in the table


def run(options: argparse.Namespace) -> int:
    """Keep what mentions really were, and route them anew; exit 1 where one cannot be corrected."""
    right = _labels(options.label)
    action = Action(
        kind=ActionKind.CORRECT,
        mention_ids=(),
        by=options.by or getpass.getuser(),
        through="cli",
        note=options.note,
        labels=tuple(label for label in Label if label in right),
        sentiment=Sentiment(options.sentiment) if options.sentiment else None,
    )

    async def work(desk: StoreDesk) -> list[Correction | ActionRefusedError]:
        return [await _try(desk, replace(action, mention_ids=(mention,))) for mention in options.ids]

    made = at_desk(load(options.config, os.environ), work)
    for one in made:
        if isinstance(one, ActionRefusedError):
            tell(str(one))
        else:
            print(json.dumps(_shape(one), ensure_ascii=False) if options.json else _sentence(one))
    return FAILED if any(isinstance(one, ActionRefusedError) for one in made) else OK


async def _try(desk: StoreDesk, action: Action) -> Correction | ActionRefusedError:
    try:
        await desk.act(action)
    except ActionRefusedError as error:
        return error
    return await desk.store.read(partial(read_correction, mention_id=action.mention_ids[0]))


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
