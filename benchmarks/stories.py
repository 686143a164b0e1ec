"""How well and how fast copies are found, beside a library: `python -m benchmarks.stories [FILE.jsonl ...]`.

The labelled set is tests/data/stories. As a mass of posts that are distinct serve the corpus, without texts about two
brands (many of those stand there twice, with the brands changed over), and the given files. `pip install rensa` adds
its row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from time import process_time
from typing import Any, Protocol

from benchmarks.machine import describe
from rules.stories import StoryIndex, trace
from sources.base import Post, PostKind

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "stories"
START = datetime(2026, 11, 21, tzinfo=UTC)
ORDERS = 20


class Finder(Protocol):
    """Says of each post to which earlier one it belongs."""

    def take(self, post: Post, number: int) -> int | None: ...


class Ours:
    """rules.stories as the daemon uses it."""

    def __init__(self) -> None:
        self._index = StoryIndex(timedelta(days=7))

    def take(self, post: Post, number: int) -> int | None:
        made = trace(post)
        known = self._index.find(made)
        self._index.add(made, number, known.story if known else number)
        return known.story if known else None


class Rensa:
    """Its MinHash of 64 permutations over rows of three words, title and text, in bands."""

    def __init__(self) -> None:
        import rensa

        self._new: Callable[[], Any] = lambda: rensa.RMinHash(num_perm=64, seed=1)
        self._lsh = rensa.RMinHashLSH(threshold=0.5, num_perm=64, num_bands=16)
        self._story: dict[int, int] = {}
        self._sketches: dict[int, Any] = {}

    def take(self, post: Post, number: int) -> int | None:
        words = f"{post.title} {post.text}".casefold().split()
        sketch = self._new()
        sketch.update([" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2))])
        near = [one for one in self._lsh.query(sketch) if self._is_near(sketch, one)]
        found = self._story[min(near)] if near else None
        self._lsh.insert(number, sketch)
        self._sketches[number] = sketch
        self._story[number] = number if found is None else found
        return found

    def _is_near(self, sketch: Any, other: int) -> bool:
        return float(sketch.jaccard(self._sketches[other])) >= 0.5


@dataclass(frozen=True)
class Labelled:
    """A post with its story; "" where it is nobody's copy."""

    post: Post
    story: str
    is_first: bool


def read_labelled() -> list[Labelled]:
    """The labelled set."""
    read = [json.loads(line) for line in (DATA / "copies.jsonl").read_text(encoding="utf-8").splitlines()]
    copies = [Labelled(_post(row["post"]), row["story"], row["how"] == "first") for row in read]
    others = [json.loads(line) for line in (DATA / "distinct.jsonl").read_text(encoding="utf-8").splitlines()]
    return copies + [Labelled(_post(row), "", False) for row in others]


def _post(row: dict[str, Any]) -> Post:
    return Post(**row | {"kind": PostKind(row["kind"]), "published_at": START})


@dataclass
class Tally:
    """What was found of what could be."""

    copies: int = 0
    found: int = 0
    distinct: int = 0
    joined: int = 0


def judge(make: Callable[[], Finder], rows: Sequence[Labelled]) -> Tally:
    """One run over the posts in this order; a copy is found where it joins a post of its own story."""
    finder, tally, story_of, begun = make(), Tally(), dict[int, str](), set[str]()
    for number, row in enumerate(rows):
        found = finder.take(row.post, number)
        story_of[number] = row.story
        is_right = found is not None and row.story != "" and story_of[found] == row.story
        if row.story in begun:
            tally.copies += 1
            tally.found += is_right
        elif row.story == "":
            tally.distinct += 1
        tally.joined += found is not None and not is_right
        begun |= {row.story} - {""}
    return tally


def orders(rows: Sequence[Labelled], *, first_first: bool) -> list[list[Labelled]]:
    """The same posts in ORDERS orders; the first of each story before its copies, or wherever it falls."""
    made = []
    for seed in range(ORDERS):
        shuffled = list(rows)
        Random(seed).shuffle(shuffled)
        made.append(sorted(shuffled, key=lambda row: not row.is_first) if first_first else shuffled)
    return made


def share(make: Callable[[], Finder], rows: Sequence[Labelled], *, first_first: bool) -> tuple[float, float]:
    """Recall, and the share of distinct posts that were joined to another."""
    tallies = [judge(make, order) for order in orders(rows, first_first=first_first)]
    copies, distinct = sum(one.copies for one in tallies), sum(one.distinct for one in tallies)
    return sum(one.found for one in tallies) / copies, sum(one.joined for one in tallies) / distinct


def read_mass(files: Sequence[Path]) -> list[Post]:
    """Texts as posts by nobody in particular, each text once and on a site of its own, where it could be a copy."""
    texts: dict[str, None] = {}
    for path in [*sorted((ROOT / "monitor" / "corpus").glob("*/*.jsonl")), *files]:
        for line in path.read_text(encoding="utf-8").splitlines():
            text = json.loads(line).get("text") or ""
            if not ("TARGET" in text and "OTHER" in text):
                texts[text] = None
    return [
        Post(source="x", external_id=str(n), text=text, published_at=START, url=f"https://site{n}.example/p")
        for n, text in enumerate(texts)
    ]


def main() -> None:
    """Print the figures."""
    rows, mass = read_labelled(), read_mass([Path(name) for name in sys.argv[1:]])
    copies = sum(row.story != "" and not row.is_first for row in rows)
    describe(*(["rensa"] if find_spec("rensa") else []))
    print(f"{copies} copies, {sum(row.story == '' for row in rows)} look-alikes, {len(mass):,} posts of the mass\n")
    finders: dict[str, Callable[[], Finder]] = {"ours": Ours, "rensa": Rensa}
    for name, make in finders.items():
        try:
            make()
        except ImportError:
            print(f"{name}: is not installed")
            continue
        recall, joined = share(make, rows, first_first=True)
        anyhow, _ = share(make, rows, first_first=False)
        begun, finder = process_time(), make()
        found = [(post, at) for number, post in enumerate(mass) if (at := finder.take(post, number)) is not None]
        rate = len(mass) / (process_time() - begun)
        print(f"{name:6} recall {recall:.3f} ({anyhow:.3f} in any order), look-alikes joined {joined:.3%}")
        print(f"       {len(found)} of the mass joined ({len(found) / len(mass):.3%}), {rate:,.0f} posts/CPU-s")
        for post, at in found[:20] if name == "ours" else ():
            print(f"         {post.text[:100]!r}\n         {mass[at].text[:100]!r}")


if __name__ == "__main__":
    main()
