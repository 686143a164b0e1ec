"""The pages behind links in mails, asked by a real client: what is shown, and that only a press acts."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from alerts.base import (
    Action,
    ActionKind,
    Alert,
    CaseState,
    Context,
    Found,
    GroupView,
    Proposal,
    Sighting,
)
from monitor.action_links import LASTS, SignedLinks, Signer
from monitor.page_requests import BAD_A_MINUTE
from monitor.pages import Pages, Reader
from monitor.store import StoreError
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import HOSTILE, NOW, alert, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.fakes import FixedClock
from tests.servers import serve_at_any_port

BERLIN = ZoneInfo("Europe/Berlin")
GROUP = GroupView(5, (("watchlist", "acme"),), False, True)


@dataclass(slots=True)
class Site:
    """Running pages, the desk behind them, and a client that follows no redirects."""

    address: str
    desk: MemoryDesk
    pages: Pages
    clock: FixedClock
    client: aiohttp.ClientSession

    def link(self, kind: ActionKind, owed: Alert | None = None) -> str:
        return SignedLinks(self.pages.signer, self.address).action(owed or alert(), kind)

    def page(self, owed: Alert | None = None, number: int = 7) -> str:
        return SignedLinks(self.pages.signer, self.address).page(owed or alert(), number)

    async def ask(self, url: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, url, headers=named) as answer:
            return answer.status, await answer.text()

    async def press(self, url: str, choice: str = "yes", note: str = "", **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.post(url, data={"choice": choice, "note": note}, headers=named) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    clock = FixedClock(NOW)
    desk = MemoryDesk(Found(mention(post()), case()), Found(mention(post(title="Zwei"), number=8), case()), clock=clock)
    desk.groups = {5: (7, 8)}

    async def is_used(mention_id: int, key: str) -> bool:
        return key in desk._keys

    pages = Pages(
        desk=desk,
        signer=Signer(b"k" * 32),
        public_url="https://m.example",
        readers={"care": Reader("de")},
        names={"kim@example.com": "Kim"},
        is_used=is_used,
        clock=clock,
        zone=BERLIN,
    )
    async with (
        serve_at_any_port(pages.routes()) as address,
        aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=20)) as client,
    ):
        yield Site(address, desk, pages, clock, client)


@pytest.mark.parametrize("kind", [ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.DISMISS, ActionKind.SNOOZE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_a_link_does_nothing(site: Site, kind: ActionKind, method: str) -> None:
    for _ in range(3):  # scanners come more than once
        status, shown = await site.ask(site.link(kind), method)
        assert status == 200
        assert method == "HEAD" or '<form method="post">' in shown
    assert site.desk.actions == []
    assert site.desk.found[7].case.state is CaseState.NEW


async def test_a_press_acts_in_the_name_of_the_address_and_says_who_has_the_case(site: Site) -> None:
    status, shown = await site.press(site.link(ActionKind.CLAIM))
    assert status == 200
    [action] = site.desk.actions
    assert (action.kind, action.mention_ids, action.by, action.through) == (ActionKind.CLAIM, (7,), "Kim", "mail")
    assert action.key.startswith("mail:")
    assert "Der Fall liegt jetzt bei Ihnen" in shown and "Bei Kim seit 21.11. 19:04" in shown


async def test_an_address_of_nobody_acts_as_itself(site: Site) -> None:
    await site.press(site.link(ActionKind.CLAIM, alert(recipient="pr@example.com")))
    assert [action.by for action in site.desk.actions] == ["pr@example.com"]


async def test_a_note_goes_along(site: Site) -> None:
    await site.press(site.link(ActionKind.ANSWER), note="  per Mail beantwortet " + "x" * 600)
    [action] = site.desk.actions
    assert action.note.startswith("per Mail beantwortet") and len(action.note) == 500


@pytest.mark.parametrize(
    ("choice", "until"),
    [
        ("1h", NOW + timedelta(hours=1)),
        ("4h", NOW + timedelta(hours=4)),
        ("morning", datetime(2026, 11, 22, 7, tzinfo=UTC)),
    ],
)
async def test_a_snooze_lasts_as_long_as_the_button_says(site: Site, choice: str, until: datetime) -> None:
    assert (await site.press(site.link(ActionKind.SNOOZE), choice))[0] == 200
    assert [action.until for action in site.desk.actions] == [until]


async def test_tomorrow_morning_is_one_of_local_time_after_midnight_too(site: Site) -> None:
    site.clock.now = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # Sunday 00:30 in Berlin, the day with 25 hours
    owed = alert(created_at=site.clock.now)
    await site.press(site.link(ActionKind.SNOOZE, owed), "morning")
    assert [action.until for action in site.desk.actions] == [datetime(2026, 10, 26, 7, tzinfo=UTC)]


@pytest.mark.parametrize("body", ["", "choice=", "choice=2h", "choice=yes", "\xff&&;;", "a=1&" * 50])
async def test_what_is_no_press_asks_again(site: Site, body: str) -> None:
    async with site.client.post(site.link(ActionKind.SNOOZE), data=body.encode("latin-1")) as answer:
        assert (answer.status, "Später ansehen?" in await answer.text()) == (400, True)
    async with site.client.post(site.link(ActionKind.SNOOZE), data=b"choice=1h&" + b"x" * 10_000) as answer:
        assert answer.status == 400
    assert site.desk.actions == []


async def test_f37_a_used_link_does_nothing_more_and_says_how_things_stand(site: Site) -> None:
    link = site.link(ActionKind.CLAIM)
    await site.press(link)
    await site.desk.act(Action(kind=ActionKind.REOPEN, mention_ids=(7,), by="Alex", through="cli"))
    for status, shown in (await site.ask(link), await site.press(link)):
        assert status == 409
        assert "Dieser Link wurde schon benutzt" in shown and "Neu, noch bei niemandem" in shown
        assert "<form" not in shown
    assert [action.kind for action in site.desk.actions] == [ActionKind.CLAIM, ActionKind.REOPEN]
    [onward] = re.findall(r'href="(\.\./mentions/7/[^"]+)"', (await site.ask(link))[1])
    assert (await site.ask(f"{site.address}/actions/{onward}"))[0] == 200


async def test_f37_two_presses_at_once_are_one(site: Site) -> None:
    link, both_ask = site.link(ActionKind.CLAIM), asyncio.Barrier(2)

    async def is_used(mention_id: int, key: str) -> bool:
        await both_ask.wait()
        return False

    site.pages.is_used = is_used
    both = await asyncio.gather(site.press(link), site.press(link))
    assert [status for status, shown in both if "Bei Kim seit" in shown] == [200, 200]
    assert len(site.desk.actions) == 1


async def test_what_somebody_else_has_is_refused_with_who_has_it(site: Site) -> None:
    await site.desk.act(Action(kind=ActionKind.CLAIM, mention_ids=(7,), by="Alex", through="slack"))
    status, shown = await site.press(site.link(ActionKind.CLAIM))
    assert status == 409
    assert "Das ging nicht" in shown and "Bei Alex seit" in shown
    assert site.desk.found[7].case.owner == "Alex"


async def test_a_group_is_claimed_whole_and_the_page_counts(site: Site) -> None:
    owed = alert(mention(post()), mention(post(external_id="2"), number=8), group=GROUP)
    status, shown = await site.ask(site.link(ActionKind.CLAIM, owed))
    assert status == 200 and "Alle 2 Fälle übernehmen?" in shown
    assert shown.count("<li") == 2
    status, shown = await site.press(site.link(ActionKind.CLAIM, owed))
    assert status == 200 and "2 von 2 Fällen liegen jetzt bei Ihnen" in shown
    assert [action.mention_ids for action in site.desk.actions] == [(7, 8)]


async def test_an_expired_link_is_told_from_a_wrong_one(site: Site) -> None:
    link, page = site.link(ActionKind.CLAIM), site.page()
    site.clock.advance(LASTS)
    for url, method in ((link, "GET"), (link, "POST"), (page, "GET")):
        status, shown = await site.ask(url, method, Accept_Language="de-DE,de;q=0.9")
        assert status == 410 and "Dieser Link ist abgelaufen" in shown
        assert "Acme" not in shown and "Kim" not in shown
    assert site.desk.actions == []


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("token", ["x", "a.b", "%00", "é.é", "a" * 6000, "..%2f", "eyJhIjoxfQ.AAAA"])
async def test_a_forged_link_shows_nothing(site: Site, method: str, token: str) -> None:
    status, shown = await site.ask(f"{site.address}/actions/{token}", method)
    assert status == 403
    assert method == "HEAD" or "This link is not valid" in shown
    assert "Traceback" not in shown and "Acme" not in shown
    assert site.desk.actions == []


async def test_a_link_to_look_acts_on_nothing_and_one_to_act_shows_no_page(site: Site) -> None:
    look, act = site.page().rpartition("/")[2], site.link(ActionKind.CLAIM).rpartition("/")[2]
    assert (await site.press(f"{site.address}/actions/{look}"))[0] == 403
    assert (await site.ask(f"{site.address}/mentions/7/{act}"))[0] == 403
    assert (await site.ask(f"{site.address}/mentions/8/{look}"))[0] == 403
    assert site.desk.actions == []


async def test_wrong_tokens_are_throttled_and_right_ones_are_not(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "mentiond.web")
    for _ in range(BAD_A_MINUTE):
        assert (await site.ask(f"{site.address}/actions/a.b"))[0] == 403
    for _ in range(3):
        assert await site.ask(f"{site.address}/actions/a.b") == (429, "")
    assert (await site.ask(site.link(ActionKind.CLAIM)))[0] == 200
    assert len(caplog.records) == 1
    site.clock.advance(timedelta(minutes=1))
    assert (await site.ask(f"{site.address}/actions/a.b"))[0] == 403


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "https://m.example"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Origin": "https://m.example"}, True),
        ({"Origin": "null"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://m.example.evil.example"}, False),
        ({"Origin": "http://m.example"}, False),
    ],
)
async def test_the_form_of_another_site_is_refused(site: Site, headers: dict[str, str], is_taken: bool) -> None:
    status, _ = await site.press(site.link(ActionKind.CLAIM), **headers)
    assert (status, len(site.desk.actions)) == ((200, 1) if is_taken else (403, 0))


async def test_a_mention_has_a_page_with_everything_that_is_known(site: Site) -> None:
    earlier = case(earlier_count=2, earlier_by_person=2, earlier_since=NOW - timedelta(days=10), is_direct=True)
    site.desk.found[7] = replace(site.desk.found[7], case=earlier)
    await site.desk.act(Action(kind=ActionKind.NOTE, mention_ids=(7,), by="Alex", through="cli", note="rief an"))

    async def context(found: Found) -> Context:
        copies = (Sighting("reddit", "https://www.reddit.com/r/x/1", NOW),)
        return Context(found.case, copies, Proposal("Hallo Jörg,\ndas tut uns leid.", "Erst nach der Nummer fragen."))

    site.pages.context = context
    status, shown = await site.ask(site.page())
    assert status == 200
    for told in (
        "Beschwerde über acme (auch Frage) · 92 % · heise",
        "<mark>Acme</mark> Phone ist schon wieder kaputt",
        'href="https://www.heise.de/forum/1?a=b&amp;c=d"',
        "kaputt, nervt",
        "Neu, noch bei niemandem",
        "an uns gerichtet",
        "Zum dritten Mal in 10 Tagen",
        "Alex hat notiert: rief an",
        "reddit.com",
        "Hallo Jörg,\ndas tut uns leid.",
        "Erst nach der Nummer fragen.",
        "für Kim geöffnet",
    ):
        assert told in shown
    assert [action.kind for action in site.desk.actions] == [ActionKind.NOTE]


async def test_buttons_of_the_page_act_once_for_each_time_that_it_is_opened(site: Site) -> None:
    forms = re.findall(r'action="(\.\./\.\./actions/[^"]+)"', (await site.ask(site.page()))[1])
    assert len(forms) == 4
    claim = f"{site.address}/mentions/7/{forms[0]}"
    assert [(await site.press(claim))[0] for _ in range(2)] == [200, 409]
    await site.desk.act(Action(kind=ActionKind.REOPEN, mention_ids=(7,), by="Alex", through="cli"))
    [again, *_] = re.findall(r'action="(\.\./\.\./actions/[^"]+)"', (await site.ask(site.page()))[1])
    assert (await site.press(f"{site.address}/mentions/7/{again}"))[0] == 200
    assert [action.kind for action in site.desk.actions] == [ActionKind.CLAIM, ActionKind.REOPEN, ActionKind.CLAIM]


async def test_what_the_page_offers_is_no_longer_valid_than_the_page(site: Site) -> None:
    forms = re.findall(r'action="\.\./\.\./actions/([^"]+)"', (await site.ask(site.page()))[1])
    tickets = [site.pages.signer.read(token, site.clock()) for token in forms]
    assert {ticket.expires_at for ticket in tickets} == {NOW + LASTS}


async def test_a_closed_case_and_a_link_for_nobody_in_particular_offer_no_buttons(site: Site) -> None:
    assert "<form" not in (await site.ask(site.page(alert(recipient=""))))[1]
    await site.press(site.link(ActionKind.ANSWER))
    assert "<form" not in (await site.ask(site.page()))[1]


async def test_personal_data_is_covered_unless_the_receiver_may_show_it(site: Site) -> None:
    text = "Acme, ruft an: 030 1234567"
    private = replace(mention(post(text=text)), personal=(Personal(PersonalKind.PHONE, Span("text", 15, 26)),))
    site.desk.found[7] = Found(private, case())
    for url in (site.page(), site.link(ActionKind.CLAIM)):
        assert "1234567" not in (await site.ask(url))[1]
    site.pages.readers = {"care": Reader("de", show_personal=True)}
    assert "030 1234567" in (await site.ask(site.page()))[1]


@pytest.mark.parametrize("path", ["/mentions/7", "/mentions/999999", "/alerts/42", "/mentions/7%22%3E%3Cb%3E"])
async def test_without_a_signature_the_door_says_how_to_get_in_and_no_more(site: Site, path: str) -> None:
    status, shown = await site.ask(site.address + path)
    assert status == 403
    assert "This page opens with a link from a mail" in shown
    assert "Acme" not in shown and "heise" not in shown and "<b>" not in shown
    assert ("mentiond case show" in shown) is (path in ("/mentions/7", "/mentions/999999"))


async def test_f35_a_hostile_post_is_inert_on_every_page(site: Site) -> None:
    hostile = mention(
        post(text=HOSTILE, title="<img src=x onerror=alert(3)>", url="javascript:alert(4)", author=HOSTILE)
    )
    site.desk.found[7] = Found(hostile, case(owner="<b>Kim</b>", state=CaseState.CLAIMED, tags=("<i>",)))

    async def context(found: Found) -> Context:
        copies = (Sighting("x", "javascript:alert(5)", NOW),)
        return Context(found.case, copies, Proposal("<script>alert(6)</script>", "<script>alert(7)</script>"))

    site.pages.context = context
    answers = [await site.ask(site.page()), await site.ask(site.link(ActionKind.CLAIM))]
    answers.append(await site.press(site.link(ActionKind.DISMISS), note=HOSTILE.replace("\ud800", "")))
    for status, shown in answers:
        assert status == 200
        for steering in ("<script", "<img", "<b>", "<i>", "javascript:", "\x1b", "\u202e", "\x00"):
            assert steering not in shown


async def test_every_page_forbids_scripts_frames_referrers_and_indexing(site: Site) -> None:
    urls = [site.link(ActionKind.CLAIM), site.page(), f"{site.address}/actions/a.b", f"{site.address}/mentions/7"]
    for url in urls:
        async with site.client.get(url) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert "frame-ancestors 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "noindex" in answer.headers["X-Robots-Tag"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.content_type == "text/html" and "Set-Cookie" not in answer.headers
            shown = await answer.text()
        assert "<script" not in shown and " src=" not in shown and " style=" not in shown


async def test_a_deleted_post_is_gone(site: Site) -> None:
    del site.desk.found[7]
    for status, shown in (
        await site.ask(site.page()),
        await site.ask(site.link(ActionKind.CLAIM)),
        await site.press(site.link(ActionKind.CLAIM)),
    ):
        assert status == 404 and "Hier ist nichts mehr" in shown
    assert site.desk.actions == []


async def test_a_store_that_is_away_is_no_stack(site: Site) -> None:
    link = site.link(ActionKind.CLAIM)
    site.desk.failure = StoreError("sqlite:///secret/path: disk full")
    status, shown = await site.press(link)
    assert status == 503 and "Bitte gleich noch einmal versuchen" in shown and "secret" not in shown
    assert (await site.press(link))[0] == 200


async def test_other_methods_are_refused(site: Site) -> None:
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert (await site.ask(site.link(ActionKind.CLAIM), method))[0] == 405
    assert (await site.ask(site.page(), "POST"))[0] == 405
    assert site.desk.actions == []
