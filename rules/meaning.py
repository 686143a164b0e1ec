"""What a linear model sees of the lexicon's hits in a post: which fields, negated or not, beside what, near whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from rules.lexicon import Hit
from rules.words import MASKS

NEGATION = "negation"
_REACH = 3  # words that a negation reaches ahead
_CLOSE = 4  # words between two hits that belong together
_NEAR_MASK = 5  # words between a hit and the brand that it may be about

# How much a feature weighs beside a word's 1.0.
FIELD, AGAIN, CLOSE, TOGETHER, NEAR, SIDE, ENDS = 1.0, 1.0, 0.7, 0.35, 0.7, 1.0, 0.7


def field_features(hits: Sequence[Hit]) -> list[str]:
    """The feature of each hit by itself."""
    ends = [hit.end for hit in hits if hit.field == NEGATION]
    return [
        f"x! {field}" if field != NEGATION and any(0 <= start - end < _REACH for end in ends) else f"x {field}"
        for field, start, _ in hits
    ]


def meaning_features(hits: Sequence[Hit]) -> Iterator[tuple[str, float]]:
    """Features by name with their weights, some of them more than once."""
    if not hits:
        yield "x none", FIELD
        return
    counts = Counter(hit.field for hit in hits)
    yield from ((feature, FIELD) for feature in field_features(hits))
    yield from ((f"x2 {field}", AGAIN) for field, count in counts.items() if count > 1)
    yield from ((f"xc {one} {other}", TOGETHER) for one, other in combinations(sorted(counts), 2))
    for one, other in pairwise(sorted(hits, key=lambda hit: (hit.start, hit.end))):
        if one.field != other.field and 0 <= other.start - one.end <= _CLOSE:
            yield f"xp {one.field} {other.field}", CLOSE
    yield f"xf {hits[0].field}", ENDS
    yield f"xl {hits[-1].field}", ENDS


def brand_features(words: Sequence[str], hits: Sequence[Hit]) -> Iterator[tuple[str, float]]:
    """What stands near the masks among the folded words, and where there are two brands, which of them is nearer."""
    masks = [at for at, word in enumerate(words) if word in MASKS]
    for hit in hits:
        for at in masks:
            side, gap = (">", hit.start - at - 1) if hit.start > at else ("<", at - hit.end)
            if 0 <= gap <= _NEAR_MASK:
                yield f"xm {words[at]} {side} {hit.field}", NEAR
    if {words[at] for at in masks} == MASKS:
        for hit in hits:
            nearest = min(masks, key=lambda at: abs(at - hit.start))
            yield f"xo {words[nearest]} {hit.field}", SIDE
