"""Why a query does not match: the part that is missing or that excludes, of the branch that comes nearest."""

from __future__ import annotations

import pytest

from rules.misses import Miss, explain_miss
from rules.query import parse
from tests.monitor.builders import make_post


def missed(query: str, text: str) -> Miss | None:
    return explain_miss(parse(query), make_post(text=text))


def test_a_query_that_matches_is_no_miss() -> None:
    assert missed("acme AND (broken OR dead)", "Acme is dead") is None


@pytest.mark.parametrize(
    ("query", "text", "miss"),
    [
        ("acme AND phone", "Acme is broken", Miss(("acme",), ("phone",))),
        ("acme AND (phone OR tablet)", "Acme is broken", Miss(("acme",), ("phone OR tablet",))),
        ("acme NOT jobs", "Acme has jobs", Miss(("acme",), (), ("jobs",))),
        ("acme NOT (jobs OR hiring)", "Acme is hiring", Miss(("acme",), (), ("jobs OR hiring",))),
        ("globex OR (acme AND phone)", "Acme is broken", Miss(("acme",), ("phone",))),
        ("globex OR initech", "Acme is broken", Miss((), ("globex OR initech",))),
        (
            "acme NEAR/2 broken",
            "Acme said that the old thing is broken",
            Miss(("acme", "broken"), ("acme NEAR/2 broken",)),
        ),
        ("acme NEAR/2 phone", "Acme is broken", Miss(("acme",), ("phone",))),
        ('"acme phone"', "The phone by Acme", Miss(("acme", "phone"), ('"acme phone"',))),
        ('"acme phone"', "The tablet by Acme", Miss((), ('"acme phone"',))),
        ("acme AND lang:de", "Acme is broken", Miss(("acme",), ("lang:de",))),
        ("(acme AND (phone AND NOT jobs))", "Acme phone jobs", Miss(("acme", "phone"), (), ("jobs",))),
    ],
)
def test_what_is_missing_and_what_excludes_is_named(query: str, text: str, miss: Miss) -> None:
    assert missed(query, text) == miss
    assert miss.is_near == bool(miss.found)
