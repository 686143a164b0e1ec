"""The documentation names every configuration key, read from the schema itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitor.config import json_schema, load

CONFIGURATION = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")


def _follow(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else node


def _keys(schema: dict[str, Any], node: dict[str, Any], prefix: str, depth: int = 0) -> Iterator[str]:
    """`store.url`, `sources[].every` ...; a route within a route is described once."""
    node = _follow(schema, node)
    for branch in [*node.get("oneOf", []), *node.get("anyOf", [])]:
        yield from _keys(schema, branch, prefix, depth)
    if "items" in node:
        yield from _keys(schema, node["items"], prefix + "[]", depth)
    for key, value in node.get("properties", {}).items():
        path = f"{prefix}.{key}".removeprefix(".")
        yield path
        if path != "routes.routes[].routes":
            yield from _keys(schema, value, path, depth + 1)


SCHEMA: dict[str, Any] = dict(json_schema())


@pytest.mark.parametrize("key", sorted(set(_keys(SCHEMA, SCHEMA, ""))))
def test_every_key_is_documented(key: str) -> None:
    assert f"`{key}`" in CONFIGURATION


def test_the_smallest_configuration_of_the_documentation_works(tmp_path: Path) -> None:
    example = CONFIGURATION.split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "config.yaml"
    path.write_text(example, encoding="utf-8")
    assert load(path, {}).routes.receiver == "console"
