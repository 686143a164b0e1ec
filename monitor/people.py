"""Who people are: members of teams, who of them is on call; authors, across sources where identities are mapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from alerts.base import Member
from monitor.accounts import account_name
from rules.rota import Rota
from sources.base import Post, PostKind

SITES: Final = ("feed", "forum", "discourse", "nodebb", "webhook", "file")  # types whose names hold on one site only
_NOBODY: Final = frozenset(
    (
        *("anonymous", "anonym", "gast", "guest", "unknown", "unbekannt", "deleted", "[deleted]", "admin", "kunde"),
        *("google user", "a google user", "google-nutzer", "ein google-nutzer", "amazon customer", "customer"),
    )
)


@dataclass(frozen=True, slots=True)
class Team:
    """Members by name, and who of them is on call; None: nobody in turn."""

    members: Mapping[str, Member]
    rota: Rota | None = None


@dataclass(frozen=True, slots=True)
class Teams:
    """All teams of the configuration, by name."""

    teams: Mapping[str, Team] = field(default_factory=dict)

    @property
    def members(self) -> dict[str, Member]:
        """Everybody by name; of two of one name the first."""
        every = [member for team in self.teams.values() for member in team.members.values()]
        return {member.name: member for member in reversed(every)}

    def member(self, name: str | None) -> Member | None:
        """By name; None for somebody whom the configuration does not have, or no more."""
        return self.members.get(name) if name else None

    def with_slack(self, user: str) -> Member | None:
        """By Slack user id."""
        return next((member for member in self.members.values() if member.slack == user), None)

    def on_call(self, team: str | None, at: datetime) -> Member | None:
        """Who of the team is on call; None where the team has no rota."""
        found = self.teams.get(team or "")
        return found.members.get(found.rota.on_call(at)) if found and found.rota else None


@dataclass(frozen=True, slots=True)
class Authors:
    """Says which posts are of one person. `accounts`: (source or source type, account) -> the name of the person."""

    source_types: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def person(self, post: Post) -> str | None:
        """The same text for all posts of one person; None where nobody can be told from others."""
        name = account_name(post.author or "")
        if not name or name in _NOBODY or post.kind is PostKind.ARTICLE:
            return None
        kind = self.source_types.get(post.source, post.source)
        for place in (post.source, kind):
            if mapped := self.accounts.get((place, name)):
                return f"person:{mapped}"
        return f"{kind}/{post.source}:{name}" if kind in SITES else f"{kind}:{name}"
