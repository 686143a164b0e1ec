"""Reads the categories of somebody else's spaCy pipeline as our labels and sentiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from rules.base import Label, Sentiment
from rules.reading import Reading

NAME = "mention_categories"  # the component's name, the last in the pipeline


class MentionCategories:
    """spaCy component: `doc.cats` under our names. Of several categories for one name the likeliest counts.

    Names without a category are left out: the classifier takes them as 0. Without any sentiment it is neutral.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        self._is_mood_known = any(name in set(Sentiment) for name in names.values())

    def __call__(self, doc: Doc) -> Doc:
        cats = {} if self._is_mood_known else {str(Sentiment.NEUTRAL): 1.0}
        for category, name in self._names.items():
            cats[name] = max(cats.get(name, 0.0), float(doc.cats.get(category, 0.0)))
        doc.cats = cats
        return doc


@Language.factory(NAME, default_config={"names": {}})
def create(nlp: Language, name: str, names: Mapping[str, str]) -> MentionCategories:
    """What spaCy calls; `names` maps each category to a label or sentiment."""
    return MentionCategories(names)


def no_cues(reading: Reading, labels: Sequence[Label], limit: int) -> dict[str, tuple[str, ...]]:
    """What is known of the reasons of a pipeline that is not ours."""
    return dict.fromkeys(labels, ())
