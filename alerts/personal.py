"""Personal data in what is shown: covered unless the receiver may show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rules.base import Mention, Span

_COVER = "•"


def hide_personal(mention: Mention) -> Mention:
    """The mention with its personal data covered, character by character, so that every span still fits."""
    if not mention.personal:
        return mention
    spans = [found.span for found in mention.personal]
    title, text = (
        _covered(said, (span for span in spans if span.field == field))
        for field, said in (("title", mention.post.title), ("text", mention.post.text))
    )
    return replace(mention, post=replace(mention.post, title=title, text=text))


def _covered(text: str, spans: Iterable[Span]) -> str:
    characters = list(text)
    for span in spans:
        characters[span.start : span.end] = _COVER * len(characters[span.start : span.end])
    return "".join(characters)
