"""Translates queries written for Brandwatch: what is spelt differently, and what has no equivalent here.

rules/brandwatch.py lists the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from lark import Token, Tree

from rules import brandwatch
from rules.query_errors import about_unknown_field, error_at, shorten
from rules.query_format import format_query
from rules.query_nodes import TEXT_FIELDS
from rules.query_syntax import parse
from rules.query_terms import TermError, read_word
from rules.query_tree import read_tree, rows_of, tokens_of, trees_of


@dataclass(frozen=True, slots=True)
class Translation:
    """The query in this language, canonical, and what to know of the differences, each once."""

    query: str
    notes: tuple[str, ...]


def from_brandwatch(query: str) -> Translation:
    """Translate a query of Brandwatch's. Raises QueryError where it cannot be read or nothing of it is left."""
    translator = _Translator()
    text = translator.translate(trees_of(read_tree(query))[0])
    notes = tuple(dict.fromkeys(translator.notes))
    if text is None:
        raise error_at(query, 0, f"nothing of this query can be said here: {'; '.join(notes)}")
    return Translation(format_query(parse(text)), notes)


_Leaf: TypeAlias = Callable[[Token], str | None]


class _Translator:
    """Writes trees down in this language; None stands for what has to be left out."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def translate(self, node: Tree[Token], leaf: _Leaf | None = None) -> str | None:
        """The text of a tree; `leaf` writes its terms."""
        match node.data:
            case "term":
                return (leaf or self._term)(tokens_of(node)[0])
            case "negation":
                inner = self.translate(trees_of(node)[0], leaf)
                return None if inner is None else f"NOT ({inner})"
            case "bracket":
                inner = self.translate(trees_of(node)[0], leaf)
                return None if inner is None else f"({inner})"
            case "field":
                return self._field(node)
            case "near":
                return self._near(node)
            case _:
                return self._group(node, leaf)

    def _group(self, node: Tree[Token], leaf: _Leaf | None) -> str | None:
        written: list[tuple[str, str | None]] = []
        before: Tree[Token] | None = None
        for operator, tree in rows_of(node):
            distance = _tilde(tree) if operator is None and before is not None and before.data == "bracket" else None
            if distance is not None and before is not None:
                written[-1] = (written[-1][0], self._together(before, distance))
            else:
                written.append((f"{operator} " if operator else "", self.translate(tree, leaf)))
            before = tree
        kept = [(operator, text) for operator, text in written if text is not None]
        rest = [f"{operator}{text}" for operator, text in kept[1:]]
        return " ".join([kept[0][1], *rest]) if kept else None

    def _together(self, bracket: Tree[Token], distance: str) -> str | None:
        """`(a AND b)~5`, the older way to write NEAR."""
        (inner,) = trees_of(bracket)
        is_and = inner.data == "group" and not any(token.type == "OR" for token in tokens_of(inner))
        operands = trees_of(inner) if is_and else [inner]
        if len(operands) < 2:
            self.notes.append(f"`~{distance}` after brackets needs two sides joined by AND; it is left out")
            return self.translate(bracket)
        return self._chain(operands, [f"NEAR/{distance}"] * (len(operands) - 1))

    def _near(self, node: Tree[Token]) -> str | None:
        return self._chain(trees_of(node), list(map(str, tokens_of(node))))

    def _chain(self, operands: list[Tree[Token]], operators: list[str]) -> str | None:
        """NEAR between each two neighbours; what holds more than words is required beside it."""
        if len(operands) > 2:
            self.notes.append("NEAR joins two sides here: of more, each is held against its neighbour")
        conditions = [self.translate(operand) for operand in operands if not _may_stand(operand)]
        if conditions:
            self.notes.append("AND or NOT beside NEAR: the condition is required, and one of its words near the rest")
        sides = [self._side(operand) for operand in operands]
        if None in sides:
            return None
        pairs = [f"({left} {op} {right})" for left, op, right in zip(sides[:-1], operators, sides[1:], strict=True)]
        return f"({' AND '.join([*filter(None, conditions), *pairs])})"

    def _side(self, operand: Tree[Token]) -> str | None:
        if _may_stand(operand) and not _is_plain(operand):
            inner = self.translate(operand)
            return None if inner is None else f"({inner})"
        words = [word for token in _terms(operand) for word in self._words(token)]
        return f"({' OR '.join(dict.fromkeys(words))})" if words else None

    def _words(self, token: Token) -> list[str]:
        """What stands for a term beside NEAR: a phrase with wildcards or `~` is no single term."""
        if _is_single(token):
            return [word for word in [self._term(token)] if word]
        segments = (self._word(word) for word in _inner(token).split())
        return [segment for segment in segments if segment]

    def _term(self, token: Token) -> str | None:
        if token.type == "QUOTED":
            return str(token) if _is_single(token) or not _has_wildcard(token) else self._phrase(token)
        return self._word(str(token)) if token.type == "WORD" else str(token)

    def _word(self, text: str) -> str | None:
        if re.fullmatch(r"[#@][\w*?]*[*?][\w*?]*", text):
            self.notes.append(
                f"`{shorten(text)}` became `{shorten(text[1:])}`, which also finds the word without `{text[0]}`"
            )
            text = text[1:]
        try:
            read_word(text)
        except TermError as error:
            self.notes.append(f"`{shorten(text)}` is left out: {error.message}")
            return None
        return text

    def _phrase(self, token: Token) -> str | None:
        """`"customer servic*"`: parts side by side in this order."""
        parts: list[str] = []
        plain: list[str] = []
        for word in [*_inner(token).split(), ""]:
            if word and not re.search(r"[*?]", word):
                plain.append(word)
                continue
            parts += [_quoted(plain)] if plain else []
            plain = []
            written = self._word(word) if word else None
            parts += [written] if written else []
        if len(parts) < 2:
            return parts[0] if parts else None
        slop = re.search(r"~(\d+)$", token)
        operator = f"NEAR/{slop[1]}" if slop else "NEAR/0f"
        if len(parts) > 2:
            self.notes.append(f"{shorten(str(token))} became NEAR between each two neighbours")
        return f"({' AND '.join(f'({left} {operator} {right})' for left, right in pairwise(parts))})"

    def _field(self, node: Tree[Token]) -> str | None:
        token = tokens_of(node)[0]
        name, (value,) = token[:-1].lower(), trees_of(node)
        if name in brandwatch.NOTES:
            self.notes.append(brandwatch.NOTES[name])
        if name in brandwatch.WITHOUT_EQUIVALENT:
            self.notes.append(f"`{token}` is left out: {brandwatch.WITHOUT_EQUIVALENT[name]}")
            return None
        special = self._special(name, value)
        if special is not None:
            return special or None
        name = brandwatch.RENAMED.get(name, name)
        if name not in (*brandwatch.SAME, "thread"):
            self.notes.append(f"`{token}` is left out: {about_unknown_field(token[:-1])}")
            return None
        if value.data == "range":
            return f"{name}:{_range(str(tokens_of(value)[0]))}"
        if name == "title":
            inner = self.translate(value)
            return None if inner is None else f"title:({inner})"
        return self.translate(value, lambda leaf: self._value(name, leaf))

    def _special(self, name: str, value: Tree[Token]) -> str | None:
        """Fields that become other forms; "" where nothing is left, None where the field is none of them."""
        match name:
            case "raw":
                return self.translate(value, self._literal) or ""
            case "hashtags" | "at_mentions":
                sign = "#" if name == "hashtags" else "@"
                return self.translate(value, lambda token: self._name(sign, token)) or ""
            case "engagementtype":
                return self.translate(value, self._engagement) or ""
            case "itemreview":
                inner = self.translate(value)
                return f"(kind:review AND {inner})" if inner else ""
            case _:
                return None

    def _literal(self, token: Token) -> str | None:
        text = _inner(token).replace("`", "")
        return f"`{text}`" if text.strip() else None

    def _name(self, sign: str, token: Token) -> str | None:
        return self._word(sign + "".join(_inner(token).split()).lstrip("#@"))

    def _engagement(self, token: Token) -> str | None:
        if _inner(token).upper() in ("COMMENT", "REPLY"):
            return "kind:comment"
        self.notes.append(f"`engagementType:{token}` is left out: reposts and quotes are posts of their own here")
        return None

    def _value(self, name: str, token: Token) -> str | None:
        text = _inner(token).replace('"', "")
        if name in TEXT_FIELDS:
            text = text.strip("*")
            if re.search(r"[*?]", text):
                self.notes.append(f"`{name}:{shorten(str(token))}` is left out: no wildcards within addresses")
                return None
        if name == "site" and "/" in re.sub(r"^https?://|/$", "", text):
            name = "url"
        is_bare = token.type == "WORD" and text == token
        return f"{name}:{text}" if is_bare else f'{name}:"{text}"'


def _inner(token: Token) -> str:
    """What stands within quotes, or the word."""
    return re.sub(r'^["“”„]|["“”„](?:~[^\s()]*)?$', "", token) if token.type == "QUOTED" else str(token)


def _has_wildcard(token: Token) -> bool:
    return bool(re.search(r"[*?]", token))


def _is_single(token: Token) -> bool:
    """Whether a term may stand beside NEAR as it is."""
    return token.type != "QUOTED" or (not _has_wildcard(token) and token[-1] in '"“”„')


def _tilde(node: Tree[Token]) -> str | None:
    """The distance where a tree is `~5`."""
    found = re.fullmatch(r"~(\d{1,4})", tokens_of(node)[0]) if node.data == "term" else None
    return found[1] if found else None


def _terms(node: Tree[Token]) -> list[Token]:
    if node.data == "term":
        return [tokens_of(node)[0]]
    return [token for tree in trees_of(node) for token in _terms(tree)]


def _is_plain(node: Tree[Token]) -> bool:
    """Whether a tree is a word, a phrase or an OR of them."""
    match node.data:
        case "term":
            return _is_single(tokens_of(node)[0])
        case "bracket":
            return _is_plain(trees_of(node)[0])
        case "group":
            return _is_or(node) and all(map(_is_plain, trees_of(node)))
        case _:
            return False


def _may_stand(node: Tree[Token]) -> bool:
    """Whether a tree may stand beside NEAR: words, phrases, NEARs of two sides, and ORs of them."""
    match node.data:
        case "near":
            operands = trees_of(node)
            return len(operands) == 2 and all(map(_may_stand, operands))
        case "bracket":
            return _may_stand(trees_of(node)[0])
        case "group":
            return _is_or(node) and all(map(_may_stand, trees_of(node)))
        case _:
            return _is_plain(node)


def _is_or(group: Tree[Token]) -> bool:
    return all(operator is not None and operator.type == "OR" for operator, _ in list(rows_of(group))[1:])


def _quoted(words: list[str]) -> str:
    is_bare = len(words) == 1 and words[0].isalnum() and not words[0].isupper()
    return words[0] if is_bare else f'"{" ".join(words)}"'


def _range(token: str) -> str:
    return re.sub(r"(?<=\d)\s*-\s*(?=\d)", " TO ", token)
