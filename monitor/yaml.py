"""Reads a YAML file into plain values with positions, and refuses YAML's traps.

A subset of YAML 1.1 (https://yaml.org/spec/1.1/): no aliases, anchors, tags, merge keys or second documents.
`${NAME}` in a value stands for the environment's, `${file:PATH}` for a file's content without its last line break;
an unquoted value is typed after the substitution, a quoted one stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from monitor.config_errors import ConfigError, ConfigErrors, KeyPath, redact, render_path
from monitor.substitution import REFERENCE, substitution
from sources.base import JSON

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 64  # lists and mappings within one another
MIN_REDACTED: Final = 4  # shorter substituted values are no secrets and would garble messages

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_GLUED_COMMENT = re.compile(r"[-:]?[ \t]+(#[^\s#]\S*)")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]*([eE][-+]?[0-9]{1,3})?")
_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null"), None),
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_CUT_KEYS: Final = (
    "query",
    "names",
    "matchers",
    "source_matchers",
    "target_matchers",
)  # where #tags belong to the text
_DANGLING = re.compile(r"(?:^|\s|\()(?:AND|OR|NOT|NEAR(?:/\d+f?)?|-)$")


@dataclass(frozen=True, slots=True)
class Node:
    """Where a value stands in the file. Lines, columns and offsets count from 0, in characters."""

    key: tuple[int, int] | None  # of its key; None in a list
    value: tuple[int, int]
    start: int = 0
    end: int = 0
    style: str | None = None  # of a scalar: "" unquoted, ', ", | or >; None: no scalar
    comment: str = ""  # the first word of a comment that stands where text may have been meant
    substituted: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, where each of them stands, and what the loader itself found wrong."""

    file: str  # as the caller named it
    text: str = field(repr=False)
    value: JSON = field(repr=False)
    nodes: Mapping[KeyPath, Node] = field(repr=False)
    secrets: Mapping[str, str] = field(repr=False)  # substituted value to its reference, for redaction
    errors: tuple[ConfigError, ...]

    def has(self, path: KeyPath) -> bool:
        return path in self.nodes

    def at(self, path: KeyPath) -> JSON:
        """The value at `path`, None where there is none."""
        if path not in self.nodes:
            return None
        value = self.value
        for part in path:
            value = value[part]  # type: ignore[index]  # nodes has only paths that exist
        return value

    def error(self, path: KeyPath, message: str, *, key: bool = False, offset: tuple[int, int] = (0, 0)) -> ConfigError:
        """An error at the value (or its key) of `path`, or at the nearest thing around it that exists.

        offset: line and column (from 0) within a text value, found again in the file where its form allows.
        """
        there = path
        while there not in self.nodes:
            there = there[:-1]
        node = self.nodes[there]
        line, column = (node.key or node.value) if key or there != path else self._inside(node, offset)
        return redact(ConfigError(self.file, line + 1, column + 1, render_path(path), message), self.secrets)

    def is_broken(self, path: KeyPath) -> bool:
        """Whether the loader itself could not make out the value at `path`: its content says nothing."""
        line, column = self.nodes[path].value
        place = (line + 1, column + 1, render_path(path))
        return any((error.line, error.column, error.key_path) == place for error in self.errors)

    def found(self, path: KeyPath, expected: str = "") -> str:
        """What stands at `path` by its kind, and the trap that may have led there."""
        value, node = self.at(path), self.nodes.get(path)
        if value is None:
            cut = f': "{node.comment}" starts a comment, quote the text' if node and node.comment else ""
            return f", found nothing{cut}"
        kinds = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "keys with values"}
        return f", found {kinds.get(type(value), 'text')}{self._trap(value, node, expected) if node else ''}"

    def _trap(self, value: JSON, node: Node, expected: str) -> str:
        """How to write what was probably meant."""
        source = self.text[node.start : node.end]
        if isinstance(value, str):
            is_quoted = bool(node.style) and "number" in expected and isinstance(typed(value), int | float)
            return ": take the quotes off" if is_quoted else ""
        if expected != "text" and not isinstance(value, bool):
            return ""
        if node.style is None:
            return ": quote the text" if source[:1] in ("{", "[") else ""
        if node.substituted:
            return ': quote it, "${...}"'
        if isinstance(value, bool):
            return f": YAML does not read unquoted `{source}` as text, quote it"
        return ": quote it"

    def _inside(self, node: Node, offset: tuple[int, int]) -> tuple[int, int]:
        """The place of an offset within a scalar; of a folded, escaped or substituted one its start."""
        line, column = node.value
        if node.substituted or offset == (0, 0):
            return line, column
        if node.style == "|":
            lines = _BREAK.split(self.text[node.start : node.end])[1 + offset[0] :]
            indent = len(lines[0]) - len(lines[0].lstrip(" ")) if lines else 0
            return line + 1 + offset[0], indent + offset[1]
        source = self.text[node.start : node.end]
        is_simple = "\n" not in source and "\\" not in source and "''" not in source and node.style != ">"
        return (line, column + offset[1] + (1 if node.style else 0)) if is_simple else (line, column)


