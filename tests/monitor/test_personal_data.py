"""Personal data on its way into the store and out of it: it always points into the text that is stored."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.loading import load_alerts
from monitor.schema import alerts, mentions
from monitor.store import Store
from rules.base import Personal, PersonalKind, Span
from tests.monitor.builders import Works, build_works, column, in_transaction, make_page, make_post

PHONE = "0171/1234567"


@pytest.fixture
def works(store: Store) -> Works:
    return build_works(store)


def post(text: str) -> Any:
    return make_post(text=text, lang="de")


def loaded(store: Store) -> tuple[Personal, ...]:
    """Of the mention in the first alert."""
    first = column(store, alerts.c.id)[0]
    [alert] = in_transaction(store, load_alerts, [first], "")
    return alert.mentions[0].personal


async def test_it_is_stored_with_the_mention_and_comes_with_the_alert(works: Works) -> None:
    await works.poll(make_page(post(f"Acme is broken {PHONE}")))
    assert column(works.store, mentions.c.personal) == [[["text", 15, 27, "phone"]]]
    assert loaded(works.store) == (Personal(PersonalKind.PHONE, Span("text", 15, 27)),)


async def test_an_edit_moves_it(works: Works) -> None:
    await works.poll(make_page(post(f"Acme is broken {PHONE}")))
    await works.poll(make_page(post(f"{PHONE} is mine, Acme is broken")))
    assert loaded(works.store) == (Personal(PersonalKind.PHONE, Span("text", 0, 12)),)


async def test_an_edit_that_matches_nothing_any_more_is_covered_too(works: Works) -> None:
    await works.poll(make_page(post("Acme is broken")))
    await works.poll(make_page(post(f"now call {PHONE}")))
    assert loaded(works.store) == (Personal(PersonalKind.PHONE, Span("text", 9, 21)),)


async def test_of_a_deleted_post_no_place_is_left(works: Works) -> None:
    await works.poll(make_page(post(f"Acme is broken {PHONE}")))
    await works.poll(make_page(deleted=("1",)))
    assert column(works.store, mentions.c.personal) == [[]]
