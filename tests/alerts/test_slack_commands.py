"""`/mentiond`: what can be typed, and what is answered."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from alerts.base import ActionRefusedError, CaseState, Found, Member
from alerts.registry import Tools
from alerts.slack_commands import Commands, read_silence
from alerts.slack_words import SLACK_WORDS
from alerts.words import WORDS, Lang
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import HOSTILE, KIM, NOW, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.slack_limits import calls
from tests.slack_server import refuse


def desk_of(tools: Tools, *found: Found) -> MemoryDesk:
    return MemoryDesk(*found, clock=tools.clock, members=[KIM])


async def answer(text: str, desk: MemoryDesk, tools: Tools, lang: Lang = "en") -> dict[str, Any]:
    commands = Commands(WORDS[lang], SLACK_WORDS[lang], UTC, tools.clock, show_personal=False)
    said: dict[str, Any] = await commands.answer(text, "Kim", desk)
    assert said["response_type"] == "ephemeral"
    assert refuse({**said, "channel": "#care"}) is None
    return said


@pytest.mark.parametrize(
    ("text", "lang", "word"),
    [
        ("", "en", "/mentiond search"),
        ("help", "en", "on call"),
        ("hilfe", "de", "/mentiond suche"),
        (" HELP ", "de", "bereitschaft"),
        ("dance", "en", "There is no `dance`."),
        ("tanze", "de", "`tanze` gibt es nicht."),
        ("search", "en", "search QUERY"),
        ("oncall", "en", "Nobody is on call"),
        ("silence label=praise", "en", "for 2h"),
    ],
)
async def test_help(tools: Tools, text: str, lang: Lang, word: str) -> None:
    assert word in (await answer(text, desk_of(tools), tools, lang))["text"]


@pytest.mark.parametrize("words", SLACK_WORDS.values(), ids=list(SLACK_WORDS))
def test_help_names_every_command_in_its_language(words: Any) -> None:
    verbs = {"en": ("search", "silence", "oncall", "help"), "de": ("suche", "ruhe", "bereitschaft", "hilfe")}
    lang = next(lang for lang, known in SLACK_WORDS.items() if known is words)
    assert all(f"/mentiond {verb}" in words.help for verb in verbs[lang])


async def test_a_search_lists_posts_with_their_case(tools: Tools) -> None:
    held = Found(mention(post(text="Acme Akku kaputt")), case(state=CaseState.CLAIMED, owner="Kim"))
    other = Found(mention(post(text="Acme ist toll"), number=8), case(mention_id=8))
    said = await answer("search akku", desk_of(tools, held, other), tools)
    assert said["blocks"][0]["text"]["text"] == "1 found, newest first"
    line = said["blocks"][1]["text"]["text"]
    for word in ("https://www.heise.de/forum/1", "Complaint about acme", "Akku kaputt", "Kim has it since", "· 7"):
        assert word in line


async def test_nothing_found_names_the_query(tools: Tools) -> None:
    assert (await answer("search <!channel>", desk_of(tools), tools))["text"] == (
        "Nothing stored matches &lt;!channel&gt;."
    )


async def test_a_hostile_post_is_inert_in_a_search(tools: Tools) -> None:
    found = tuple(Found(mention(post(text=f"acme {HOSTILE * 9}", author=HOSTILE), number=n), case()) for n in range(10))
    assert calls(await answer("search acme", desk_of(tools, *found), tools)) == []


async def test_personal_data_is_covered_in_a_search(tools: Tools) -> None:
    text = "acme 0170 1234567"
    found = Found(mention(post(text=text)), case())
    private = Found(
        type(found.mention)(
            found.mention.post,
            found.mention.watchlist,
            found.mention.match,
            found.mention.verdict,
            7,
            (Personal(PersonalKind.PHONE, Span("text", 5, len(text))),),
        ),
        case(),
    )
    assert "1234567" not in str(await answer("search acme", desk_of(tools, private), tools))


async def test_what_is_no_query_is_explained(tools: Tools) -> None:
    desk = desk_of(tools)
    desk.failure = ActionRefusedError("a bracket is not closed: <(acme>")
    assert (await answer("search (acme", desk, tools))["text"] == "a bracket is not closed: &lt;(acme&gt;"


@pytest.mark.parametrize(
    ("text", "matchers", "hours", "comment"),
    [
        ("watchlist=acme label=praise for 2h the fair", ("watchlist = acme", "label = praise"), 2, "the fair"),
        (
            "watchlist = acme, label =~ “praise|question” für 1d",
            ("watchlist = acme", 'label =~ "praise|question"'),
            24,
            "",
        ),
        ('author="for example" for 1h', ('author = "for example"',), 1, ""),
        ('score>=0.8 --for 4h --comment "quiet please"', ("score >= 0.8",), 4, "quiet please"),
    ],
)
async def test_a_silence(tools: Tools, text: str, matchers: tuple[str, ...], hours: int, comment: str) -> None:
    desk = desk_of(tools)
    said = await answer(f"silence {text}", desk, tools)
    assert desk.silences == [(matchers, NOW + timedelta(hours=hours), "Kim", comment)]
    assert "Silence 1 holds until" in said["text"]


@pytest.mark.parametrize(
    "text",
    ["", "for 2h", "label=praise", "label=praise for", "label=praise for ever", "label=praise for 0h", "x for 2h"],
)
def test_what_is_no_silence(text: str) -> None:
    assert read_silence(text, NOW) is None


async def test_who_is_on_call_is_told_without_calling_them(tools: Tools) -> None:
    desk = desk_of(tools)
    desk.teams = {"care": (KIM, Member("<@U1>")), "pr": ()}
    said = await answer("bereitschaft", desk, tools, "de")
    assert said["text"] == "*Bereitschaft jetzt*\n• care: Kim, &lt;@U1&gt;\n• pr: niemand"
    assert calls(said) == []
