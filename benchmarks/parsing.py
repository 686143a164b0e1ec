"""Reading well-formed feeds, beside feedparser reading the same.

    python -m benchmarks.parsing

RSS and Atom with 20, 100 and 1,000 entries of benchmarks/feeds.py. Ours: `sources.feed_reader.read_fast` with every
date read, as the source does. feedparser: as it comes, and with its sanitiser and relative links switched off. Entries
a CPU second, median of five; ids, titles, links and dates have to be the same in all.
"""

from __future__ import annotations

import random
import statistics
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import process_time
from xml.sax.saxutils import escape, unescape

import feedparser

from benchmarks.feeds import Feeds
from benchmarks.machine import describe
from sources.dates import published
from sources.document import Document
from sources.feed_reader import read_fast
from sources.text import html_to_text

URL = "https://feed.example/"
SIZES = (20, 100, 1000)
REPEATS = 5
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def main() -> int:
    describe("lxml", "feedparser")
    print(
        f"{'document':12} {'KB':>6} {'ours':>9} {'feedparser':>11} {'bare':>8} {'times':>7} {'bare':>7}   entries/CPU-s"
    )
    for kind, write in (("RSS", rss), ("Atom", atom)):
        for size in SIZES:
            _compare(f"{kind} {size}", write(size), size)
    return 0


def rss(size: int) -> bytes:
    feeds = Feeds()
    items = "".join(feeds._item(0, number, random.Random(number)) for number in range(size))
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'.encode()


def atom(size: int) -> bytes:
    sentences, start = Feeds()._sentences, datetime(2026, 11, 1, tzinfo=UTC)
    entries = []
    for number in range(size):
        title, *rest = random.Random(number).choices(sentences, k=11)
        html = escape("".join(f"<p>{escape(sentence)}</p>" for sentence in rest))
        date = (start + timedelta(minutes=number)).isoformat()
        entries.append(
            f"<entry><id>tag:feed.example,2026:{number}</id><title>{escape(title)}</title><updated>{date}</updated>"
            f'<link href="{URL}{number}"/><content type="html">{html}</content></entry>'
        )
    head = '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title><id>x</id>'
    return f"{head}{''.join(entries)}</feed>".encode()


def _compare(name: str, body: bytes, size: int) -> None:
    ours = [(id_, html_to_text(title), link, read) for id_, title, link, read in _ours(body)]
    theirs = feedparser.parse(body)
    assert len(ours) == len(theirs.entries) == size
    for mine, their in zip(ours, theirs.entries, strict=True):
        read = datetime.fromtimestamp(timegm(their.get("published_parsed") or their.updated_parsed), UTC)
        assert mine == (their.id, unescape(their.title), their.link, read), (mine, their)
    rates = [
        _rate(lambda: _ours(body), size),
        _rate(lambda: feedparser.parse(body), size),
        _rate(lambda: feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False), size),
    ]
    fast, slow, bare = rates
    times = f"{fast / slow:>7,.0f} {fast / bare:>7,.0f}"
    print(f"{name:14} {len(body) // 1024:>6,} {fast:>9,.0f} {slow:>11,.0f} {bare:>8,.0f} {times}")


def _ours(body: bytes) -> list[tuple[str | None, str, str | None, datetime | None]]:
    document = read_fast(body, "application/xml", URL)
    assert isinstance(document, Document), "not read by the fast path"
    return [(entry.id, entry.title, entry.link, published(entry.date, NOW)[0]) for entry in document.entries]


def _rate(work: Callable[[], object], entries: int) -> float:
    """Entries a CPU second, the median of REPEATS; a repeat lasts a fifth of a second at least."""
    rates = []
    for _ in range(REPEATS):
        done, begun = 0, process_time()
        while (spent := process_time() - begun) < 0.2:
            work()
            done += entries
        rates.append(done / spent)
    return statistics.median(rates)


if __name__ == "__main__":
    raise SystemExit(main())
