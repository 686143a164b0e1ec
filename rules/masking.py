"""Hides names from the classifier: the target's become TARGET, every other watchlist's OTHER.

So the model learns no brands, and one text can mean two things, seen from each of the two brands in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rules.base import View
from rules.matching import find_terms
from rules.words import OTHER, TARGET

if TYPE_CHECKING:
    from spacy.language import Language

READ_AT_MOST = 4_000  # characters of title and text; bounds the time one post can cost
BOUNDARY = "\n\n"  # between title and text: no pair of words crosses it

_BROKEN = re.compile(r"[\ud800-\udfff]")  # lone surrogates: no valid text, and spaCy refuses them
_FORGED = re.compile(rf"\b({TARGET}|{OTHER})\b")


def _joined(view: View) -> str:
    title, text = view.title[:READ_AT_MOST].strip(), view.text[:READ_AT_MOST].strip()
    parts = [text] if text.startswith(title) else [title, text]  # many sources repeat the opening words as the title
    whole = BOUNDARY.join(part for part in parts if part)[:READ_AT_MOST]
    whole = _BROKEN.sub("\N{REPLACEMENT CHARACTER}", whole)
    return _FORGED.sub(lambda found: found[0].capitalize(), whole)  # a shouted "OTHER" is no mask


def mask(view: View) -> str:
    """What the classifier reads of `view`: at most `READ_AT_MOST` characters (before masking), names masked.

    Where names overlap the longest counts; a name that the target shares with another watchlist is the target's.
    """
    text = _joined(view)
    if not view.names:
        return text
    pieces, at = [], 0
    for start, end in find_terms((*view.names, *view.others), text):
        is_target = (0, end - start) in find_terms(view.names, text[start:end])
        pieces += [text[at:start], TARGET if is_target else OTHER]
        at = end
    return "".join([*pieces, text[at:]])


def cut_out_masks(nlp: Language) -> None:
    """Have the tokeniser see the masks in `@TARGET`, `TARGET-App` and `TARGETs` as words of their own."""
    from spacy.util import compile_infix_regex, compile_prefix_regex

    tokenizer: Any = nlp.tokenizer  # a function to the stubs of spaCy
    masks = f"(?:{TARGET}|{OTHER})"
    prefixes, infixes = list(nlp.Defaults.prefixes or ()), list(nlp.Defaults.infixes or ())
    tokenizer.prefix_search = compile_prefix_regex([rf"@(?={masks})", *prefixes]).search
    around = [rf"(?<={mask})(?=[-_'’s/])" for mask in (TARGET, OTHER)]
    tokenizer.infix_finditer = compile_infix_regex([*around, rf"(?<=[-_/])(?={masks})", *infixes]).finditer
