"""How many posts a second the matcher holds against many queries, beside other ways to do it.

    MENTIOND_BENCH=../shared/bench python -m benchmarks.matching [--quick]

Posts are the rows of stream_de.jsonl and stream_en.jsonl joined to about 260 characters. Queries are made by
benchmarks/watchlists.py. Every figure is posts per CPU second of this process, one core: the median of several
passes, the best in brackets. A pass forgets what folding remembers, reads one half of the posts untimed, as a daemon
has read posts before, and times the other half: fresh text, which decides for spaCy too.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.watchlists import WITHOUT_WORDS, Vocabulary, mixed_queries, plain_terms
from rules import folding
from rules.base import Watchlist, WatchlistKind
from rules.folding import spellings
from rules.frequency import Frequencies
from rules.matching import QueryMatcher
from rules.query import parse
from rules.requirements import Keys, requirements
from sources.base import Post

FOLDER = "MENTIOND_BENCH"
SIZES = (10, 1_000, 10_000)
LARGE = 100_000
LENGTH = 230  # a post takes rows until it has so many characters; rows are not cut, so the mean is about 260
PASSES = 5


def main() -> int:
    """Print the machine, the input and the figures."""
    folder = os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        print(f"skipped: {FOLDER} names no folder with stream_de.jsonl and stream_en.jsonl", file=sys.stderr)
        return 0
    texts = read_posts(Path(folder))
    if "--build" in sys.argv:
        _build_large(texts)
        return 0
    _describe(texts)
    posts = [_post(number, text) for number, text in enumerate(texts)]
    words = Vocabulary.of(texts)
    for size in SIZES:
        _mixed(size, posts, words)
    for size in SIZES:
        _plain(size, posts, words)
    print(f"\n{LARGE:,} mixed queries, built in a process of their own")
    sys.stdout.flush()
    if "--quick" not in sys.argv:
        subprocess.run([sys.executable, "-m", "benchmarks.matching", "--build"], check=True)
    return 0


def read_posts(folder: Path) -> list[str]:
    """The rows of both streams in random order, joined."""
    rows = [
        str(json.loads(line)["text"])
        for name in ("stream_de.jsonl", "stream_en.jsonl")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    ]
    random.Random(1).shuffle(rows)
    posts: list[str] = []
    current = ""
    for row in rows:
        current = f"{current} {row}" if current else row
        if len(current) >= LENGTH:
            posts.append(current)
            current = ""
    return posts


def _post(number: int, text: str) -> Post:
    return Post(
        source="stream",
        external_id=str(number),
        text=text,
        published_at=datetime(2026, 11, 21, tzinfo=UTC),
        url=f"https://news{number % 50}.example.com/{number}",
        author=f"user{number % 500}",
        lang="de" if number % 2 else "en",
        followers=number % 5000,
    )


def _describe(texts: Sequence[str]) -> None:
    describe("ahocorasick-rs", "google-re2", "spacy", "lark")
    mean = statistics.mean(map(len, texts))
    print(f"{len(texts):,} posts of {mean:.0f} characters on average, German and English")


def _watchlists(queries: Iterable[str]) -> list[Watchlist]:
    return [Watchlist(f"w{number:06}", WatchlistKind.BRAND, query) for number, query in enumerate(queries)]


def _mixed(size: int, posts: Sequence[Post], words: Vocabulary) -> None:
    queries = mixed_queries(size, words)
    started = time.process_time()
    matcher = QueryMatcher(_watchlists(queries))
    took = time.process_time() - started
    found = [len(matcher.match(post)) for post in posts]
    hit = sum(map(bool, found)) / len(posts)
    looked_at = statistics.mean(map(len, map(matcher.candidates, posts)))
    print(f"\n{size:,} mixed queries, built in {took:.2f} CPU-s; {hit:.1%} of the posts match")
    print(f"  {sum(found) / len(posts):.3f} matches and {looked_at:.3f} evaluations a post")
    fast = _measure("matcher", matcher.match, posts)
    burdened = QueryMatcher(_watchlists([*queries, *WITHOUT_WORDS]))
    _measure(f"with {len(WITHOUT_WORDS)} more that require no word", burdened.match, posts)
    few = posts[: max(40, 200_000 // size)]
    assert [matcher.match(post) for post in few[:20]] == [matcher.match_without_index(post) for post in few[:20]]
    slow = _measure("(a) every query evaluated", matcher.match_without_index, few, passes=3)
    asked = _measure("(a2) every query's words asked for", _words_asked_for(queries), posts[: max(200, len(few))], 3)
    print(f"  {'matcher beside (a), (a2)':34} {fast / slow:>9,.0f}, {fast / asked:,.0f} times")


def _words_asked_for(queries: Iterable[str]) -> Callable[[Post], object]:
    """The least that could be done without an index: of each query only whether its required words are in the post."""
    frequencies = Frequencies()

    def share(keys: Keys) -> float:
        return sum(map(frequencies.share, keys))

    required = [requirements(parse(query), share) for query in queries]

    def ask(post: Post) -> list[int]:
        words = spellings(post.text)
        return [n for n, sets in enumerate(required) if not any(map(words.isdisjoint, sets))]

    return ask


def _plain(size: int, posts: Sequence[Post], words: Vocabulary) -> None:
    terms = plain_terms(size, words)
    matcher = QueryMatcher(_watchlists(f'"{term}"' for term in terms))
    hit = sum(bool(matcher.match(post)) for post in posts) / len(posts)
    print(f"\n{size:,} plain terms; {hit:.1%} of the posts match")
    fast = _measure("matcher", matcher.match, posts)
    _alternation(terms, posts)
    slow = _phrase_matcher(terms, posts)
    print(f"  {'matcher beside (c)':34} {fast / slow:>9,.0f} times")


def _alternation(terms: Sequence[str], posts: Sequence[Post]) -> None:
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, terms))})\b", re.IGNORECASE)
    few = posts[: max(50, min(len(posts), 500_000 // len(terms)))]
    _measure("(b) re alternation", lambda post: pattern.findall(post.text), few, passes=3)


def _phrase_matcher(terms: Sequence[str], posts: Sequence[Post]) -> float:
    import spacy
    from spacy.matcher import PhraseMatcher

    nlp = spacy.blank("de")
    matcher = PhraseMatcher(nlp.vocab, attr="LOWER")
    matcher.add("terms", list(map(nlp.make_doc, terms)))
    # One pass only: spaCy forgets no word it met, so the text of a second pass would not be fresh.
    return _measure("(c) spaCy PhraseMatcher(LOWER)", lambda post: matcher(nlp.make_doc(post.text)), posts, passes=1)


def _measure(name: str, work: Callable[[Post], object], posts: Sequence[Post], passes: int = PASSES) -> float:
    rates = []
    for number in range(passes):
        folding.forget()
        known, fresh = posts[number % 2 :: 2], posts[1 - number % 2 :: 2]
        for post in known:
            work(post)
        started = time.process_time()
        for post in fresh:
            work(post)
        rates.append(len(fresh) / (time.process_time() - started))
    median = statistics.median(rates)
    print(f"  {name:34} {median:>9,.0f} ({max(rates):,.0f}) posts/CPU-s on {len(posts) // 2:,} posts")
    return median


def _build_large(texts: Sequence[str]) -> None:
    queries = mixed_queries(LARGE, Vocabulary.of(texts))
    before = _resident()
    started = time.process_time()
    for query in queries[:5_000]:
        parse(query)
    parsed = (time.process_time() - started) * LARGE / 5_000
    started = time.process_time()
    matcher = QueryMatcher(_watchlists(queries))
    took = time.process_time() - started
    print(f"  {took:.1f} CPU-s, of which about {parsed:.1f} for reading the queries")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {_resident() - before:,} MB more than before, {peak:,} MB at the most")
    _measure("matcher", matcher.match, [_post(number, text) for number, text in enumerate(texts)], passes=3)


def _resident() -> int:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


if __name__ == "__main__":
    raise SystemExit(main())
