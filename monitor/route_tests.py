"""The tests of the routing tree that a configuration brings along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.config import Config, build_routes, build_watchlists
from monitor.linting import Remark
from monitor.sample import RouteTestSettings, SampleSettings, build_sample, read_moment
from monitor.yaml import read_document
from rules.base import Mention, Watchlist
from rules.lint import Level
from rules.routing import Decision, Route, decide


@dataclass(frozen=True, slots=True)
class Tree:
    """The routing tree of a configuration, with what mentions are made up from."""

    root: Route
    watchlists: Mapping[str, Watchlist]
    source_types: Mapping[str, str]
    timezone: str

    @classmethod
    def of(cls, config: Config) -> Tree:
        return cls(
            root=build_routes(config),
            watchlists={watchlist.name: watchlist for watchlist in build_watchlists(config)},
            source_types={source.name: source.type for source in config.sources},
            timezone=config.timezone,
        )

    def sample(self, settings: SampleSettings, at: datetime) -> tuple[Mention, str]:
        """The mention and the type of its source."""
        source_type = settings.source_type or self.source_types.get(settings.source or "", "")
        return build_sample(settings, self.watchlists, at), source_type


def run_route_tests(config: Config, path: Path, environ: Mapping[str, str]) -> Iterator[Remark]:
    """A remark for every test that fails; `config` was loaded from `path`."""
    if not config.tests:
        return
    tree, document = Tree.of(config), read_document(path, environ)
    for number, test in enumerate(config.tests):
        failure = _failure(test, tree)
        if failure:
            error = document.error(("tests", number, "receivers"), f'the test "{test.name}" fails: {failure}')
            yield Remark("test", test.name, Level.ERROR, error)


def _failure(test: RouteTestSettings, tree: Tree) -> str:
    """What is wrong; "" where the right receivers hear of it."""
    if test.at is None and _looks_at_hours(tree.root):
        return 'it needs `at`, such as "2026-11-02 09:00", since a route has a matcher on `hours`'
    at = read_moment(test.at, tree.timezone) if test.at else datetime.now(UTC)
    decisions = decide(tree.root, *tree.sample(test.mention, at), at)
    if {decision.receiver for decision in decisions} == set(test.receivers):
        return ""
    return f"expected {_join(test.receivers)}, but {_tell(decisions)}"


def _looks_at_hours(route: Route) -> bool:
    return any(matcher.name == "hours" for matcher in route.matchers) or any(map(_looks_at_hours, route.routes))


def _tell(decisions: Sequence[Decision]) -> str:
    heard = [f"{decision.receiver} hears of it ({'; '.join(decision.routes)})" for decision in decisions]
    return " and ".join(heard) or "nobody hears of it"


def _join(names: Sequence[str]) -> str:
    return " and ".join(names) or "nobody"
