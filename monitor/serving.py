"""What the HTTP server of one configuration answers: pushes to sources and receivers, pages behind links in mails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from aiohttp.web import RouteDef
from sqlalchemy.engine import Connection

from alerts.base import Answerable, Context, Desk, Found, Receiver
from alerts.email_settings import EmailSettings
from alerts.slack import SlackSettings
from monitor.action_links import SignedLinks, Signer, load_key, was_pressed
from monitor.assembly import find_hooks, utc_now
from monitor.config import Config
from monitor.loading import Surroundings
from monitor.pages import Pages, Reader
from monitor.pipeline import Part
from monitor.store import Store
from monitor.web import Answers, Hooks


async def load_links(config: Config, store: Store) -> SignedLinks | None:
    """What signs the links of this installation; None where there are none, because nobody could open them."""
    if config.server.public_url is None or not any(isinstance(one, EmailSettings) for one in config.receivers):
        return None
    return SignedLinks(Signer(await store.write(load_key)), config.server.public_url)


@dataclass(frozen=True, slots=True)
class Serving:
    """What there is to serve. `around`: what is known around a mention."""

    config: Config
    store: Store
    parts: Iterable[Part]
    receivers: Mapping[str, Receiver]
    desk: Desk
    links: SignedLinks | None
    around: Surroundings

    def routes(self) -> list[RouteDef]:
        """Each where something needs it; none where nothing does."""
        hooks, answerables = find_hooks(self.parts), self._answerables()
        return [
            *(Hooks(hooks, self.store, utc_now).routes() if hooks else []),
            *(Answers(answerables, self.desk).routes() if answerables else []),
            *(self._pages(self.links).routes() if self.links else []),
        ]

    def _answerables(self) -> dict[str, Answerable]:
        """Receivers whose presses come over HTTP."""
        pushed = [one.name for one in self.config.receivers if isinstance(one, SlackSettings) and one.signing_secret]
        found = {name: self.receivers[name] for name in pushed}
        return {name: receiver for name, receiver in found.items() if isinstance(receiver, Answerable)}

    def _pages(self, links: SignedLinks) -> Pages:
        settings = [one for one in self.config.receivers if isinstance(one, EmailSettings)]
        return Pages(
            desk=self.desk,
            signer=links.signer,
            public_url=links.public_url,
            readers={one.name: Reader(one.lang, one.show_personal) for one in settings},
            names={member.mail: name for name, member in self.around.members.items() if member.mail},
            is_used=self._is_used,
            clock=utc_now,
            zone=ZoneInfo(self.config.timezone),
            context=self._context,
        )

    async def _is_used(self, mention_id: int, key: str) -> bool:
        return await self.store.read(partial(was_pressed, mention_id=mention_id, key=key))

    async def _context(self, found: Found) -> Context:
        def work(connection: Connection) -> Context:
            copies = self.around.copies(connection, [found.mention.id]).get(found.mention.id, ())
            return Context(found.case, copies, self.around.propose(found.mention, Context(found.case, copies)))

        return await self.store.read(work)