def read_document(path: Path, environ: Mapping[str, str]) -> Document:
    """Read one file. Raises ConfigErrors where it cannot be read as YAML at all."""
    text = _read(path)
    reader = _Reader(str(path), text, substitution(path.parent, environ))
    try:
        value = reader.read()
    except yaml.MarkedYAMLError as error:
        raise ConfigErrors([*reader.errors, _syntax_error(str(path), text, error)]) from None
    except yaml.YAMLError:
        raise ConfigErrors([ConfigError(str(path), 0, 0, "", "is no YAML")]) from None
    if () not in reader.nodes:
        raise ConfigErrors([ConfigError(str(path), 0, 0, "", "is empty")])
    return Document(str(path), text, value, reader.nodes, reader.secrets, tuple(reader.errors))


def _read(path: Path) -> str:
    def refuse(message: str, line: int = 0, column: int = 0) -> ConfigErrors:
        return ConfigErrors([ConfigError(str(path), line, column, "", message)])

    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise refuse(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise refuse("is larger than 1 MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise refuse(f"is not UTF-8 (byte 0x{data[error.start]:02x})", line, column) from None
    if control := _CONTROL.search(text):
        before = text[: control.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise refuse(f"contains the control character U+{ord(control[0]):04X}", line, column)
    if not text.strip():
        raise refuse("is empty")
    return text


@dataclass(slots=True)
class _Reader:
    """Builds values from the parser's events, noting where each stands."""

    file: str
    text: str
    resolve: Callable[[str], str]
    nodes: dict[KeyPath, Node] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)

    def read(self) -> JSON:
        events = iter(yaml.parse(self.text, Loader=_LOADER))
        value: JSON = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event.start_mark, (), "expected one YAML document, found a second one")
                    break
                value = self._node(next(events), events, (), None)
        return value

    def _refuse(self, mark: Any, path: KeyPath, message: str) -> None:
        self.errors.append(ConfigError(self.file, mark.line + 1, mark.column + 1, render_path(path), message))

    def _node(self, event: Any, events: Iterator[Any], path: KeyPath, key: Any) -> JSON:
        if len(path) > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)
        self._check_form(event, path)
        place = (event.start_mark.line, event.start_mark.column)
        key_place = (key.start_mark.line, key.start_mark.column) if key else None
        self.nodes[path] = Node(key_place, place, event.start_mark.index, event.end_mark.index)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path, self.nodes[path], key)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        return None

    def _check_form(self, event: Any, path: KeyPath) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event.start_mark, path, 'aliases are not supported; quote a text that starts with "*"')
        elif event.anchor is not None:
            self._refuse(event.start_mark, path, 'anchors are not supported; quote a text that starts with "&"')
        elif event.tag is not None:
            self._refuse(event.start_mark, path, 'tags are not supported; quote a text that starts with "!"')

    def _sequence(self, events: Iterator[Any], path: KeyPath) -> JSON:
        values: list[JSON] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._node(event, events, (*path, len(values)), None))
        return values

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> JSON:
        values: dict[str, JSON] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            name = self._key(event, events, path)
            if name in values:
                first = self.nodes[(*path, name)].key
                line = first[0] + 1 if first else 0
                self._refuse(event.start_mark, (*path, name), f"duplicate key, first on line {line}")
                self._node(next(events), events, (*path, f"?{event.start_mark.index}"), event)
            else:
                values[name] = self._node(next(events), events, (*path, name), event)
        return values

    def _key(self, event: Any, events: Iterator[Any], path: KeyPath) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._check_form(event, path)
            if event.value == "<<" and event.implicit[0]:
                self._refuse(event.start_mark, (*path, "<<"), "merge keys are not supported")
            return str(event.value)
        self._refuse(event.start_mark, path, "a key must be text")
        self._node(event, events, (*path, "?"), None)
        return f"?{event.start_mark.index}"

    def _scalar(self, event: Any, path: KeyPath, node: Node, key: Any) -> JSON:
        style = event.style or ""
        substituted = self._substitute(event, path)
        end = node.end
        if not event.value and not style:  # the parser puts an empty value behind comments and line breaks
            end = key.end_mark.index + 1 if key else max(0, end - 1)
        comment = _GLUED_COMMENT.match(self.text, end) if style in ("", "'", '"') else None
        glued = comment[1] if comment else ""
        place = node.key if comment and not event.value and node.key else node.value
        is_substituted = substituted != event.value
        self.nodes[path] = Node(node.key, place, node.start, node.end, style, glued, is_substituted)
        if substituted == event.value and self._is_trapped(event, path, glued, style):
            return str(event.value)
        return substituted if style else typed(substituted)

    def _is_trapped(self, event: Any, path: KeyPath, glued: str, style: str) -> bool:
        """Whether YAML would read something else than what was written; says so."""
        owner = next((part for part in reversed(path) if isinstance(part, str)), "")
        if owner in _CUT_KEYS and (glued or self._is_cut(event, style)):
            what = "query" if owner == "query" else "text"
            cut = glued or "#"
            self._refuse(event.start_mark, path, f'"{cut}" starts a comment and cuts the {what}: quote the {what}')
            return True
        if not style and _SEXAGESIMAL.fullmatch(event.value):
            self._refuse(event.start_mark, path, "YAML may read this as a number to base 60: quote it")
            return True
        return False

    def _is_cut(self, event: Any, style: str) -> bool:
        """An unquoted query that ends in an operator, right before a comment."""
        rest = _BREAK.split(self.text[event.end_mark.index : event.end_mark.index + 200], maxsplit=1)[0]
        return not style and rest.lstrip().startswith("#") and bool(_DANGLING.search(event.value))

    def _substitute(self, event: Any, path: KeyPath) -> str:
        def value_of(match: re.Match[str]) -> str:
            try:
                value = self.resolve(match[1])
            except ValueError as error:
                self._refuse(event.start_mark, path, str(error))
                return match[0] + " "
            if len(value) >= MIN_REDACTED:
                self.secrets[value] = match[0]
            return value

        return REFERENCE.sub(value_of, str(event.value))


