"""Reads HTML pages by CSS selectors with lexbor, in a child process that may be killed.

lexbor is quick but not linear: 40,000 nested elements took it 8 s on one core, `:has()` on them 49 s. Asked
`{"text", "item", "fields", "page"}`, with fields as `{name: [selector, attribute or null]}`; answered `{"items",
"page"}`: of each item, and of the whole page, what the first match of each selector holds, its HTML where no attribute
is named. What was not found is left out. `{"trouble"}` where a selector cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from sources.frames import serve

MOST_ITEMS = 2000  # of one page
MOST_TEXT = 32 << 20  # characters of all values: items within items hold the same text again

_Asked: TypeAlias = Mapping[str, Sequence[str | None]]


def select(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to one question."""
    tree = LexborHTMLParser(question["text"])
    root = tree.root
    if root is None:
        return {"items": [], "page": {}}
    try:
        nodes = root.css(question["item"])[:MOST_ITEMS] if question["item"] else []
        return {"items": _items(nodes, question["fields"]), "page": _values(root, question["page"])}
    except SelectolaxError as error:
        return {"trouble": str(error)}


def _items(nodes: list[LexborNode], fields: _Asked) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    left = MOST_TEXT
    for node in nodes:
        values = _values(node, fields)
        left -= sum(map(len, values.values()))
        if left < 0:
            break
        found.append(values)
    return found


def _values(node: LexborNode, fields: _Asked) -> dict[str, str]:
    values = {}
    for name, (selector, attribute) in fields.items():
        match = node.css_first(selector) if selector else node
        value = None if match is None else match.attributes.get(attribute) if attribute else match.inner_html
        if value is not None:
            values[name] = value
    return values


if __name__ == "__main__":
    serve(select)
