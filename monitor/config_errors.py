"""Errors of a configuration: each with file, line, column, key path, what was expected and the nearest valid key.

Messages never contain values of the configuration, except names that refer to something; what came from the
environment or a file is replaced by its reference before a message leaves this module.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from monitor.yaml import Document
    from sources.base import JSON

KeyPath: TypeAlias = tuple[str | int, ...]  # ("sources", 2, "url"): keys and list positions from the root


@dataclass(frozen=True, slots=True, order=True)
class ConfigError:
    """One mistake. `line` and `column` count from 1; 0 where the file as a whole is meant."""

    file: str
    line: int
    column: int
    key_path: str  # "sources[2].url"; "" for the file or its syntax
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.key_path, self.message) if part)


class ConfigErrors(Exception):
    """Everything that is wrong with one configuration, in the order of the file; prints one error per line."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        self.errors = tuple(sorted(set(errors)))
        super().__init__("\n".join(map(str, self.errors)))


def render_path(path: KeyPath) -> str:
    """`sources[2].url` for ("sources", 2, "url")."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def suggest(wrong: object, valid: Iterable[str]) -> str:
    """`; did you mean "url"?`, or `; expected one of: ...` where nothing is near."""
    known = sorted(valid)
    near = difflib.get_close_matches(wrong.lower(), known, n=1, cutoff=0.6) if isinstance(wrong, str) else []
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; expected one of: {', '.join(known)}" if known else ""


def redact(error: ConfigError, secrets: Mapping[str, str]) -> ConfigError:
    """The error without any substituted value; `secrets` maps values to their references."""
    message = error.message
    for value in sorted(secrets, key=len, reverse=True):
        message = message.replace(value, secrets[value])
    return replace(error, message=message)


def translate(details: Iterable[ErrorDetails], document: Document, schema: Mapping[str, JSON]) -> list[ConfigError]:
    """pydantic's complaints about the document's value, in our words; several about one value become one."""
    by_path: dict[KeyPath, list[str]] = {}
    for detail in details:
        path = _resolve(detail, document)
        if detail["type"] == "too_short" and document.at(path):
            continue  # the entries are there, each with an error of its own
        messages = by_path.setdefault(path, [])
        message = _message(detail, path, document, schema)
        if message not in messages:
            messages.append(message)
    return [
        document.error(path, _join(messages), key=messages[0].startswith("unknown key"))
        for path, messages in by_path.items()
    ]


def _join(messages: Sequence[str]) -> str:
    """One sentence for the alternatives of a union."""
    first, *others = messages
    return " or ".join([first, *(other.removeprefix("expected ") for other in others)])


def _resolve(detail: ErrorDetails, document: Document) -> KeyPath:
    """The path in the file that pydantic means.

    pydantic's own path also names the branches of unions it went through, which are no keys of the file.
    """
    path: KeyPath = ()
    rest = list(detail["loc"])
    while rest:
        part = rest.pop(0)
        if len(path) >= 2 and path[0] in ("sources", "receivers") and part == document.at((*path, "type")):
            continue
        if not document.has((*path, part)):
            return (*path, part) if detail["type"] == "missing" and not rest else path
        path = (*path, part)
    return (*path, "type") if detail["type"].startswith("union_tag_") else path


def _message(detail: ErrorDetails, path: KeyPath, document: Document, schema: Mapping[str, JSON]) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key{suggest(path[-1], valid_keys(schema, path[:-1], document))}"
    if kind == "missing":
        return "is missing"
    if kind == "union_tag_not_found":
        return f"is missing{suggest(None, _types(schema, path, document))}"
    if kind == "union_tag_invalid":
        return f"unknown type{suggest(document.at(path), _types(schema, path, document))}"
    return _expectation(detail, path, document)


_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
}
_PATTERNS = {
    "^[A-Za-z0-9][A-Za-z0-9_.-]*$": 'a name of letters, digits, "_", "." and "-"',
    r"^https?://\S+$": "an address that starts with https:// or http://",
    r"^\S+$": "a text without spaces",
}


def _expectation(detail: ErrorDetails, path: KeyPath, document: Document) -> str:
    """`expected ...`, with what stands there instead and the YAML trap that led to it."""
    kind, context, value = detail["type"], detail.get("ctx", {}), document.at(path)
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}{document.found(path, _EXPECTED[kind])}"
    if kind in ("literal_error", "enum"):
        valid = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        near = suggest(value, valid) if isinstance(value, str) else document.found(path)
        return f"expected {_either(valid)}{'' if 'expected' in near else near}"
    if kind == "value_error":
        text = str(context.get("error", "")) or detail["msg"]
        found = "" if isinstance(value, str | list | dict) else document.found(path)
        return f"expected {text}{found}" if re.match(r"an? ", text) else text
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return f"expected {_PATTERNS.get(pattern, 'a mail address' if '@' in pattern else f'text like {pattern}')}"
    if kind == "too_short":
        return "expected at least one entry"
    return re.sub(r"^\w+ should (be|have) ", "expected ", detail["msg"])


def _either(words: Sequence[str]) -> str:
    *most, last = words or [""]
    return f"{', '.join(most)} or {last}" if most else last


def _types(schema: Mapping[str, JSON], path: KeyPath, document: Document) -> list[str]:
    """The types that the `type` at `path` may name, from its discriminator."""
    discriminator = _node(schema, path[:-1], document).get("discriminator")
    mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
    return list(mapping) if isinstance(mapping, dict) else []


def valid_keys(schema: Mapping[str, JSON], path: KeyPath, document: Document) -> list[str]:
    """The keys that the JSON Schema allows at `path`; of a source or receiver those of its type."""
    properties = _branch(schema, _node(schema, path, document), document.at((*path, "type"))).get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _node(schema: Mapping[str, JSON], path: KeyPath, document: Document) -> Mapping[str, JSON]:
    node = _follow(schema, schema)
    for depth, part in enumerate(path):
        node = _branch(schema, node, document.at((*path[:depth], "type")))
        node = _follow(schema, _child(node, part))
    return node


def _child(node: Mapping[str, JSON], part: str | int) -> Mapping[str, JSON]:
    properties = node.get("properties")
    found = node.get("items") if isinstance(part, int) else None
    if isinstance(part, str):
        named = properties.get(part) if isinstance(properties, dict) else None
        found = named or node.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _branch(schema: Mapping[str, JSON], node: Mapping[str, JSON], type_: object) -> Mapping[str, JSON]:
    """The branch of a union: by its discriminator, else the one that has keys."""
    branches = node.get("oneOf") or node.get("anyOf")
    if not isinstance(branches, list):
        return node
    followed = [_follow(schema, branch) for branch in branches if isinstance(branch, dict)]
    objects = [branch for branch in followed if "properties" in branch]
    return next((branch for branch in objects if _type_of(branch) == type_), objects[0] if objects else {})


def _type_of(branch: Mapping[str, JSON]) -> JSON:
    properties = branch.get("properties")
    declared = properties.get("type") if isinstance(properties, dict) else None
    return declared.get("const") if isinstance(declared, dict) else None


def _follow(schema: Mapping[str, JSON], node: Mapping[str, JSON]) -> Mapping[str, JSON]:
    reference, definitions = node.get("$ref"), schema.get("$defs")
    if not isinstance(reference, str) or not isinstance(definitions, dict):
        return node
    target = definitions.get(reference.rpartition("/")[2])
    return target if isinstance(target, dict) else {}
