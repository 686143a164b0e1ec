"""`mentiond routes`: the routing tree, and who would hear of a mention, when and why."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from monitor.commands import OK, CommandError
from monitor.commands.route_output import describe_options, explain_step, plan, plan_lines, show_value
from monitor.config import build_hours, build_routes, load
from monitor.config_errors import suggest
from monitor.route_settings import RootRouteSettings, RouteOptions, RouteSettings
from monitor.route_tests import Tree
from monitor.sample import SampleSettings, check_moment, read_moment
from rules.base import Mention
from rules.matchers import Facts, MatcherError, parse_matcher
from rules.routing import DROP, Route, decide, explain, group_labels
from sources.base import JSON

FACTS = tuple(SampleSettings.model_fields)


def test(options: argparse.Namespace) -> int:
    """Say who would hear of a mention with these facts, when, and why."""
    config = load(options.config, os.environ)
    tree, at = Tree.of(config), _moment(options.at, config.timezone)
    mention, source_type = tree.sample(_sample(options.facts, tree), at)
    decisions, hours = decide(tree.root, mention, source_type, at), build_hours(config)
    if options.json:
        for decision in decisions:
            print(json.dumps(plan(decision, hours, at), ensure_ascii=False))
        return OK
    _print_way(tree.root, mention, source_type, at)
    for decision in decisions:
        print(f"hears of it: {decision.receiver}")
        group = group_labels(decision.group_by or (), mention, source_type)
        for line in plan_lines(plan(decision, hours, at), group):
            print(f"  {line}")
    if not decisions:
        print("hears of it: nobody")
    return OK


def _print_way(root: Route, mention: Mention, source_type: str, at: datetime) -> None:
    facts = Facts.of(mention, source_type, at)
    for step in explain(root, mention, source_type, at):
        print(f"{'  ' * len(step.position)}{_headline(step.route)}  [{explain_step(step, facts)}]")


def _headline(route: Route) -> str:
    matchers = ", ".join(matcher.text for matcher in route.matchers) or "(all)"
    return f"{matchers} -> {route.receiver}"


def _moment(text: str | None, timezone: str) -> datetime:
    if text is None:
        return datetime.now(UTC).astimezone(ZoneInfo(timezone))
    try:
        return read_moment(check_moment(text), timezone)
    except ValueError as error:
        raise CommandError(f"--at {text!r}: expected {error}") from error


def _sample(words: list[str], tree: Tree) -> SampleSettings:
    facts: dict[str, JSON] = {"label": "none"}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or name not in FACTS:
            raise CommandError(f"{word!r}: expected NAME=VALUE with a name of {', '.join(sorted(FACTS))}")
        if name == "watchlist" and value not in tree.watchlists:
            raise CommandError(f"{word!r}: no such watchlist is configured{suggest(value, tree.watchlists)}")
        facts[name] = _value(word, name, value)
    try:
        return SampleSettings.model_validate_json(json.dumps(facts))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CommandError(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from error


def _value(word: str, name: str, value: str) -> JSON:
    """The value as the configuration would have it; a matcher knows what can be."""
    values = value.split(",") if name == "label" else [value]
    for one in values:
        quoted = one.replace("\\", "\\\\").replace('"', '\\"')
        try:
            matcher = parse_matcher(f'{name} = "{quoted}"')
        except MatcherError as error:
            raise CommandError(f"{word!r}: {error}") from error
    if name in ("score", "followers", "rating", "engagement"):
        return int(matcher.number) if matcher.number.is_integer() else matcher.number
    return [*values] if name == "label" else value


def show(options: argparse.Namespace) -> int:
    """Print the routing tree with what its routes say and what they are handed down."""
    config = load(options.config, os.environ)
    for node in _nodes(config.routes, build_routes(config), (), frozenset()):
        if options.json:
            print(json.dumps(node.as_json(), ensure_ascii=False))
        else:
            print("\n".join(node.lines()))
    return OK


@dataclass(frozen=True, slots=True)
class _Node:
    """A route as shown."""

    position: tuple[int, ...]
    route: Route
    given: frozenset[str]  # keys that it has itself
    inherited: frozenset[str]

    def as_json(self) -> dict[str, JSON]:
        return {
            "position": list(self.position),
            "matchers": [*(matcher.text for matcher in self.route.matchers)],
            "receiver": self.route.receiver,
            "continue": self.route.is_continued,
            **describe_options(self.route.options, self.route.intervals),
            "inherited": [*sorted(self.inherited)],
        }

    def lines(self) -> Iterator[str]:
        indent = "  " * len(self.position)
        yield f"{indent}{_headline(self.route)}{', continue' if self.route.is_continued else ''}"
        shown = frozenset() if self.route.receiver == DROP else self.given | self.inherited
        for key, value in describe_options(self.route.options, self.route.intervals).items():
            if key in shown:
                yield f"{indent}    {key}: {show_value(value)}{' (inherited)' if key in self.inherited else ''}"


def _nodes(
    settings: RootRouteSettings | RouteSettings, route: Route, position: tuple[int, ...], above: frozenset[str]
) -> Iterator[_Node]:
    given = frozenset(settings.model_fields_set)
    inherited = above - given
    yield _Node(position, route, given, inherited)
    handed_down = (given & RouteOptions.model_fields.keys()) | inherited
    for index, (below, child) in enumerate(zip(settings.routes, route.routes, strict=True)):
        yield from _nodes(below, child, (*position, index), handed_down)
