"""`mentiond train`: rebuild the models from a corpus."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from monitor.commands import OK, CommandError


def run(options: argparse.Namespace) -> int:
    """Rebuild the models, telling of progress on standard error."""
    from monitor.model import SHIPPED
    from monitor.training import train as train_models

    corpus = options.corpus or Path(__file__).parent.parent / "corpus"
    try:
        report = train_models(corpus, options.out or SHIPPED, lambda line: print(line, file=sys.stderr, flush=True))
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error
    print(report.to_json() if options.json else report.table())
    return OK
