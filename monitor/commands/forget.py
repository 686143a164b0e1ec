"""`mentiond forget`: erasure by author, for good."""

from __future__ import annotations

import argparse
import json
import os
import sys

from monitor.accounts import account_name
from monitor.assembly import source_types, utc_now
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.progress import Progress, remark
from monitor.config import Config, load
from monitor.config_errors import suggest
from monitor.forgetting import Erased, Whom, count_posts, forget
from monitor.people import SITES
from monitor.store import Store


def run(options: argparse.Namespace) -> int:
    """Erase the author, after asking; exit 1 where nobody said yes."""
    config = load(options.config, os.environ)
    whom = _whom(config, options.author, options.source)
    store = Store(config.store.url)
    try:
        store.migrate()
        count = store.write_now(lambda connection: count_posts(connection, whom))
        if not (options.yes or _is_confirmed(whom, count)):
            remark("nothing was erased")
            return FAILED
        with Progress(sys.stderr, what="posts erased") as progress:
            erased = forget(store, whom, utc_now(), progress.count)
    finally:
        store.close()
    _report(whom, erased, as_json=options.json)
    return OK


def _whom(config: Config, author: str, place: str) -> Whom:
    """A source of a network means all sources of that network, because its accounts are the same at each."""
    if not account_name(author):
        raise CommandError("--author needs a name")
    types = source_types(config)
    if place in types and types[place] in SITES:
        return Whom(author, place, (place,))
    kind = types.get(place, place)
    known = sorted({*types, *types.values()})
    if kind not in types.values():
        raise CommandError(f"--source {place!r}: no source or type of source is called that{suggest(place, known)}")
    if kind in SITES:
        names = ", ".join(name for name, of in types.items() if of == kind)
        raise CommandError(f"--source {place!r}: a name holds on one site only; name the source: {names}")
    return Whom(author, kind, tuple(name for name, of in types.items() if of == kind))


def _is_confirmed(whom: Whom, count: int) -> bool:
    """Ask on a terminal; elsewhere --yes is needed."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask on; --yes erases without asking")
    remark(f"{count:,} posts by {whom.name} at {', '.join(whom.sources)} with all that hangs on them will be erased.")
    remark("Nothing of this author is stored again. This cannot be undone.")
    return input("Erase (yes/no)? ").strip().lower() == "yes"


_SAID = {
    "posts": "posts",
    "revisions": "earlier revisions of them",
    "mentions": "mentions with their verdicts and cases",
    "case_events": "lines of the history of cases",
    "corrections": "corrections",
    "alerts": "alerts",
    "own_posts": "own posts",
    "silences": "silences that named the author",
    "inbox": "bodies that were pushed and read",
}


def _report(whom: Whom, erased: Erased, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"sources": list(whom.sources), "new": erased.is_new, **erased.counts}))
        return
    counts = erased.counts
    said = [f"{counts[name]:,} {words}" for name, words in _SAID.items() if counts[name]]
    print(f"erased: {', '.join(said) or 'nothing was stored'}")
    print("nothing of this author is stored again" + ("" if erased.is_new else "; that was so already"))
    if erased.alerts_sent:
        print(f"{erased.alerts_sent:,} messages had been sent: what they said lies with their receivers")
    print("backups and exports made before still have it")
