"""Bluesky beside the contract of streams: what a record becomes, what is asked for, what a server may do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sources.base import Post, PostKind, SourceError
from sources.bluesky_events import Events, Position
from sources.bluesky_post import MOST_PARTS, read_post
from tests.fakes import START
from tests.sources.benches.bluesky import DID, LEXICON, commit, message, record

SECOND = timedelta(seconds=1)
TIME = "2026-11-21T11:59:30.000000Z"
LINK = "https://www.example.com/watch?v=V5lDo-jw8mA"


def read(text: str = "hello Acme", **more: Any) -> Post:
    post = read_post(record(text, **more), source="sky", did="did:plc:a", rkey="3k", seen_at=START)
    assert post is not None
    return post


def test_what_a_record_says_becomes_a_post() -> None:
    post = read(langs=["de-AT", "en"])
    assert post.external_id == post.thread == "at://did:plc:a/app.bsky.feed.post/3k"
    assert post.url == "https://bsky.app/profile/did:plc:a/post/3k"
    assert (post.author, post.lang, post.kind, post.parent) == ("did:plc:a", "de", PostKind.POST, None)
    assert (post.text, post.raw, post.dated) == ("hello Acme", "hello Acme", True)
    assert post.published_at == datetime(2026, 11, 21, 11, 59, 0, 102_000, UTC)


def test_a_reply_is_a_comment_in_the_thread_of_its_root() -> None:
    post = read(reply={"root": {"uri": "at://r", "cid": "c"}, "parent": {"uri": "at://p", "cid": "c"}})
    assert (post.kind, post.thread, post.parent) == (PostKind.COMMENT, "at://r", "at://p")


def test_links_that_are_cut_short_in_the_text_are_there_in_full() -> None:
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": LINK}
    facets = [{"features": [feature], "index": {"byteStart": 0, "byteEnd": 31}}]
    card = {"$type": "app.bsky.embed.external", "external": {"uri": LINK, "title": "A film", "description": "no"}}
    post = read("www.example.com/watch?v=V5lD...", facets=facets, embed=card)
    assert post.text == f"www.example.com/watch?v=V5lD...\nA film\n{LINK}"


IMAGES = {"$type": "app.bsky.embed.images", "images": [{"alt": "an Acme box", "image": {}}, {"alt": ""}]}


@pytest.mark.parametrize(
    "embed",
    [
        IMAGES,
        {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": "at://q"}}, "media": IMAGES},
        {"$type": "app.bsky.embed.video", "video": {}, "alt": "an Acme box"},
        {"$type": "app.bsky.embed.gallery", "items": [{"$type": "#image", "alt": "an Acme box"}]},
    ],
)
def test_descriptions_of_pictures_belong_to_the_text(embed: dict[str, Any]) -> None:
    assert read("look", embed=embed).text == "look\nan Acme box"


def test_further_hashtags_belong_to_the_text() -> None:
    assert read("look #acme", tags=["acme", "support", 7]).text == "look #acme\n#support"


@pytest.mark.parametrize("created", ["2031-01-01T00:00:00Z", "yesterday", None, 7, "0001-01-01T00:00:00Z", "1" * 99])
def test_a_date_that_cannot_be_is_that_of_the_network(created: object) -> None:
    assert read(createdAt=created).published_at == START


@pytest.mark.parametrize("created", ["2019-05-01T10:00:00+02:00", "2019-05-01T08:00:00.000Z", "2019-05-01T08:00:00"])
def test_an_old_date_is_believed(created: str) -> None:
    assert read(createdAt=created).published_at == datetime(2019, 5, 1, 8, tzinfo=UTC)


ODD = [
    {"langs": "en", "facets": {"a": 1}, "embed": [1], "reply": "x", "tags": "y"},
    {"langs": [7], "facets": [1, {"features": 7}, {"features": [{"uri": ["x"]}]}], "embed": {"images": 5}},
    {"langs": ["x" * 10_000], "reply": {"root": 1, "parent": []}, "embed": {"media": {"images": [{"alt": 1}]}}},
    {"facets": [{"features": [{"uri": "javascript:alert(1)"}]}], "embed": {"external": {"uri": "data:x"}}},
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_a_record_of_odd_parts_keeps_its_text(odd: dict[str, Any]) -> None:
    post = read(**odd)
    assert (post.text, post.lang) == ("hello Acme", None if "langs" in odd else "en")


def test_what_is_added_is_bounded() -> None:
    assert len(read(tags=[f"tag{n}" for n in range(1_000)]).text.split("\n")) == MOST_PARTS + 1


@pytest.mark.parametrize("written", [None, 7, ["x"], {}])
def test_a_record_without_text_is_none(written: object) -> None:
    assert read_post({"text": written}, source="sky", did="d", rkey="r", seen_at=START) is None  # type: ignore[dict-item]


def events(*payloads: dict[str, Any], position: Position | None = None, is_first: bool = False) -> Events:
    made = Events("sky", position or Position(), START, is_first)
    made.read([message(payload).encode() for payload in payloads])
    return made


def uri(rkey: str) -> str:
    return f"at://{DID}/app.bsky.feed.post/{rkey}"


def test_a_post_that_is_deleted_and_written_anew_is_an_edit() -> None:
    made = events(commit(1, "r", TIME, None, "delete"), commit(2, "r", TIME, record("again")))
    assert (list(made.posts), list(made.edited), list(made.deleted)) == ([uri("r")], [uri("r")], [])


def test_other_events_move_the_position_only() -> None:
    account = {"$type": f"{LEXICON}#account", "seq": 5, "did": "did:plc:a", "time": TIME, "account": {"active": False}}
    like = commit(6, "r", TIME, {"$type": "app.bsky.feed.like"}) | {"collection": "app.bsky.feed.like"}
    future = {"$type": f"{LEXICON}#somethingNew", "seq": 7, "time": TIME}
    made = events(account, like, future)
    assert made.position.seq == 7
    assert not made.posts
    assert not made.notices


@pytest.mark.parametrize("seq", [0, -1, 10**15, 10**400, True, "7", 1.5, None])
def test_a_number_that_is_none_never_becomes_the_cursor(seq: object) -> None:
    made = events(commit(1, "a", TIME, record("one")), commit(2, "b", TIME, record("two")) | {"seq": seq})
    assert made.position.seq == 1
    assert made.notices == ["1 events could not be read and were left out"]


def test_a_server_that_counts_anew_is_noticed_only_as_the_stream_is_resumed() -> None:
    last = Position(1_000, START)
    made = events(commit(7, "r", TIME, record("new count")), position=last, is_first=True)
    assert (made.is_restarted, made.position.seq, len(made.posts)) == (True, 7, 1)
    made = events(commit(1_001, "a", TIME, record("x")), commit(7, "b", TIME, record("y")), position=last)
    assert (made.is_restarted, made.position.seq, list(made.posts)) == (False, 1_001, [uri("a")])


def test_an_error_frame_ends_the_stream_with_its_reason() -> None:
    made = Events("sky", Position(), START)
    made.read([json.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": "too slow"}).encode()])
    assert isinstance(made.ended, SourceError)
    assert "ConsumerTooSlow too slow" in str(made.ended)


def test_an_advice_of_the_server_is_a_notice() -> None:
    made = events({"$type": f"{LEXICON}#info", "name": "OutdatedCursor", "message": "starting at seq 7"})
    assert made.notices == ["Jetstream says: OutdatedCursor starting at seq 7"]
    assert made.position == Position()


@pytest.mark.parametrize("written", [{}, {"seq": "x", "time": 7}, {"seq": [1]}, {"time": TIME}])
def test_a_cursor_that_somebody_wrote_starts_anew(written: dict[str, Any]) -> None:
    assert Position.of(written).seq is None
    assert Position.of(written).cursor == {}
