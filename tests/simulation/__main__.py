"""`python -m tests.simulation`: plays many seeds, and boils the first failure down to the steps that matter."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import ExitStack

from tests import postgres
from tests.simulation.receivers import Violation
from tests.simulation.steps import Stage, Step, draw


def _site(error: BaseException) -> tuple[str, int]:
    """Where it failed."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return frame.filename, frame.lineno or 0


async def boil_down(stage: Stage, seed: int, steps: list[Step], error: BaseException) -> BaseException:
    """Leave out what can be left out while it still fails at the same place; return the last failure."""
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            failure = await _failure(stage, seed, fewer)
            if failure is not None and _site(failure) == _site(error):
                steps, error = fewer, failure
            else:
                at += size
        size //= 2
    print(f"  steps: {[*map(tuple, steps)]}")
    return error


async def _failure(stage: Stage, seed: int, steps: Sequence[Step]) -> BaseException | None:
    try:
        await stage.play(seed, steps)
    except (Exception, Violation) as error:
        return error
    return None


async def search(url: str, first: int, count: int, length: int, most: int) -> int:
    """Return how many seeds failed; the first `most` are boiled down and shown."""
    stage, failed = Stage(url), 0
    for seed in range(first, first + count):
        steps = draw(seed, length)
        error = await _failure(stage, seed, steps)
        if error is None:
            continue
        failed += 1
        print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
        if failed <= most:
            error = await boil_down(stage, seed, steps, error)
            print("".join(traceback.format_exception(error, limit=-4)), flush=True)
    await stage.close()
    print(f"{count} examples from seed {first}, {failed} failed: {stage.total}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--steps", type=int, default=60, help="in each example")
    parser.add_argument("--show", type=int, default=1, help="failures to boil down")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        if options.postgresql:
            url = stack.enter_context(postgres.database(stack.enter_context(postgres.server())))
        else:
            url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/mentiond.db"
        failed = asyncio.run(search(url, options.seed, options.examples, options.steps, options.show))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
