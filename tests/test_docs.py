"""The documentation names every configuration key, read from the schema itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from monitor.config import json_schema, load
from monitor.route_settings import RouteOptions
from sources.base import SourceSettings
from sources.registry import SourceConfig

DOCS = Path(__file__).parents[1] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
EXAMPLE = (DOCS.parent / "config.example.yaml").read_text(encoding="utf-8")


def _follow(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node


def _keys(schema: dict[str, Any], node: dict[str, Any], prefix: str, depth: int = 0) -> Iterator[str]:
    """`store.url`, `sources[].every`, `hours.NAME.week` ...; what routes hand down is described once, at the root."""
    node = _follow(schema, node)
    for branch in [*node.get("oneOf", []), *node.get("anyOf", [])]:
        yield from _keys(schema, branch, prefix, depth)
    if "items" in node:
        yield from _keys(schema, node["items"], prefix + "[]", depth)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _keys(schema, node["additionalProperties"], prefix + ".NAME", depth)
    for key, value in node.get("properties", {}).items():
        path = f"{prefix}.{key}".removeprefix(".")
        if path.startswith("routes.routes[].") and key in RouteOptions.model_fields:
            continue
        yield path
        if path != "routes.routes[].routes":
            yield from _keys(schema, value, path, depth + 1)


SCHEMA: dict[str, Any] = dict(json_schema())


COMMON = {f"sources[].{key}" for key in [*SourceSettings.model_fields, "type"]}
KEYS = {key for key in _keys(SCHEMA, SCHEMA, "") if not key.startswith("sources[].") or key in COMMON}
SOURCES: dict[str, type[SourceSettings]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(SourceConfig)[0])
}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_documented(key: str) -> None:
    assert f"`{key}`" in CONFIGURATION


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_has_a_page_that_names_its_keys(kind: str) -> None:
    page = (DOCS / "sources" / f"{kind}.md").read_text(encoding="utf-8")
    schema = SOURCES[kind].model_json_schema()
    own = [key for key in _keys(schema, schema, "") if f"sources[].{key}" not in COMMON]
    assert [key for key in own if f"`{key}`" not in page] == []
    for key in ("every", "backlog"):
        own_default = SOURCES[kind].model_fields[key].default != SourceSettings.model_fields[key].default
        assert not own_default or f"`{key}`" in page
    for heading in ("## Access", "## What it can miss"):
        assert heading in page


@pytest.mark.parametrize("kind", SOURCES)
def test_the_overview_and_the_example_name_every_source(kind: str) -> None:
    assert f"]({kind}.md)" in (DOCS / "sources" / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^(#:)? +type: {kind}$", EXAMPLE, re.MULTILINE)


def test_the_smallest_configuration_of_the_documentation_works(tmp_path: Path) -> None:
    example = CONFIGURATION.split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "config.yaml"
    path.write_text(example, encoding="utf-8")
    assert load(path, {}).routes.receiver == "console"
