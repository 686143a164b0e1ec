"""A mail with its headers: who, what thread, that a machine wrote it.

Pages: RFC 5322 (Message-ID, References), RFC 3834 (Auto-Submitted), RFC 2919 (List-Id), RFC 4021 (Importance).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from alerts.base import Alert, Reason
from alerts.email_body import Letter, html_body, subject, text_body
from alerts.email_settings import EmailSettings
from alerts.links import Links
from alerts.mail_words import MAIL_WORDS
from alerts.wording import Link, compose
from sources.base import Clock

_TEXT_LIMIT = 1500  # of one post: the buttons below it are to be seen without much scrolling
_POLICY = SMTP.clone(cte_type="7bit")  # no server need know 8BITMIME
_URGENT = (Reason.ESCALATION, Reason.WARNING)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the mails of one receiver."""

    settings: EmailSettings
    clock: Clock
    zone: tzinfo
    links: Links

    def write(self, alert: Alert) -> EmailMessage:
        """The same alert always has the same Message-ID, the mails about one mention are one thread."""
        letter = self._letter(alert)
        message = EmailMessage(_POLICY)
        message["From"] = Address("mentiond", addr_spec=self.settings.sender)
        message["To"] = Address(addr_spec=alert.recipient)
        message["Date"] = self.clock()
        message["Message-ID"] = self._id(alert.key)
        for name, value in self._thread(alert, subject(letter.message)).items():
            message[name] = value
        message["Auto-Submitted"] = "auto-generated"
        message["List-Id"] = f"<{self.settings.name}.mentiond.{self._domain}>"
        if alert.reason in _URGENT:
            message["Importance"] = "high"
        message.set_content(text_body(letter))
        message.add_alternative(html_body(letter), subtype="html")
        return message

    def _thread(self, alert: Alert, title: str) -> dict[str, str]:
        """Everything about one mention hangs on one id that no mail has, whichever of its mails came first."""
        if (about := _thread_of(alert)) is None:
            return {"Subject": title}
        root = self._id(about)
        if alert.reason is Reason.FIRST:
            return {"Subject": title, "References": root}
        before = alert.reference if alert.reference.startswith("<") else root
        references = " ".join(dict.fromkeys((root, before)))
        return {"Subject": f"Re: {title}", "In-Reply-To": before, "References": references}

    def _id(self, content: str) -> str:
        return f"<{hashlib.sha256(content.encode()).hexdigest()[:32]}@{self._domain}>"

    @property
    def _domain(self) -> str:
        return self.settings.sender.rpartition("@")[2]

    def _letter(self, alert: Alert) -> Letter:
        settings, mentions = self.settings, alert.mentions
        is_single = alert.count == 1 and alert.reason is not Reason.DIGEST and bool(mentions)
        page = (self.links.page(alert, mentions[0].id) or alert.url) if is_single else ""
        message = compose(
            replace(alert, url=page),
            settings.lang,
            _TEXT_LIMIT,
            zone=self.zone,
            show_personal=settings.show_personal,
        )
        pages = {item.mention_id: self.links.page(alert, item.mention_id) for item in message.items}
        return Letter(message, settings.lang, self._actions(alert), {at: page for at, page in pages.items() if page})

    def _actions(self, alert: Alert) -> tuple[Link, ...]:
        words = MAIL_WORDS[self.settings.lang]
        labels = words.actions_for_all if alert.count > 1 else words.actions
        offered = ((label, self.links.action(alert, kind)) for kind, label in labels.items())
        return tuple(Link(label, url) for label, url in offered if url)


def _thread_of(alert: Alert) -> str | None:
    """What its thread is about; None: the mail stands alone."""
    if alert.reason is Reason.DIGEST or not alert.mentions:
        return None
    if alert.count > 1:
        return f"group {alert.group.id}" if alert.group else None
    mention = alert.mentions[0]
    return f"case {mention.id} of {mention.watchlist.name} at {mention.post.source}"
