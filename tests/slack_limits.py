"""What Slack refuses in messages and modals: Block Kit as it is documented, and nothing that is not.

Pages: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/block-elements,
https://docs.slack.dev/reference/block-kit/composition-objects, https://docs.slack.dev/reference/views/modal-views.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_BLOCKS_COST = 13_200  # where the real one was seen to refuse
_DATE = re.compile(r"<!date\^\d+\^[^|<>^]+\|[^|<>]*>")
_LINK = re.compile(r"<https?://[^|<> ]+\|[^|<>]+>")
_CALL = re.compile(r"<([@#!][^>]*)>")

Node = dict[str, Any]


def refuse_blocks(blocks: Any) -> str | None:
    """The error that blocks of a message get, None where they are fine."""
    if not isinstance(blocks, list) or len(blocks) > 50 or not all(map(_is_message_block, blocks)):
        return "invalid_blocks"
    if not _are_unique(blocks):
        return "invalid_blocks"
    return "msg_blocks_too_long" if sum(len(text["text"]) for text in texts(blocks)) > _BLOCKS_COST else None


def refuse_view(view: Any) -> str | None:
    """The error that a modal gets, None where it is fine."""
    if not isinstance(view, dict) or not _has(
        view, {"type", "title", "blocks"}, {"submit", "close", "private_metadata", "callback_id"}
    ):
        return "invalid_arguments"
    blocks = view["blocks"]
    is_fine = (
        view["type"] == "modal"
        and all(_is_plain(view[key], 24) for key in ("title", "submit", "close") if key in view)
        and len(view.get("private_metadata", "")) <= 3000
        and len(view.get("callback_id", "")) <= 255
        and isinstance(blocks, list)
        and 0 < len(blocks) <= 100
        and all(_is_input(block) or _is_message_block(block) for block in blocks)
        and _are_unique(blocks)
        and ("submit" in view or not any(block["type"] == "input" for block in blocks))
    )
    return None if is_fine else "invalid_arguments"


def texts(node: Any) -> Iterator[Node]:
    """Every text object in it."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "plain_text") and "text" in node:
            yield node
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def elements(node: Any) -> Iterator[Node]:
    """Everything in it that can be pressed or filled in."""
    if isinstance(node, dict):
        if "action_id" in node:
            yield node
        for value in node.values():
            yield from elements(value)
    elif isinstance(node, list):
        for value in node:
            yield from elements(value)


def calls(message: Node) -> list[str]:
    """Whom a message pings, and what else Slack would read in it that is neither a date nor a link of ours."""
    said = [text["text"] for text in texts(message.get("blocks", [])) if text["type"] == "mrkdwn"]
    plain = [_LINK.sub("", _DATE.sub("", text)) for text in (*said, message.get("text", ""))]
    return [found for text in plain for found in _CALL.findall(text)]


def _are_unique(blocks: list[Node]) -> bool:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    actions = [element["action_id"] for element in elements(blocks)]
    return len(ids) == len(set(ids)) and len(actions) == len(set(actions))


def _is_message_block(block: Any) -> bool:
    if not isinstance(block, dict) or not 0 < len(block.get("block_id", "x")) <= 255:
        return False
    rest = {key: value for key, value in block.items() if key != "block_id"}
    match rest:
        case {"type": "header", "text": text, **more}:
            return not more and _is_plain(text, 150)
        case {"type": "section", "text": text, "accessory": accessory, **more}:
            return not more and _is_text(text, 3000) and _is_element(accessory)
        case {"type": "section", "text": text, **more}:
            return not more and _is_text(text, 3000)
        case {"type": "context", "elements": [_, *_] as parts, **more}:
            return not more and len(parts) <= 10 and all(_is_text(part, 3000) for part in parts)
        case {"type": "actions", "elements": [_, *_] as parts, **more}:
            return not more and len(parts) <= 25 and all(map(_is_element, parts))
    return False


def _is_input(block: Any) -> bool:
    if not isinstance(block, dict) or block.get("type") != "input":
        return False
    return (
        _has(block, {"type", "label", "element"}, {"block_id", "hint", "optional"})
        and _is_plain(block["label"], 2000)
        and _is_plain(block.get("hint", {"type": "plain_text", "text": "x"}), 2000)
        and _is_field(block["element"])
    )


def _is_element(element: Any) -> bool:
    if not isinstance(element, dict) or not 0 < len(element.get("action_id", "")) <= 255:
        return False
    match element["type"]:
        case "button":
            return _is_button(element)
        case "static_select":
            return _is_select(element)
        case "overflow":
            is_whole = _has(element, {"type", "action_id", "options"}, {"confirm"})
            return is_whole and _are_options(element["options"], 5)
    return False


def _is_button(button: Node) -> bool:
    return (
        _has(button, {"type", "action_id", "text"}, {"value", "style", "confirm", "url"})
        and _is_plain(button["text"], 75)
        and len(button.get("value", "")) <= 2000
        and button.get("style", "primary") in ("primary", "danger")
        and _is_confirm(button.get("confirm"))
    )


def _is_confirm(confirm: Any) -> bool:
    if confirm is None:
        return True
    return (
        _has(confirm, {"title", "text", "confirm", "deny"}, {"style"})
        and _is_plain(confirm["title"], 100)
        and _is_plain(confirm["text"], 300)
        and _is_plain(confirm["confirm"], 30)
        and _is_plain(confirm["deny"], 30)
    )


def _is_field(element: Any) -> bool:
    """What may stand in an input block."""
    if not isinstance(element, dict) or not 0 < len(element.get("action_id", "")) <= 255:
        return False
    match element["type"]:
        case "static_select":
            return _is_select(element)
        case "checkboxes":
            ticked = element.get("initial_options", element.get("options", [])[:1])
            return (
                _has(element, {"type", "action_id", "options"}, {"initial_options"})
                and _are_options(element["options"], 10)
                and bool(ticked)
                and all(option in element["options"] for option in ticked)
            )
        case "plain_text_input":
            is_whole = _has(element, {"type", "action_id"}, {"multiline", "max_length", "initial_value"})
            return is_whole and 1 <= element.get("max_length", 3000) <= 3000
    return False


def _is_select(select: Node) -> bool:
    return (
        _has(select, {"type", "action_id", "options"}, {"placeholder", "initial_option"})
        and _are_options(select["options"], 100)
        and _is_plain(select.get("placeholder", {"type": "plain_text", "text": "x"}), 150)
        and select.get("initial_option", select["options"][0]) in select["options"]
    )


def _are_options(options: Any, most: int) -> bool:
    return (
        isinstance(options, list)
        and 0 < len(options) <= most
        and all(_has(option, {"text", "value"}, set()) for option in options)
        and all(_is_plain(option["text"], 75) and 0 < len(option["value"]) <= 150 for option in options)
        and len({option["value"] for option in options}) == len(options)
    )


def _has(node: Any, required: set[str], allowed: set[str]) -> bool:
    return isinstance(node, dict) and required <= set(node) <= required | allowed


def _is_plain(text: Any, limit: int) -> bool:
    return isinstance(text, dict) and text.get("type") == "plain_text" and _is_text(text, limit)


def _is_text(text: Any, limit: int) -> bool:
    keys = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}
    said = text.get("text") if isinstance(text, dict) else None
    return (
        isinstance(said, str)
        and set(text) <= keys.get(text.get("type", ""), set())
        and bool(said.strip())
        and len(said.encode("utf-16-le")) // 2 <= limit
    )
