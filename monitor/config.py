"""The configuration: one YAML file, read into strict frozen models.

Nothing here connects, opens the store or imports what a source or receiver is made of, so that checking a file takes
a fraction of a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, WithJsonSchema

from alerts.guidelines import GuidelineSettings
from alerts.registry import ReceiverConfig
from monitor.config_checks import check_references, refuse_root_keys
from monitor.config_errors import ConfigErrors, suggest, translate
from monitor.hours_settings import HoursSettings, check_timezone
from monitor.hours_settings import build_hours as build_section
from monitor.people import Teams
from monitor.route_settings import InhibitSettings, RootRouteSettings, build_inhibit_rule, build_tree
from monitor.sample import RouteTestSettings
from monitor.searching import check_searches
from monitor.team_settings import IdentitySettings, TeamSettings, build_all
from monitor.yaml import read_document
from rules.base import Label, Sentiment, Watchlist, WatchlistKind
from rules.hours import Hours
from rules.inhibition import InhibitRule
from rules.routing import Route
from sources.base import JSON, Duration, Name, PathKey, Settings
from sources.registry import SourceConfig

_SQLITE: Final = "sqlite:///"
_CATEGORIES: Final = [str(name) for name in (*Label, *Sentiment)]

S = TypeVar("S", bound=Settings)


def _check_language(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha() and value.islower()):
        raise ValueError("a language by its two letters, such as de or en")
    return value


def _check_store_url(value: str) -> str:
    path = value.removeprefix(_SQLITE)
    is_sqlite = path != value and path.strip("/") != "" and "?" not in path
    if not is_sqlite and not value.startswith("postgresql://"):
        raise ValueError("a database as sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME")
    return value


def _check_public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.query or parts.fragment or parts.username or any(map(str.isspace, value)):
        raise ValueError("an address such as https://mentiond.example.com")
    return value.rstrip("/")


def _check_host(value: str) -> str:
    if not value or any(sign in value for sign in "/@?#") or any(map(str.isspace, value)):
        raise ValueError("a host name or IP address, without scheme and path")
    return value


def _check_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("a text of one line")
    return value


def _check_text(value: str) -> str:
    if not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _check_category(value: str) -> str:
    if value not in _CATEGORIES:
        raise ValueError(f"a label or sentiment of mentiond's{suggest(value, _CATEGORIES)}")
    return value


Text = Annotated[str, AfterValidator(_check_text)]
Category = Annotated[str, AfterValidator(_check_category), WithJsonSchema({"type": "string", "enum": _CATEGORIES})]


class StoreSettings(Settings):
    """Where mentions are kept, and for how long."""

    url: Annotated[str, AfterValidator(_check_store_url)] = Field(
        default="sqlite:///mentiond.db",
        repr=False,
        description="sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME",
    )
    retention: Duration = Field(default=timedelta(days=180), description="how long matched posts are kept")
    keep_unmatched: Duration = Field(default=timedelta(0), description="how long posts that matched nothing are kept")


def _check_listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    is_port = port.isascii() and port.isdigit() and int(port[:6]) < 65536
    if not is_port or not host or any(sign in host for sign in "/@ "):
        raise ValueError("an address to listen on as HOST:PORT, such as 127.0.0.1:8080")
    return value


class ServerSettings(Settings):
    """Where this installation is reached by people and by systems that push to it."""

    listen: Annotated[str, AfterValidator(_check_listen)] = Field(
        default="127.0.0.1:8080", description="HOST:PORT of the HTTP server, which runs where a source is pushed to"
    )
    public_url: Annotated[str, AfterValidator(_check_public_url)] | None = Field(
        default=None, description="where this installation is reached: links in alerts start with it"
    )


class HttpSettings(Settings):
    """How sources and webhooks behave towards other servers."""

    contact: Annotated[str, AfterValidator(_check_line)] = Field(
        default="", description="an address in the User-Agent by which site owners reach you"
    )
    per_host: int = Field(default=2, ge=1, le=16, description="connections per host and port at a time")
    allow_hosts: tuple[Annotated[str, AfterValidator(_check_host)], ...] = Field(
        default=(), description="private hosts that may be fetched all the same"
    )


class PackageSettings(Settings):
    """An installed spaCy package, or a folder, that writes `doc.cats`."""

    name: Text = Field(description="as spaCy loads it; a folder as ./FOLDER")
    categories: dict[Text, Category] = Field(
        min_length=1, description="its categories, each as a label or sentiment of mentiond's"
    )
    threshold: float = Field(default=0.5, gt=0, lt=1, description="the probability from which a label is carried")


class ClassifierSettings(Settings):
    """What decides what mentions are."""

    model: Annotated[str | None, PathKey()] = Field(
        default=None, min_length=1, description="a folder that mentiond train made, instead of the models that ship"
    )
    encoder: Text | None = Field(
        default=None, description="the sentence encoder that the models in `model` were trained with"
    )
    packages: dict[str, PackageSettings] = Field(
        default_factory=dict, description="your own spaCy packages by language, instead of mentiond's models"
    )


class WatchlistSettings(Settings):
    """A named query and the target that it stands for."""

    name: Name
    was: Name | None = Field(None, description="the former name, so that a rename loses no state")
    kind: WatchlistKind = Field(description="whose mention it is; routes look at it")
    query: Text = Field(description="what to find; quote it")
    names: tuple[Text, ...] = Field((), description="the terms that name the target itself")
    team: Text | None = Field(None, description="whose it is, for the matcher `team`")


class OperationsSettings(Settings):
    """How the operator hears of the daemon itself."""

    receiver: Name | None = Field(default=None, description="the receiver for trouble of the daemon")
    heartbeat_url: Annotated[str, AfterValidator(_check_public_url)] | None = Field(
        default=None, repr=False, description="asked every 30 s while all is well: a dead man's switch outside"
    )
    silent_after: Duration = Field(
        default=timedelta(hours=6), description="a source that has not answered for so long is trouble"
    )


class Config(Settings):
    """Everything that one YAML file says."""

    languages: tuple[Annotated[str, AfterValidator(_check_language)], ...] = Field(
        ("de", "en"), min_length=1, description="the languages that posts are expected in"
    )
    timezone: Annotated[str, AfterValidator(check_timezone)] = Field("UTC", description="IANA name, for times shown")
    store: StoreSettings = StoreSettings()
    server: ServerSettings = ServerSettings()
    http: HttpSettings = HttpSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    watchlists: tuple[WatchlistSettings, ...] = Field(min_length=1)
    own_accounts: dict[str, tuple[Text, ...]] = Field(
        default_factory=dict, description="the brand's own authors by source or source type: no mentions"
    )
    identities: tuple[IdentitySettings, ...] = Field((), description="people who write under several names")
    teams: dict[str, TeamSettings] = Field(default_factory=dict, description="who works on mentions, by team")
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    receivers: tuple[ReceiverConfig, ...] = Field(min_length=1)
    routes: RootRouteSettings
    hours: dict[str, HoursSettings] = Field(default_factory=dict, description="business hours by name")
    inhibit_rules: tuple[InhibitSettings, ...] = Field((), description="mentions that keep others quiet")
    tests: tuple[RouteTestSettings, ...] = Field((), description="who is to hear of what; `mentiond check` runs them")
    stories: Duration = Field(
        timedelta(days=7), description="how long after a post its copies are told together with it; 0d: never"
    )
    guidelines: tuple[GuidelineSettings, ...] = Field((), description="replies to start from, and advice")
    operations: OperationsSettings = OperationsSettings()


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read and check a configuration file, offline. Raises ConfigErrors with everything that is wrong at once."""
    document = read_document(path, environ)
    if not isinstance(document.value, dict):
        raise ConfigErrors([*document.errors, document.error((), "expected keys with values at the top of the file")])
    misplaced, value = refuse_root_keys(document)
    errors = [*document.errors, *misplaced, *check_references(document)]
    try:
        config = Config.model_validate_json(json.dumps(value))
    except ValidationError as error:
        known = {(other.line, other.column, other.key_path) for other in errors}
        wrong = translate(error.errors(include_url=False, include_input=False), document, json_schema())
        errors += [other for other in wrong if (other.line, other.column, other.key_path) not in known]
    else:
        errors += [] if errors else check_searches(config, document)
        if not errors:
            return _anchor_all(config, path.absolute().parent)
    raise ConfigErrors(errors)


