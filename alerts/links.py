"""Addresses of mentiond's own pages that work for one reader, for receivers that put them into messages."""

from __future__ import annotations

from typing import Final, Protocol

from alerts.base import ActionKind, Alert


class Links(Protocol):
    """Makes them; "" where there is none, because nobody can reach the pages or because there is nothing to do."""

    def page(self, alert: Alert, mention_id: int) -> str:
        """To one mention of the alert as it stands."""
        ...

    def action(self, alert: Alert, kind: ActionKind) -> str:
        """To a page that asks for a confirmation of this action on the alert's mentions."""
        ...


class NoLinks:
    """Where the installation has no address, or nobody serves its pages."""

    def page(self, alert: Alert, mention_id: int) -> str:
        return ""

    def action(self, alert: Alert, kind: ActionKind) -> str:
        return ""


NO_LINKS: Final = NoLinks()
