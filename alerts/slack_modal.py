"""The modal that says what a mention really was, and takes a note.

Pages: https://docs.slack.dev/surfaces/modals, https://docs.slack.dev/reference/views/modal-views (title and buttons
24 characters, private_metadata 3,000), https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from alerts.base import Action, ActionKind, Found
from alerts.excerpt import clean
from alerts.slack_buttons import option
from alerts.slack_payload import Place, Submission, text_at
from alerts.slack_text import fit, plain, section
from alerts.slack_words import SlackWords
from alerts.verdict_wording import headline
from alerts.words import Words
from rules.base import Label, Sentiment
from sources.base import JSON

CALLBACK = "correct"
LABELS, SENTIMENT, NOTE = "labels", "sentiment", "note"  # blocks, and the element in each
_NOTE_LENGTH = 2000
_SHOWN = 300  # of the post, so that one knows which it is


@dataclass(frozen=True, slots=True)
class Filled:
    """What a modal says: the mention, where its message stands, and what was changed (None: nothing)."""

    mention_id: int
    place: Place
    labels: tuple[Label, ...] | None
    sentiment: Sentiment | None
    note: str

    @property
    def action(self) -> ActionKind | None:
        """None: nothing was said."""
        if self.labels is not None:
            return ActionKind.CORRECT
        return ActionKind.NOTE if self.note else None


def modal(found: Found, place: Place, words: Words, own: SlackWords) -> dict[str, JSON]:
    """The view, ticked as the mention stands. `found` has no personal data that is not to be shown."""
    verdict = found.mention.verdict
    labels = [label for label in Label if label in verdict.tags]
    metadata = {
        "mention": found.mention.id,
        "labels": [label.value for label in labels],
        "sentiment": verdict.sentiment.value if verdict.is_classified else None,
        "channel": place.channel,
        "thread": place.thread,
    }
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json.dumps(metadata),
        "title": plain(own.modal_title),
        "submit": plain(own.modal_submit),
        "close": plain(own.modal_close),
        "blocks": [
            section(_which(found, words)),
            _input(LABELS, own.labels, _checkboxes(labels, words), hint=own.labels_hint),
            _input(SENTIMENT, own.sentiment, _select(verdict.sentiment if verdict.is_classified else None, words)),
            _input(NOTE, own.note, {"type": "plain_text_input", "multiline": True, "max_length": _NOTE_LENGTH}),
        ],
    }


def _which(found: Found, words: Words) -> str:
    post = found.mention.post
    said = fit(clean(f"{post.title} {post.text}").strip(), _SHOWN) or words.no_text
    return f"*{fit(headline(found.mention, words), _SHOWN)}*\n>{said}"


def _input(block: str, label: str, element: dict[str, JSON], *, hint: str = "") -> JSON:
    said: dict[str, JSON] = {
        "type": "input",
        "block_id": block,
        "optional": True,
        "label": plain(label),
        "element": {"action_id": block, **element},
    }
    return said | {"hint": plain(hint)} if hint else said


def _checkboxes(ticked: list[Label], words: Words) -> dict[str, JSON]:
    options = {label: option(words.labels[label], label.value) for label in Label}
    element: dict[str, JSON] = {"type": "checkboxes", "options": list(options.values())}
    return element | {"initial_options": [options[label] for label in ticked]} if ticked else element


def _select(chosen: Sentiment | None, words: Words) -> dict[str, JSON]:
    options = {sentiment: option(words.sentiments[sentiment], sentiment.value) for sentiment in Sentiment}
    element: dict[str, JSON] = {"type": "static_select", "options": list(options.values())}
    return element | {"initial_option": options[chosen]} if chosen else element


def read(submission: Submission) -> Filled | None:
    """What was filled in; None: no modal of ours."""
    try:
        asked = json.loads(submission.metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("mention"), int):
        return None
    labels, sentiment = _ticked(submission.values), _chosen(submission.values)
    is_changed = [label.value for label in labels] != asked.get("labels") or sentiment != asked.get("sentiment")
    return Filled(
        mention_id=asked["mention"],
        place=Place(text_at(asked, "channel"), text_at(asked, "thread")),
        labels=labels if is_changed else None,
        sentiment=sentiment if is_changed else None,
        note=text_at(submission.values, NOTE, NOTE, "value").strip()[:_NOTE_LENGTH],
    )


def _ticked(values: Mapping[str, Mapping[str, JSON]]) -> tuple[Label, ...]:
    element = values.get(LABELS, {}).get(LABELS)
    chosen = element.get("selected_options") if isinstance(element, dict) else None
    ticked = {text_at(one, "value") for one in chosen} if isinstance(chosen, list) else set()
    return tuple(label for label in Label if label.value in ticked)


def _chosen(values: Mapping[str, Mapping[str, JSON]]) -> Sentiment | None:
    value = text_at(values, SENTIMENT, SENTIMENT, "selected_option", "value")
    return Sentiment(value) if value in set(Sentiment) else None


def action(filled: Filled, by: str, key: str) -> Action | None:
    """What is asked of the desk; None: nothing was said."""
    if filled.action is None:
        return None
    return Action(
        kind=filled.action,
        mention_ids=(filled.mention_id,),
        by=by,
        through="slack",
        key=key,
        note=filled.note,
        labels=filled.labels,
        sentiment=filled.sentiment,
    )


def refused(message: str) -> dict[str, JSON]:
    """What shows an error in the modal, which stays open."""
    return {"response_action": "errors", "errors": {NOTE: message}}
