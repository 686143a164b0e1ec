"""Webhooks: which shapes can be mapped, what a post is made of, what tells a delivery from another."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import Page, Post, PostKind, Pushed
from sources.webhook import WebhookSettings, WebhookSource
from tests.fakes import START, FixedClock, FixedInbox
from tests.sources.senders import SENDERS, STANDARD, tampered

SETTINGS: TypeAdapter[WebhookSettings] = TypeAdapter(WebhookSettings)
BASIC: dict[str, Any] = {"name": "chat", "type": "webhook", "auth": {"type": "bearer", "token": "t"}}


def made(inbox: FixedInbox | None = None, clock: FixedClock | None = None, **keys: Any) -> WebhookSource:
    return WebhookSource(SETTINGS.validate_python(BASIC | keys), inbox or FixedInbox(), clock or FixedClock())


async def read(*bodies: Any, **keys: Any) -> Page:
    """The page that these bodies make; bytes go in as they are."""
    inbox = FixedInbox()
    for body in bodies:
        inbox.push(body if isinstance(body, bytes) else json.dumps(body).encode())
    return await made(inbox, **keys).fetch({})


async def post(body: Any, **keys: Any) -> Post:
    page = await read(body, **keys)
    assert page.notices == ()
    [only] = page.posts
    return only


async def test_without_a_map_the_fields_stand_under_their_own_names() -> None:
    body = {
        "text": "<p>Acme is <b>broken</b></p>",
        "title": "Help",
        "author": "Kim",
        "url": "https://x.test/1",
        "external_id": 17,
        "published_at": "2026-11-21T10:00:00Z",
        "lang": "de-AT",
        "kind": "review",
        "rating": 2,
        "followers": 10,
        "engagement": "12",
        "answered": False,
        "parent": "p",
        "thread": 5,
    }
    assert await post(body) == Post(
        source="chat",
        external_id="17",
        text="Acme is broken",
        title="Help",
        author="Kim",
        url="https://x.test/1",
        published_at=datetime(2026, 11, 21, 10, tzinfo=UTC),
        published_raw="2026-11-21T10:00:00Z",
        lang="de",
        kind=PostKind.REVIEW,
        rating=2.0,
        followers=10,
        engagement=12,
        answered=False,
        parent="p",
        thread="5",
        raw="<p>Acme is <b>broken</b></p>",
    )


async def test_a_live_chat_in_its_own_shape() -> None:
    body = {
        "event": "message.created",
        "data": {"conversation": {"id": 99}, "message": {"id": "m1", "body": "Acme?", "at": 1795251600}},
        "from": {"name": "Kim", "email": "kim@example.com"},
        "text": "not this",
    }
    places = {
        "text": "data.message.body",
        "author": "from.name",
        "external_id": "data.message.id",
        "thread": "data.conversation.id",
        "published_at": "data.message.at",
    }
    made_of = await post(body, map=places)
    assert (made_of.text, made_of.author, made_of.external_id, made_of.thread) == ("Acme?", "Kim", "m1", "99")
    assert (made_of.title, made_of.kind) == ("", PostKind.MESSAGE)
    assert made_of.published_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


async def test_answers_of_a_survey_with_their_scores() -> None:
    body = {
        "survey": "nps",
        "responses": [
            {"score": 0, "answers": [{"q": "why"}, {"text": "Acme never calls back"}], "id": "r1"},
            {"score": "10", "answers": [], "id": "r2"},
            {"score": "7,5", "answers": [{}, {"text": "ok"}], "id": "r3"},
        ],
    }
    places = {"text": "answers.1.text", "rating": "score", "external_id": "id"}
    page = await read(body, items="responses", map=places, kind="review")
    assert [(one.external_id, one.rating, one.text) for one in page.posts] == [
        ("r1", 0.0, "Acme never calls back"),
        ("r2", 10.0, ""),
        ("r3", 7.5, "ok"),
    ]
    assert {one.kind for one in page.posts} == {PostKind.REVIEW}
    assert page.notices == ()


@pytest.mark.parametrize(
    "body",
    [
        b'[{"text": "a"}, {"text": "b"}]',
        b'{"text": "a"}\n\n{"text": "b"}\r\n',
        b'\xef\xbb\xbf{"text": "a"}\n{"text":"b"}',
    ],
)
async def test_arrays_and_lines(body: bytes) -> None:
    page = await read(body)
    assert [one.text for one in page.posts] == ["a", "b"]
    assert len({one.external_id for one in page.posts}) == 2


async def test_a_value_of_another_type_counts_as_not_there() -> None:
    body = {"text": "a", "author": {"name": "x"}, "rating": "good", "followers": -1, "answered": "yes", "kind": "rant"}
    made_of = await post(body | {"url": "javascript:alert(1)", "published_at": "yesterday", "lang": 5, "title": True})
    assert (made_of.author, made_of.rating, made_of.followers, made_of.answered) == (None, None, None, None)
    assert (made_of.url, made_of.lang, made_of.title, made_of.kind) == (None, None, "", PostKind.MESSAGE)


async def test_what_has_no_date_is_as_old_as_its_arrival() -> None:
    inbox = FixedInbox()
    inbox.push(b'[{"text": "a"}, {"text": "b", "published_at": "2099-01-01"}]')
    page = await made(inbox, FixedClock(START + timedelta(hours=5))).fetch({})
    assert [(one.published_at, one.dated) for one in page.posts] == [(START, True), (START, True)]


async def test_identity_is_the_id_else_the_address_else_the_delivery() -> None:
    same = {"text": "a", "url": "https://x.test/1"}
    page = await read(same, same | {"external_id": "7"}, {"text": "bad"}, {"text": "bad"})
    assert [one.external_id for one in page.posts][:2] == ["https://x.test/1", "7"]
    assert len({one.external_id for one in page.posts}) == 4  # two customers may say the same


async def test_items_that_cannot_be_mapped_are_named_and_take_no_other_with_them() -> None:
    page = await read([{"body": "x"}, {"text": " "}, 5, {"text": "ok"}], {"events": 1})
    assert [one.text for one in page.posts] == ["ok"]
    assert [notice.partition(" has")[0] for notice in page.notices] == [
        "item 1 of delivery 1",
        "item 2 of delivery 1",
        "item 3 of delivery 1",
        "item 1 of delivery 2",
    ]
    assert page.cursor == {"after": 2}
    other = await read({"text": "x"}, map={"text": "a.b"}, items="list")
    assert other.notices == ("item 1 of delivery 1 has no text at `a.b`: it stays in the inbox",)


async def test_notices_are_bounded() -> None:
    page = await read([{}] * 50)
    assert len(page.notices) == 21
    assert page.notices[-1] == "and 30 more"


async def test_a_long_delivery_is_read_in_pages_that_end_within_it() -> None:
    inbox = FixedInbox()
    for delivery in range(2):
        lines = (json.dumps({"external_id": f"{delivery}-{number}", "text": "x"}) for number in range(1500))
        inbox.push("\n".join(lines).encode())
    source, cursor, ids = made(inbox), {}, []  # type: ignore[var-annotated]
    for length, place in ((1000, {"after": 0, "row": 1000}), (1000, {"after": 1, "row": 500}), (1000, {"after": 2})):
        page = await source.fetch(cursor)
        assert (len(page.posts), page.cursor, page.more) == (length, place, place != {"after": 2})
        cursor, ids = page.cursor, [*ids, *(one.external_id for one in page.posts)]
    assert len(set(ids)) == 3000


def push(body: bytes = b'{"text": "a"}', **headers: str) -> Pushed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Pushed(method="POST", query={}, headers={"authorization": "Bearer t"} | named, body=body)


def test_a_delivery_is_known_by_its_key_else_by_its_body() -> None:
    source = made()
    keys = [
        source.accept(push()).key,
        source.accept(push(b'{"text": "b"}')).key,
        source.accept(push(idempotency_key="1")).key,
        source.accept(push(idempotency_key="2")).key,
        source.accept(push(idempotency_key="x" * 5000)).key,
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert source.accept(push(b'{"text": "b"}', idempotency_key="1")).key == keys[2]
    named = made(key_header="X-Delivery")
    assert named.accept(push(x_delivery="1", idempotency_key="9")).key == keys[2]


def test_standard_webhooks_with_two_signatures_while_the_secret_changes() -> None:
    sender = SENDERS["webhook standard"]
    source = made(auth={"type": "standard", "secret": STANDARD})
    pushed = sender.push()
    good = pushed.headers["webhook-signature"]
    for given, status in ((f"v1,AAAA {good}", 200), (f"{good} v1a,AAAA", 200), (good.replace("v1", "v2"), 401)):
        assert source.accept(tampered(pushed, headers={**pushed.headers, "webhook-signature": given})).status == status
    assert source.accept(pushed).key == "id msg_1"


@pytest.mark.parametrize("scheme", ["bearer t", "Bearer  t", "BEARER t"])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    assert made().accept(push(authorization=scheme)).status == 200


@pytest.mark.parametrize("value", ["Basic t", "t", "Bearer", "Bearer tt", ""])
def test_another_scheme_is_refused(value: str) -> None:
    assert made().accept(push(authorization=value)).status == 401


@pytest.mark.parametrize(
    "keys",
    [
        {"auth": {}},
        {"auth": {"type": "none"}},
        {"auth": {"type": "bearer", "token": ""}},
        {"auth": {"type": "hmac", "secret": "s", "signs": "{timestamp}"}},
        {"auth": {"type": "hmac", "secret": "s", "header": "X Signature"}},
        {"auth": {"type": "hmac", "secret": "s", "encoding": "base32"}},
        {"auth": {"type": "standard", "secret": "whsec_!"}},
        {"auth": {"type": "standard", "secret": "whsec_"}},
        {"map": {"txt": "body"}},
        {"map": {"text": "a..b"}},
        {"map": {"text": ""}},
        {"items": ".a"},
        {"kind": "rant"},
        {"largest": 0},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(BASIC | keys)


def test_secrets_are_not_shown() -> None:
    for auth in (
        {"type": "bearer", "token": "geheim"},
        {"type": "hmac", "secret": "geheim"},
        {"type": "standard", "secret": "geheim"},
    ):
        assert "geheim" not in repr(SETTINGS.validate_python(BASIC | {"auth": auth}))
