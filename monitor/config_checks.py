"""What a schema cannot say: references, queries, matchers, and keys that have no place in the root route.

All of it looks at the plain values, so that it finds its mistakes even where other fields are wrong.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Final

from monitor.config_errors import ConfigError, KeyPath, suggest
from monitor.guideline_checks import check_guidelines
from monitor.yaml import Document
from rules.matchers import MatcherError, RouteMatcher, parse_matcher
from rules.query import QueryError
from rules.query import parse as parse_query
from rules.routing import DROP
from sources.base import JSON
from sources.registry import SOURCE_TYPES

_NO_ROOT_KEYS: Final = ("matchers", "continue", "was", "mute_time_intervals", "active_time_intervals")


def refuse_root_keys(document: Document) -> tuple[list[ConfigError], JSON]:
    """Errors for keys that only routes below the root have, and the value without them."""
    wrong = [("routes", key) for key in _NO_ROOT_KEYS if document.has(("routes", key))]
    value = copy.deepcopy(document.value)
    for path in wrong:
        _remove(value, path)
    told = "the root route has no `{}`: it catches what the routes below it do not"
    return [document.error(path, told.format(path[-1]), key=True) for path in wrong], value


def _remove(value: JSON, path: KeyPath) -> None:
    for part in path[:-1]:
        value = value[part]  # type: ignore[index]  # the path was found in this very value
    del value[path[-1]]  # type: ignore[union-attr,arg-type]


def _items(document: Document, path: KeyPath) -> list[KeyPath]:
    """The paths of the entries of a list that have keys; none where there is no list."""
    value = document.at(path)
    if not isinstance(value, list):
        return []
    return [(*path, index) for index, item in enumerate(value) if isinstance(item, dict)]


def _routes(document: Document) -> Iterator[KeyPath]:
    """The paths of all routes, the root first."""
    pending: list[KeyPath] = [("routes",)] if isinstance(document.at(("routes",)), dict) else []
    while pending:
        path = pending.pop(0)
        yield path
        pending += _items(document, (*path, "routes"))


def check_references(document: Document) -> list[ConfigError]:
    """Names that are taken twice or lead nowhere, queries and matchers that cannot be read."""
    errors: list[ConfigError] = []
    for section in ("watchlists", "sources", "receivers"):
        errors += _check_names(document, section)
    receivers = _names(document, "receivers")
    for path in _routes(document):
        errors += _check_receiver(document, (*path, "receiver"), [*receivers, DROP])
        errors += _check_matchers(document, (*path, "matchers")) if len(path) > 1 else []
        errors += _check_hours(document, path)
        errors += _check_escalation(document, path, receivers)
    for path in _items(document, ("inhibit_rules",)):
        for key in ("source_matchers", "target_matchers"):
            errors += _check_matchers(document, (*path, key))
    errors += _check_receiver(document, ("operations", "receiver"), receivers)
    for path in _items(document, ("receivers",)):
        errors += _check_receiver(document, (*path, "fallback"), [*receivers, DROP])
    for path in _items(document, ("watchlists",)):
        errors += _check_query(document, (*path, "query"))
    for path in _items(document, ("sources",)):
        errors += _check_search(document, (*path, "search", "from"))
    return [
        *errors,
        *_check_accounts(document, ("own_accounts",)),
        *_check_teams(document),
        *_check_identities(document),
        *_check_classifier(document),
        *_check_tests(document, receivers),
        *check_guidelines(document, _names(document, "watchlists")),
    ]


def _texts(document: Document, section: str, key: str) -> Iterator[tuple[KeyPath, str]]:
    for path in _items(document, (section,)):
        value = document.at((*path, key))
        if isinstance(value, str) and not document.is_broken((*path, key)):
            yield (*path, key), value


def _names(document: Document, section: str, key: str = "name") -> list[str]:
    return [value for _, value in _texts(document, section, key)]


def _check_names(document: Document, section: str) -> Iterator[ConfigError]:
    taken: dict[str, int] = {}
    for path, name in _texts(document, section, "name"):
        if name in taken:
            yield document.error(path, f'the name "{name}" is taken, first on line {taken[name]}')
        elif section == "receivers" and name == DROP:
            yield document.error(path, f'"{DROP}" is no name for a receiver: routes use it to drop mentions')
        taken.setdefault(name, document.nodes[path].value[0] + 1)
    former: set[str] = set()
    for path, name in _texts(document, section, "was"):
        if name in taken:
            yield document.error(path, f'"{name}" is still the name on line {taken[name]}')
        elif name in former:
            yield document.error(path, f'"{name}" was renamed twice')
        former.add(name)


def _check_receiver(document: Document, path: KeyPath, receivers: Iterable[str]) -> Iterator[ConfigError]:
    return _check_known(document, path, "receiver is", receivers)


def _check_query(document: Document, path: KeyPath) -> Iterator[ConfigError]:
    query = document.at(path)
    if not isinstance(query, str) or not query.strip() or document.is_broken(path):
        return
    try:
        parse_query(query)
    except QueryError as error:
        yield document.error(path, error.message, offset=(error.line - 1, error.column - 1))


def _check_search(document: Document, path: KeyPath) -> Iterator[ConfigError]:
    return _check_known(document, path, "watchlist is", _names(document, "watchlists"))


def _check_hours(document: Document, route: KeyPath) -> Iterator[ConfigError]:
    """Whether the business hours that a route names exist."""
    paths: list[KeyPath] = [(*route, "sla", "hours")]
    for key in ("mute_time_intervals", "active_time_intervals"):
        paths += [(*route, key, index) for index in range(_length(document.at((*route, key))))]
    for path in paths:
        yield from _check_known(document, path, "hours are", _keys(document, "hours"))


def _check_escalation(document: Document, route: KeyPath, receivers: Iterable[str]) -> Iterator[ConfigError]:
    for path in _items(document, (*route, "escalate")):
        yield from _check_receiver(document, (*path, "receiver"), receivers)
        yield from _check_known(document, (*path, "on_call"), "team is", _keys(document, "teams"))
        team = document.at((*path, "on_call"))
        if isinstance(team, str) and document.has(("teams", team)) and not document.has(("teams", team, "on_call")):
            yield document.error((*path, "on_call"), f"the team {team} has no `on_call`: nobody of it is called")


def _check_known(document: Document, path: KeyPath, what: str, known: Iterable[str]) -> Iterator[ConfigError]:
    name = document.at(path)
    if isinstance(name, str) and name not in known and not document.is_broken(path):
        yield document.error(path, f'no {what} called "{name}"{suggest(name, known)}')


def _keys(document: Document, section: str) -> list[str]:
    value = document.at((section,))
    return [key for key in value if isinstance(key, str)] if isinstance(value, dict) else []


def _check_matchers(document: Document, matchers: KeyPath) -> Iterator[ConfigError]:
    texts = document.at(matchers)
    for index, text in enumerate(texts if isinstance(texts, list) else []):
        path = (*matchers, index)
        if not isinstance(text, str) or document.is_broken(path):
            continue
        try:
            matcher = parse_matcher(text)
        except MatcherError as error:
            yield document.error(path, str(error), offset=(0, error.column - 1))
        else:
            yield from _check_matched(document, path, matcher)


def _check_matched(document: Document, path: KeyPath, matcher: RouteMatcher) -> Iterator[ConfigError]:
    """Whether what a matcher names exists."""
    valid = {
        "watchlist": lambda: _names(document, "watchlists"),
        "team": lambda: _names(document, "watchlists", "team"),
        "source": lambda: _names(document, "sources"),
        "source_type": lambda: list(SOURCE_TYPES),
        "hours": lambda: _keys(document, "hours"),
    }.get(matcher.name)
    known = valid() if valid and matcher.operator in ("=", "!=") and matcher.value else None
    if known is not None and matcher.value not in known:
        is_called = "hours are called" if matcher.name == "hours" else f"{matcher.name} is called"
        yield document.error(path, f'no {is_called} "{matcher.value}"{suggest(matcher.value, set(known))}')


def _check_tests(document: Document, receivers: Iterable[str]) -> Iterator[ConfigError]:
    """Whether the tests of the routing tree name what there is."""
    known = {
        "watchlist": _names(document, "watchlists"),
        "source": _names(document, "sources"),
        "source_type": list(SOURCE_TYPES),
    }
    for path in _items(document, ("tests",)):
        for key, valid in known.items():
            yield from _check_known(document, (*path, "mention", key), f"{key} is", valid)
        for index in range(_length(document.at((*path, "receivers")))):
            yield from _check_receiver(document, (*path, "receivers", index), receivers)


def _check_teams(document: Document) -> Iterator[ConfigError]:
    """Members that a rota names exist; a name is taken once in its team."""
    for team in _keys(document, "teams"):
        path: KeyPath = ("teams", team)
        names: list[str] = []
        for member in _items(document, (*path, "members")):
            name = document.at((*member, "name"))
            if name in names:
                yield document.error((*member, "name"), f'"{name}" stands in this team already')
            names += [name] if isinstance(name, str) else []
        called = [(*one, "member") for one in _items(document, (*path, "on_call", "overrides"))]
        rotation = document.at((*path, "on_call", "rotation"))
        called += [(*path, "on_call", "rotation", index) for index in range(_length(rotation))]
        for place in called:
            name = document.at(place)
            if isinstance(name, str) and name not in names:
                yield document.error(place, f'nobody of {team} is called "{name}"{suggest(name, set(names))}')


def _length(value: JSON) -> int:
    return len(value) if isinstance(value, list) else 0


def _check_identities(document: Document) -> Iterator[ConfigError]:
    for path in _items(document, ("identities",)):
        yield from _check_accounts(document, (*path, "accounts"))


def _check_accounts(document: Document, path: KeyPath) -> Iterator[ConfigError]:
    """Accounts stand under a source or a type of source that there is."""
    accounts = document.at(path)
    sources = {*SOURCE_TYPES, *_names(document, "sources")}
    for name in accounts if isinstance(accounts, dict) else ():
        if name not in sources:
            yield document.error((*path, name), f"no such source or type{suggest(name, sources)}", key=True)


def _check_classifier(document: Document) -> Iterator[ConfigError]:
    """An encoder without models that know it; a package for a language that posts are not expected in."""
    encoder: KeyPath = ("classifier", "encoder")
    if document.at(encoder) is not None and document.at(("classifier", "model")) is None:
        yield document.error(encoder, "needs `classifier.model`: the models that ship were trained without an encoder")
    path: KeyPath = ("classifier", "packages")
    packages, languages = document.at(path), document.at(("languages",))
    expected = languages if isinstance(languages, list) else ["de", "en"]
    for language in packages if isinstance(packages, dict) else ():
        if language not in expected:
            told = ", ".join(map(str, expected))
            yield document.error((*path, language), f'"{language}" is not among `languages` ({told})', key=True)
