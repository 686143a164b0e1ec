"""Pages and mails in Chromium: they fit a phone and a desk, a press acts, another site's does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web as aiohttp_web

from alerts.base import ActionKind, CaseEvent, CaseState, Context, Found, Proposal, Reason, Sighting
from alerts.email_message import Writer
from alerts.email_settings import EmailSettings
from monitor.action_links import SignedLinks, Signer
from monitor.pages import Pages, Reader
from tests.alerts.samples import NOW, alert, case, digest, mention, notice, post
from tests.fake_desk import MemoryDesk
from tests.fakes import FixedClock
from tests.peers.chromium import Tab, chromium
from tests.servers import serve_at_any_port

BERLIN = ZoneInfo("Europe/Berlin")
SIGNER = Signer(b"k" * 32)
SIGNED = SignedLinks(SIGNER, "https://m.example")
WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung" * 2
LONG = mention(
    post(title=WORD, text=f"Acme nervt. https://example.com/{'a' * 300} " + "Mein Acme Phone ist kaputt. " * 60)
)
KNOWN = Context(
    case(
        is_direct=True,
        due_at=NOW + timedelta(hours=1),
        events=(CaseEvent(NOW, WORD, "slack", "note", f"ruft zurück {WORD}"),),
        tags=(WORD,),
    ),
    (Sighting("reddit", "https://www.reddit.com/r/de/1", NOW),),
    Proposal(f"Hallo Jörg,\n\ndas tut uns leid. {WORD}", "Erst bestätigen."),
)
MAILS = {
    "first": alert(LONG, contexts={7: KNOWN}),
    "escalation": alert(LONG, contexts={7: KNOWN}, reason=Reason.ESCALATION, n=1),
    "digest": digest(37),
    "notice": notice(f"The source heise was switched off: {WORD}"),
}


@dataclass(slots=True)
class Shown:
    """A browser, and pages that it can open."""

    tab: Tab
    address: str
    desk: MemoryDesk

    def link(self, kind: ActionKind) -> str:
        return SIGNED.action(alert(LONG), kind).replace("https://m.example", self.address)

    def page(self) -> str:
        return SIGNED.page(alert(LONG), 7).replace("https://m.example", self.address)


@pytest.fixture
async def shown() -> AsyncIterator[Shown]:
    desk = MemoryDesk(Found(LONG, KNOWN.case or case()), clock=FixedClock(NOW))

    async def is_used(mention_id: int, key: str) -> bool:
        return key in {action.key for action in desk.actions}

    async def context(found: Found) -> Context:
        return Context(found.case, KNOWN.copies, KNOWN.proposal)

    pages = Pages(
        desk=desk,
        signer=SIGNER,
        public_url="https://m.example",
        readers={"care": Reader("de")},
        names={"kim@example.com": "Kim"},
        is_used=is_used,
        clock=FixedClock(NOW),
        zone=BERLIN,
        context=context,
    )
    async with serve_at_any_port([*pages.routes(), *_other_site()]) as address, chromium() as opened:
        yield Shown(opened, address, desk)


def _other_site() -> list[aiohttp_web.RouteDef]:
    """A page that posts a form to the address in its query by itself, as a site of somebody else would."""

    async def show(request: aiohttp_web.Request) -> aiohttp_web.Response:
        script = f"<form method=post action='{request.query['to']}'><button name=choice value=yes>x</button></form>"
        return aiohttp_web.Response(text=script, content_type="text/html")

    return [aiohttp_web.get("/other", show)]


async def fits(tab: Tab, width: int) -> bool:
    """Whether nothing stands out of the window to the side, neither the page nor anything on it."""
    widest = "Math.max(...[...document.querySelectorAll('body *')].map(e => e.getBoundingClientRect().right))"
    return bool(await tab.value(f"document.documentElement.scrollWidth <= {width} && {widest} <= {width}"))


@pytest.mark.parametrize("width", [380, 800])
async def test_pages_fit_and_are_styled_and_free_of_scripts(shown: Shown, width: int) -> None:
    door = f"{shown.address}/mentions/7"
    for url in (
        shown.page(),
        *(shown.link(kind) for kind in (ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.SNOOZE)),
        door,
    ):
        await shown.tab.open(url, width)
        assert await fits(shown.tab, width), url
        assert await shown.tab.value("getComputedStyle(document.querySelector('main')).maxWidth") == "640px"
        assert not [line for line in shown.tab.errors if "Content Security Policy" in line]
    assert shown.desk.actions == []


@pytest.mark.parametrize("width", [380, 800])
@pytest.mark.parametrize("kind", MAILS)
async def test_mails_fit(tmp_path: Path, width: int, kind: str) -> None:
    given = {"name": "care", "type": "email", "to": ["kim@example.com"], "from": "m@example.com", "lang": "de"}
    settings = EmailSettings.model_validate(given | {"smtp": {"host": "localhost"}})
    html = Writer(settings, FixedClock(NOW), BERLIN, SIGNED).write(MAILS[kind]).get_payload(1)
    file = tmp_path / "mail.html"
    file.write_text(html.get_content(), encoding="utf-8")  # type: ignore[union-attr]  # an EmailMessage
    async with chromium() as tab:
        await tab.open(file.as_uri(), width)
        assert await fits(tab, width)
        await tab.open(file.as_uri(), width, is_dark=True)
        assert await tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"


async def test_a_press_in_a_browser_acts_and_shows_who_has_the_case(shown: Shown) -> None:
    await shown.tab.open(shown.link(ActionKind.CLAIM), 380)
    assert shown.desk.actions == []
    await shown.tab.press("button")
    assert "Bei Kim seit" in await shown.tab.value("document.body.innerText")
    assert [(action.kind, action.by) for action in shown.desk.actions] == [(ActionKind.CLAIM, "Kim")]
    await shown.tab.open(shown.link(ActionKind.CLAIM), 380)
    assert "schon benutzt" in await shown.tab.value("document.body.innerText")
    assert len(shown.desk.actions) == 1


async def test_the_page_of_a_mention_acts_too(shown: Shown) -> None:
    await shown.tab.open(shown.page(), 380)
    await shown.tab.press("button[value='4h']")
    assert [action.until for action in shown.desk.actions] == [NOW + timedelta(hours=4)]
    await shown.tab.press("a[href^='../mentions/']")
    assert "zurückgestellt bis" in await shown.tab.value("document.body.innerText")


async def test_the_form_of_another_site_does_nothing(shown: Shown) -> None:
    elsewhere = shown.address.replace("127.0.0.1", "localhost")
    await shown.tab.open(f"{elsewhere}/other?to={shown.link(ActionKind.CLAIM)}", 380)
    await shown.tab.press("button")
    assert "Es wurde nichts getan" in await shown.tab.value("document.body.innerText")
    assert shown.desk.actions == []
    assert shown.desk.found[7].case.state is CaseState.NEW
