"""How much a mention matters before anybody has looked at it: 0-100, from its label, its score and its reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from rules.base import UNCLASSIFIED, Label, Mention

HIGHEST: Final = 100

_BASE: Final[Mapping[str, int]] = {
    Label.CRISIS: 60,
    Label.COMPLAINT: 40,
    Label.QUESTION: 30,
    Label.PURCHASE_SIGNAL: 30,
    UNCLASSIFIED: 25,
    Label.SUGGESTION: 15,
    Label.PRAISE: 10,
}
_SURE: Final = 10  # points for a probability of 1; a half gives none
_REACH: Final = 14  # points for a million followers or reactions; by the logarithm
_FURIOUS: Final = 4  # points for one star


def priority(mention: Mention) -> int:
    """Of the most severe label that it carries; a mention without one ranks below all others."""
    verdict = mention.verdict
    tag = verdict.tags[0] if verdict.tags else ""
    points = float(_BASE.get(tag, 5))
    if tag in set(Label):
        points += _SURE * max(0.0, 2 * verdict.probabilities.get(Label(tag), 0.0) - 1)
    post = mention.post
    reach = max(post.followers or 0, post.engagement or 0, 0)
    points += min(_REACH, _REACH * math.log10(reach + 1) / 6)
    if post.rating is not None and 0 < post.rating <= 1:
        points += _FURIOUS
    return min(HIGHEST, round(points))
