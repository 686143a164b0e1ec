"""Meta's deliveries: handshake, what each field becomes, deletions, edits, echoes, and mentions that are looked up.

Bodies are written from the documented fields; the shapes of Page mentions also from samples that others published.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sources.base import HttpError, Page, Post, PostKind, Pushed, SourceError
from sources.meta import MetaSettings, MetaSource, graph_of
from tests.fakes import START, FailingHttp, FixedClock, FixedInbox, PlainHttp, plain_http
from tests.servers import Web

SETTINGS: TypeAdapter[MetaSettings] = TypeAdapter(MetaSettings)
BASIC: dict[str, Any] = {"name": "mine", "type": "meta", "app_secret": "s", "verify_token": "geheim-ü"}
TOKEN: dict[str, Any] = {"page_id": "100", "page_token": "page-token"}
AT = 1795251600  # 2026-11-21 09:00 UTC
WHEN = datetime.fromtimestamp(AT, UTC)


def made(
    *bodies: Any, http: PlainHttp | FailingHttp | None = None, clock: FixedClock | None = None, **keys: Any
) -> MetaSource:
    config = SETTINGS.validate_python(BASIC | keys)
    inbox, clock = FixedInbox(), clock or FixedClock()
    for body in bodies:
        inbox.push(json.dumps(body).encode())
    return MetaSource(config, graph_of(config, http or FailingHttp(HttpError("no network")), clock), inbox, clock)


def change(field: str, value: Any, kind: str = "page", owner: str = "100") -> dict[str, Any]:
    return {"object": kind, "entry": [{"id": owner, "time": AT, "changes": [{"field": field, "value": value}]}]}


def feed(**value: Any) -> dict[str, Any]:
    basic = {"item": "comment", "verb": "add", "comment_id": "7_1", "post_id": "100_7", "parent_id": "100_7"}
    return change("feed", basic | {"from": {"id": "5", "name": "Kim"}, "created_time": AT, "message": "Acme?"} | value)


def message(owner: str = "100", sender: str = "5", **event: Any) -> dict[str, Any]:
    basic = {"sender": {"id": sender}, "recipient": {"id": owner}, "timestamp": AT * 1000 + 5}
    return {"object": "page", "entry": [{"id": owner, "time": AT * 1000, "messaging": [basic | event]}]}


def whatsapp(*messages: dict[str, Any], **value: Any) -> dict[str, Any]:
    basic = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "4930111", "phone_number_id": "900"},
        "contacts": [{"profile": {"name": "Kim"}, "wa_id": "49170222"}],
        "messages": [{"from": "49170222", "id": "wamid.1", "timestamp": str(AT), **one} for one in messages],
    }
    return change("messages", basic | value, "whatsapp_business_account", "800")


async def read(*bodies: Any, **keys: Any) -> Page:
    return await made(*bodies, **keys).fetch({})


async def post(*bodies: Any, **keys: Any) -> Post:
    page = await read(*bodies, **keys)
    assert page.notices == ()
    [only] = page.posts
    return only


# -- handshake -------------------------------------------------------------------------------------------------------


def handshake(**query: str) -> Pushed:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "geheim-ü", "hub.challenge": "1158201444"}
    changed = {f"hub.{name}": value for name, value in query.items()}
    return Pushed(method="GET", query=asked | changed, headers={}, body=b"")


def test_the_handshake_answers_the_challenge() -> None:
    reply = made().accept(handshake())
    assert (reply.status, reply.text, reply.key) == (200, "1158201444", None)


@pytest.mark.parametrize("query", [{"verify_token": "guessed"}, {"verify_token": ""}, {"mode": "unsubscribe"}])
def test_another_handshake_is_refused(query: dict[str, str]) -> None:
    reply = made().accept(handshake(**query))
    assert (reply.status, "1158" in reply.text) == (403, False)
    assert made().accept(Pushed(method="GET", query={}, headers={}, body=b"")).status == 403


# -- what the fields become ------------------------------------------------------------------------------------------


async def test_a_comment_on_the_page() -> None:
    link = {"permalink_url": "https://www.facebook.com/100_7"}
    assert await post(feed(post=link)) == Post(
        source="mine",
        external_id="7_1",
        text="Acme?",
        published_at=WHEN,
        author="Kim",
        url="https://www.facebook.com/100_7",
        kind=PostKind.COMMENT,
        parent="100_7",
        thread="100_7",
        raw="Acme?",
    )


@pytest.mark.parametrize("item", ["post", "status", "photo", "video", "share"])
async def test_a_post_on_the_page(item: str) -> None:
    found = await post(feed(item=item, comment_id=None))
    assert (found.external_id, found.kind, found.parent, found.thread) == ("100_7", PostKind.POST, None, "100_7")


async def test_a_mention_of_the_page() -> None:
    basic = {
        "item": "post",
        "verb": "add",
        "post_id": "4_9",
        "sender_id": "4",
        "sender_name": "Kim",
        "message": "@Acme",
    }
    found = await post(change("mention", basic))
    assert (found.external_id, found.author, found.text, found.published_at) == ("4_9", "Kim", "@Acme", WHEN)


async def test_a_review() -> None:
    value = {"item": "rating", "verb": "add", "open_graph_story_id": "66", "reviewer_name": "Kim", "rating": 1}
    found = await post(change("ratings", value | {"review_text": "Never again", "created_time": AT}))
    assert (found.external_id, found.kind, found.rating, found.text) == ("66", PostKind.REVIEW, 1.0, "Never again")


async def test_a_comment_on_instagram() -> None:
    value = {"id": "17", "text": "@acme kaputt", "from": {"id": "5", "username": "kim"}, "media": {"id": "18"}}
    found = await post(change("comments", value, "instagram"))
    assert (found.external_id, found.author, found.parent, found.thread) == ("17", "kim", "18", "18")
    answer = await post(change("live_comments", value | {"parent_id": "16"}, "instagram"))
    assert (answer.parent, answer.thread) == ("16", "18")


async def test_a_message_on_messenger_and_instagram() -> None:
    found = await post(message(message={"mid": "m_1", "text": "Hallo Acme", "reply_to": {"mid": "m_0"}}))
    assert (found.external_id, found.text, found.parent, found.thread) == ("m_1", "Hallo Acme", "m_0", "100:5")
    assert (found.kind, found.published_at) == (PostKind.MESSAGE, WHEN + timedelta(milliseconds=5))
    value = message(message={"mid": "m_1", "text": "Hallo Acme"})["entry"][0]["messaging"][0]
    assert (await post(change("messages", value, "instagram"))).external_id == "m_1"
    standby = message(message={"mid": "m_2", "text": "zweite"})
    standby["entry"][0]["standby"] = standby["entry"][0].pop("messaging")
    assert (await post(standby)).text == "zweite"
    assert (await post(message(postback={"mid": "m_3", "title": "Talk to us", "payload": "X"}))).text == "Talk to us"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"type": "text", "text": {"body": "Acme kaputt"}}, "Acme kaputt"),
        ({"type": "image", "image": {"id": "1", "caption": "so sieht es aus"}}, "so sieht es aus"),
        ({"type": "document", "document": {"filename": "rechnung.pdf"}}, "rechnung.pdf"),
        ({"type": "button", "button": {"text": "Ja", "payload": "x"}}, "Ja"),
        ({"type": "interactive", "interactive": {"list_reply": {"id": "1", "title": "Hilfe"}}}, "Hilfe"),
    ],
)
async def test_a_message_on_whatsapp(one: dict[str, Any], words: str) -> None:
    found = await post(whatsapp(one | {"context": {"id": "wamid.0", "from": "4930111"}}))
    assert (found.external_id, found.text, found.author, found.parent) == ("wamid.1", words, "Kim", "wamid.0")
    assert (found.published_at, found.kind) == (WHEN, PostKind.MESSAGE)
    assert "49170222" not in repr(found)  # a number is personal: the thread bears its digest


@pytest.mark.parametrize(
    "body",
    [
        feed(**{"from": {"id": "100", "name": "Acme"}}),
        feed(item="reaction", reaction_type="angry"),
        feed(item="like"),
        feed(verb="hide"),
        feed(message=None),
        change("comments", {"id": "17", "text": "danke", "from": {"id": "100"}, "media": {"id": "18"}}, "instagram"),
        message(message={"mid": "m_1", "text": "Gerne", "is_echo": True, "app_id": 1}),
        message(sender="100", message={"mid": "m_1", "text": "Gerne"}),
        message(read={"watermark": 5}),
        message(message={"mid": "m_1", "attachments": [{"type": "image"}]}),
        whatsapp({"type": "reaction", "reaction": {"emoji": "x"}}),
        whatsapp({"type": "text", "text": {"body": "Gerne"}, "from": "4930111"}),
        whatsapp(statuses=[{"id": "wamid.1", "status": "read"}]),
        change("smb_message_echoes", {"message_echoes": [{"id": "x"}]}, "whatsapp_business_account"),
        change("story_insights", {"media_id": "1"}, "instagram"),
    ],
)
async def test_what_the_brand_says_itself_and_what_has_no_words_is_left_out(body: dict[str, Any]) -> None:
    page = await read(body)
    assert (page.posts, page.deleted, page.notices) == ((), (), ())


async def test_several_changes_in_several_entries_of_one_delivery() -> None:
    both = feed()
    both["entry"] += message(message={"mid": "m_1", "text": "x"})["entry"] + feed(comment_id="7_2")["entry"]
    page = await read(both, [feed(comment_id="7_3")])
    assert {one.external_id for one in page.posts} == {"7_1", "m_1", "7_2", "7_3"}


# -- edits and deletions ---------------------------------------------------------------------------------------------


async def test_an_edit_keeps_the_id_and_the_last_word_counts() -> None:
    page = await read(feed(), feed(verb="edited", message="Acme!"))
    assert [(one.external_id, one.text) for one in page.posts] == [("7_1", "Acme!")]
    assert (await post(message(message_edit={"mid": "m_1", "text": "neu", "num_edit": 1}))).text == "neu"


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (feed(verb="remove", message=None), "7_1"),
        (feed(verb="remove", item="post", comment_id=None), "100_7"),
        (change("mention", {"item": "comment", "verb": "remove", "comment_id": "9_1", "post_id": "9"}), "9_1"),
        (change("ratings", {"item": "rating", "verb": "remove", "open_graph_story_id": "66"}), "66"),
        (message(message={"mid": "m_1", "is_deleted": True}), "m_1"),
    ],
)
async def test_deletions_are_passed_on(body: dict[str, Any], name: str) -> None:
    page = await read(body)
    assert (page.deleted, page.posts) == ((name,), ())


async def test_a_deletion_after_its_post_and_a_post_after_its_deletion() -> None:
    gone = await read(feed(), feed(verb="remove"))
    assert (gone.posts, gone.deleted) == ((), ("7_1",))
    back = await read(feed(verb="remove"), feed())
    assert ([one.external_id for one in back.posts], back.deleted) == (["7_1"], ())


# -- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"object": "page"}, "delivery 1: no `entry`"),
        (feed(comment_id=None), "delivery 1: a feed without its id"),
        (change("comments", {"text": "x"}, "instagram"), "delivery 1: an Instagram comment without its id"),
        (change("mentions", {}, "instagram"), "delivery 1: an Instagram mention without its id"),
        (message(message={"text": "x"}), "delivery 1: a message without its id"),
        (whatsapp({"id": None, "type": "text"}), "delivery 1: a WhatsApp message without its id"),
        (change("leadgen", {"x": 1}), "delivery 1: the field 'leadgen' is not read"),
    ],
)
async def test_what_cannot_be_read_is_said_and_takes_nothing_with_it(body: dict[str, Any], said: str) -> None:
    page = await read(body, feed())
    assert page.notices == (said,)
    assert [one.external_id for one in page.posts] == ["7_1"]


@pytest.mark.parametrize("time", [None, "soon", -5, 1e300, [], True, "9" * 30, 0])
async def test_an_odd_time_counts_as_the_arrival(time: Any) -> None:
    body = feed(created_time=time)
    body["entry"][0]["time"] = time
    assert (await post(body)).published_at == START


# -- mentions that are looked up -------------------------------------------------------------------------------------

COMMENT = change("mentions", {"media_id": "18", "comment_id": "17"}, "instagram", "140")
MEDIA = change("mentions", {"media_id": "18"}, "instagram", "140")
MENTION = change("mention", {"item": "post", "verb": "add", "post_id": "4_9", "sender_id": "4"})


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as session:
        yield session


def answers(web: Web, path: str, answer: Any, status: int = 200, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    web[f"/v25.0/{path}"] = (status, named, json.dumps(answer).encode())


async def test_a_comment_that_mentions_the_account(web: Web, http: PlainHttp) -> None:
    said: dict[str, Any] = {
        "id": "17",
        "text": "@acme kaputt",
        "timestamp": "2026-11-21T08:00:00+0000",
        "username": "kim",
    }
    said |= {"like_count": 3, "media": {"id": "18", "permalink": "https://www.instagram.com/p/x/"}}
    answers(web, "140", {"mentioned_comment": said, "id": "140"}, X_App_Usage='{"call_count": 28, "total_time": 3}')
    source = made(COMMENT, http=http, base_url=web.base, **TOKEN)
    page = await source.fetch({})
    [found] = page.posts
    assert (found.external_id, found.text, found.author, found.thread) == ("17", "@acme kaputt", "kim", "18")
    assert (found.url, found.engagement) == ("https://www.instagram.com/p/x/", 3)
    assert found.published_at == WHEN - timedelta(hours=1)
    assert page.left == "28 % of the calls of this hour used"
    [request] = web.requests
    assert "mentioned_comment.comment_id(17)" in request.path
    assert request.headers["authorization"] == "Bearer page-token"
    assert "page-token" not in request.path


async def test_media_that_mention_the_account(web: Web, http: PlainHttp) -> None:
    said = {"id": "18", "caption": "mein @acme", "username": "kim", "permalink": "https://www.instagram.com/p/x/"}
    answers(web, "140", {"mentioned_media": said})
    [found] = (await made(MEDIA, http=http, base_url=web.base, **TOKEN).fetch({})).posts
    assert (found.external_id, found.text, found.kind, found.published_at) == ("18", "mein @acme", PostKind.POST, START)


async def test_a_mention_of_the_page_without_its_words(web: Web, http: PlainHttp) -> None:
    answers(web, "4_9", {"id": "4_9", "message": "Acme!", "from": {"id": "4", "name": "Kim"}})
    [found] = (await made(MENTION, http=http, base_url=web.base, **TOKEN).fetch({})).posts
    assert (found.external_id, found.text, found.author) == ("4_9", "Acme!", "Kim")


async def test_without_a_token_the_id_is_kept_in_a_notice() -> None:
    page = await read(COMMENT, MEDIA, feed())
    assert page.notices == (
        "a mention could not be looked up (instagram comment 17): no page_token",
        "a mention could not be looked up (instagram media 18): no page_token",
    )
    assert [one.external_id for one in page.posts] == ["7_1"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, {"code": 100, "message": "does not exist"}), (403, {"code": 10, "message": "no permission"}), (404, {})],
)
async def test_what_the_api_does_not_give_is_a_notice(web: Web, http: PlainHttp, status: int, error: Any) -> None:
    answers(web, "140", {"error": error}, status)
    page = await made(MEDIA, feed(), http=http, base_url=web.base, **TOKEN).fetch({})
    assert [one.external_id for one in page.posts] == ["7_1"]
    assert page.notices[0].startswith("a mention could not be looked up (instagram media 18): ")


async def test_a_token_that_is_not_valid_stops_no_messages(web: Web, http: PlainHttp) -> None:
    answers(web, "140", {"error": {"code": 190, "message": "Session has expired"}}, 400)
    page = await made(MEDIA, feed(), http=http, base_url=web.base, **TOKEN).fetch({})
    assert [one.external_id for one in page.posts] == ["7_1"]
    assert "Session has expired (code 190" in page.notices[0]


@pytest.mark.parametrize("error", [{"code": 4, "message": "limit"}, {"code": 2, "message": "trouble"}])
async def test_trouble_that_passes_is_tried_again_for_an_hour(web: Web, http: PlainHttp, error: Any) -> None:
    answers(web, "140", {"error": error}, 400)
    clock = FixedClock()
    source = made(MEDIA, feed(), http=http, clock=clock, base_url=web.base, **TOKEN)
    with pytest.raises(SourceError) as caught:
        await source.fetch({})
    assert not caught.value.permanent
    clock.advance(timedelta(hours=1))
    page = await source.fetch({})
    assert [one.external_id for one in page.posts] == ["7_1"]
    assert len(page.notices) == 1


@pytest.mark.parametrize("name", ["../me", "17?fields=x", "17){id}", "", "１７"])
async def test_only_ids_go_into_an_address(web: Web, http: PlainHttp, name: str) -> None:
    odd = change("mentions", {"media_id": name}, "instagram", "140")
    page = await made(odd, http=http, base_url=web.base, **TOKEN).fetch({})
    assert (page.posts, web.requests) == ((), [])
    assert len(page.notices) == 1


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        {"app_secret": ""},
        {"verify_token": ""},
        {"page_id": "1"},
        {"page_token": "x"},
        {"page_id": "acme", "page_token": "x"},
    ],
)
def test_mistakes_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SETTINGS.validate_python(BASIC | keys)
