"""A first configuration from a few answers: YAML with comments, valid as it is written."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from rules.query import format_query, parse

_HANDLE = re.compile(r"[@#]\w+")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

_EDITIONS = {"de": ("de", "DE"), "en": ("en", "US")}  # of Google News: language and country


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What `mentiond init` asks for. `names` are other ways in which people write the brand."""

    brand: str
    names: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    lang: str = "de"
    timezone: str = "Europe/Berlin"
    slack_channel: str = ""
    mail: str = ""
    smtp_host: str = ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Environment variables that the file refers to."""
        return ("SLACK_BOT_TOKEN",) if self.slack_channel else ()


def write_configuration(answers: Answers) -> str:
    """The text of the file. Texts of the user stand in double quotes, escaped, so that none of them is YAML."""
    return "\n".join(_lines(answers)) + "\n"


def _lines(answers: Answers) -> Iterator[str]:
    yield "# Written by `mentiond init`. Every key: docs/configuration.md.   mentiond check; mentiond run"
    yield f"languages: [{answers.lang}, {'en' if answers.lang == 'de' else 'de'}]"
    yield f"timezone: {_quoted(answers.timezone)}"
    yield ""
    yield "store:"
    yield '  url: "sqlite:///mentiond.db"   # a file next to this one'
    yield ""
    yield "watchlists:"
    yield from _watchlist(answers.brand, "brand", answers.names)
    for competitor in answers.competitors:
        yield from _watchlist(competitor, "competitor", ())
    yield ""
    yield "sources:"
    yield from _sources(answers)
    yield ""
    yield "receivers:"
    yield from _receivers(answers)
    yield ""
    yield from _routes(answers)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def watchlist_name(brand: str) -> str:
    """The brand as a name: ASCII letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", brand.lower().translate(_GERMAN)).encode("ascii", "ignore").decode()
    return _NOT_IN_NAMES.sub("-", plain).strip("-") or "brand"


def query_for(names: tuple[str, ...]) -> str:
    """A query that finds any of the names, written as people write them. Raises QueryError."""
    terms = [name if _HANDLE.fullmatch(name) else '"{}"'.format(name.replace('"', " ")) for name in names]
    return format_query(parse(" OR ".join(terms)))


def _watchlist(brand: str, kind: str, names: tuple[str, ...]) -> Iterator[str]:
    every = tuple(dict.fromkeys((brand, *names)))
    yield f"  - name: {_quoted(watchlist_name(brand))}"
    yield f"    kind: {kind}"
    yield f"    names: [{', '.join(map(_quoted, every))}]"
    yield f"    query: {_quoted(query_for(every))}"


def _sources(answers: Answers) -> Iterator[str]:
    language, country = _EDITIONS[answers.lang]
    yield "  - name: news                   # Google News"
    yield "    type: news"
    yield f"    search: {{from: {_quoted(watchlist_name(answers.brand))}}}"
    yield f"    language: {language}"
    yield f"    country: {country}"
    for number, feed in enumerate(answers.feeds, 1):
        yield f"  - name: feed-{number}"
        yield "    type: feed"
        yield f"    url: {_quoted(feed)}"


def _receivers(answers: Answers) -> Iterator[str]:
    yield "  - name: console                # on standard output"
    yield "    type: console"
    yield f"    lang: {answers.lang}"
    if answers.slack_channel:
        yield "  - name: slack                  # docs/slack.md: how to get the token"
        yield "    type: slack"
        yield '    token: "${SLACK_BOT_TOKEN}"'
        yield f"    channel: {_quoted(answers.slack_channel)}"
        yield f"    lang: {answers.lang}"
    if answers.mail:
        yield "  - name: mail"
        yield "    type: email"
        yield f"    to: [{_quoted(answers.mail)}]"
        yield f"    from: {_quoted(answers.mail)}"
        yield f"    smtp: {{host: {_quoted(answers.smtp_host or 'localhost')}}}"
        yield f"    lang: {answers.lang}"


def _routes(answers: Answers) -> Iterator[str]:
    first = "slack" if answers.slack_channel else "mail" if answers.mail else "console"
    yield "routes:"
    yield "  receiver: console              # what no route below catches"
    yield "  routes:"
    if answers.mail:
        yield "    - matchers: ['label = crisis', 'watchlist_kind = brand']"
        yield "      receiver: mail"
        yield f"      continue: {'true' if answers.slack_channel else 'false'}"
    yield "    - matchers: ['label =~ \"crisis|complaint|question|purchase_signal\"', 'watchlist_kind = brand']"
    yield f"      receiver: {first}"
    yield ""
    yield "operations:"
    yield f"  receiver: {'mail' if answers.mail else first}           # trouble of the daemon itself"
