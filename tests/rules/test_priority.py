"""What matters more, and what speaks to the brand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.address import is_direct
from rules.base import Label, Mention, Verdict, WatchlistKind
from rules.priority import priority
from sources.base import PostKind
from tests.monitor.builders import WATCHLISTS, make_draft, make_post


def mention(tags: tuple[str, ...] = ("complaint",), score: float = 0.9, **post: Any) -> Mention:
    made = make_draft(make_post(**post), tags=tags).mention
    scores = {Label(tag): score for tag in tags if tag in set(Label)}
    verdict = Verdict(scores, tags, made.verdict.sentiment, "en")
    return replace(made, verdict=verdict)


def test_severity_comes_first() -> None:
    order = ("crisis", "complaint", "question", "suggestion", "praise", "none")
    ranked = [priority(mention((tag,))) for tag in order]
    assert ranked == sorted(ranked, reverse=True)
    assert len(set(ranked)) == len(ranked)
    assert priority(mention(("crisis",), 0.5)) > priority(mention(("complaint",), 1.0, followers=10_000))


def test_the_most_severe_label_decides() -> None:
    assert priority(mention(("complaint", "praise"))) == priority(mention(("complaint",)))


def test_certainty_reach_and_anger_raise_it() -> None:
    plain = priority(mention())
    assert priority(mention(score=0.99)) > plain > priority(mention(score=0.6))
    assert priority(mention(followers=1_000_000)) > priority(mention(followers=1_000)) > plain
    assert priority(mention(engagement=1_000)) == priority(mention(followers=1_000))
    assert priority(mention(rating=1.0)) > plain == priority(mention(rating=4.0))


@pytest.mark.parametrize("odd", [{"followers": -5}, {"engagement": 2**62}, {"rating": -1.0}, {"followers": 2**62}])
def test_it_stays_within_bounds_whatever_a_source_says(odd: dict[str, object]) -> None:
    assert 0 <= priority(mention(("crisis",), 1.0, **odd)) <= 100


def test_what_failed_to_be_classified_is_worth_a_look() -> None:
    assert priority(mention(("praise",))) < priority(mention(("unclassified",))) < priority(mention(("question",)))


ACME = replace(WATCHLISTS[0], names=("Acme", "@acme"))


@pytest.mark.parametrize(
    ("text", "changes", "source_type", "is_one"),
    [
        ("Hey @acme, it is broken", {}, "x", True),
        ("Acme is broken", {}, "x", False),
        ("ask @acmeisbad", {}, "x", False),
        ("mail me at kim@acme.com", {}, "x", False),
        ("@AcmeHelp please answer", {}, "x", True),
        ("Acme is broken", {"kind": PostKind.REVIEW}, "trustpilot", True),
        ("Acme is broken", {"kind": PostKind.MESSAGE}, "imap", True),
        ("Acme is broken", {"kind": PostKind.COMMENT}, "meta", True),
        ("Acme is broken", {"kind": PostKind.ARTICLE}, "feed", False),
    ],
)
def test_direct_is_what_speaks_to_the_brand(
    text: str, changes: dict[str, object], source_type: str, *, is_one: bool
) -> None:
    made = make_draft(make_post("1", text, **changes), ACME).mention
    assert is_direct(made, source_type, ["acmehelp"]) is is_one


@pytest.mark.parametrize("kind", [WatchlistKind.COMPETITOR, WatchlistKind.TOPIC, WatchlistKind.CLAIM])
def test_nothing_about_others_is_direct(kind: WatchlistKind) -> None:
    made = make_draft(make_post("1", "@acme", kind=PostKind.REVIEW), replace(ACME, kind=kind)).mention
    assert not is_direct(made, "meta", ["acme"])