def typed(text: str) -> JSON:
    """An unquoted scalar as YAML types it: nothing, true or false, a number, else text. Dates stay text."""
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _syntax_error(file: str, text: str, error: yaml.MarkedYAMLError) -> ConfigError:
    is_unclosed = "end of stream" in str(error.problem)
    mark = (error.context_mark if is_unclosed else None) or error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    first = error.context_mark.line if error.context_mark else line
    lines = [*_BREAK.split(text), ""]
    hint = _syntax_hint(lines, first, line, column)
    if not hint and "flow" in str(error.context):
        hint = f"; the bracket was opened on line {first + 1}"
    message = f"not valid YAML: {error.problem}{hint}"
    return ConfigError(file, line + 1, column + 1, "", message)


def _syntax_hint(lines: list[str], first: int, line: int, column: int) -> str:
    """What people usually meant where YAML stumbles; looks at the lines of the construct only."""
    here = lines[min(line, len(lines) - 1)]
    around = "\n".join(lines[max(0, first, line - 3) : line + 1])
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "; there is a tab in the indentation: use spaces"
    if re.search(r"[{\[,:]\s*\$\{", around) and re.search(r"[{\[].*\$\{", around):
        return '; within [ ] and { } quote "${NAME}"'
    opened = "\n".join(lines[max(0, line - 3) : line + 1])
    if glued := re.search(r"[\[{][^\]}\n]*[ \t](#[^\s#]\S*)", opened) or re.search(r"[ \t](#[^\s#]\S*)", around):
        return f'; "{glued[1]}" starts a comment: quote the text'
    if re.search(r"(^|\s)(query|matchers):", here) or here[column : column + 1] in ("@", "`", "%", "|", ">"):
        return "; quote the whole text with ' '"
    if re.search(r": .*: ", here):
        return '; quote a text that contains ": "'
    return ""
