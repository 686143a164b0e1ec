"""Where a mention goes by the routes of the configuration, and how its case begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.accounts import account_name
from monitor.mentions import Draft
from monitor.opening import Opening
from monitor.sla import promise_of, times
from rules.address import is_direct
from rules.base import Mention
from rules.hours import Hours
from rules.priority import priority
from rules.routing import Route, decide
from sources.base import Clock, Post


@dataclass(frozen=True, slots=True)
class Router:
    """The routes of one configuration. `source_types` maps the name of a source to its type."""

    root: Route
    source_types: Mapping[str, str]
    own_accounts: Mapping[str, frozenset[str]]  # source type or name -> accounts, case-folded
    hours: Mapping[str, Hours]
    clock: Clock

    def route(self, mention: Mention) -> Draft:
        """Who hears of the mention as it is now."""
        now, source_type = self.clock(), self.source_types.get(mention.post.source, "")
        decisions = tuple(decide(self.root, mention, source_type, now))
        promise = promise_of(mention, decisions, self.hours, now)
        opening = Opening(
            is_direct=is_direct(mention, source_type, self._accounts(mention.post)),
            priority=priority(mention),
            promise=promise,
            times=times(promise.sla, self.hours, now) if promise else None,
            chain=tuple(step for decision in decisions for step in decision.escalate),
        )
        return Draft(mention, decisions, source_type, opening)

    def is_own(self, post: Post) -> bool:
        """Whether one of the brand's own accounts wrote it."""
        return post.author is not None and account_name(post.author) in self._accounts(post)

    def _accounts(self, post: Post) -> frozenset[str]:
        """The brand's own at the source of the post."""
        places = (post.source, self.source_types.get(post.source, ""))
        return frozenset[str]().union(*(self.own_accounts.get(place, ()) for place in places))