def _anchor_all(config: Config, folder: Path) -> Config:
    """The configuration with absolute paths, counted from the folder of the file."""
    url = config.store.url
    if url.startswith(_SQLITE):
        url = _SQLITE + str(folder / url.removeprefix(_SQLITE))
    return config.model_copy(
        update={
            "store": config.store.model_copy(update={"url": url}),
            "classifier": _anchor_classifier(config.classifier, folder),
            "sources": tuple(_anchor(source, folder) for source in config.sources),
            "receivers": tuple(_anchor(receiver, folder) for receiver in config.receivers),
        }
    )


def _anchor_classifier(settings: ClassifierSettings, folder: Path) -> ClassifierSettings:
    packages = {
        language: package.model_copy(update={"name": _anchor_name(package.name, folder)})
        for language, package in settings.packages.items()
    }
    encoder = settings.encoder and _anchor_name(settings.encoder, folder)
    return _anchor(settings, folder).model_copy(update={"encoder": encoder, "packages": packages})


def _anchor_name(name: str, folder: Path) -> str:
    """The name of something installed as it is; a folder, which begins with `./` or `../`, from `folder` on."""
    return os.path.normpath(folder / name) if name.startswith(("./", "../")) else name


def _anchor(settings: S, folder: Path) -> S:
    paths: dict[str, Any] = {}
    for name, declared in type(settings).model_fields.items():
        value = getattr(settings, name)
        if any(isinstance(mark, PathKey) for mark in declared.metadata) and value not in (None, "-"):
            paths[name] = str(folder / value)
    return settings.model_copy(update=paths) if paths else settings


def build_watchlists(config: Config) -> tuple[Watchlist, ...]:
    """The watchlists as the rules know them."""
    return tuple(Watchlist(one.name, one.kind, one.query, one.names, one.team) for one in config.watchlists)


def build_hours(config: Config) -> dict[str, Hours]:
    """The business hours by name."""
    return {name: build_section(name, settings, config.timezone) for name, settings in config.hours.items()}


def build_teams(config: Config) -> Teams:
    """Members and who of them is on call."""
    return build_all(config.teams, config.timezone)


def build_routes(config: Config) -> Route:
    """The routing tree."""
    return build_tree(config.routes, build_hours(config))


def build_inhibit_rules(config: Config) -> tuple[InhibitRule, ...]:
    """What keeps what quiet."""
    hours = build_hours(config)
    return tuple(build_inhibit_rule(rule, hours) for rule in config.inhibit_rules)


@cache
def json_schema() -> dict[str, JSON]:
    """The JSON Schema (draft 2020-12) of the file, for editors."""
    schema: dict[str, JSON] = Config.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "mentiond configuration"}
