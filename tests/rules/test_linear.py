"""Two brands in the linear component: both sides of a text are weighed together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from rules.features import Values, key_of
from rules.linear import NAME, LinearLabels, Weights, contrasted

# Logits count a third: what is said of the target, less what is said of the other; no chances, no bias, no loss.
AGAINST = np.array([[3.0], [-3.0], [0.0], [0.0], [0.0], [0.0], [0.0]], np.float32)
COMING = "TARGET replaces OTHER"
GOING = "OTHER replaces TARGET"


def weights(contrast: Values | None) -> Weights:
    """A text whose clause is about the target is a complaint."""
    return Weights(
        categories=("complaint",),
        exclusive=(),
        keys=np.array([key_of("rb TARGET")], np.uint32),
        scale=np.ones(1, np.float32),
        table=np.array([[2.0]], np.float32),
        bias=np.array([-1.0], np.float32),
        contrast=contrast,
    )


def pipeline(own: Weights) -> tuple[Language, LinearLabels]:
    nlp = spacy.blank("en")
    component = nlp.add_pipe(NAME)
    assert isinstance(component, LinearLabels)
    component.weights = own
    return nlp, component


def logit(nlp: Language, text: str) -> float:
    chance = nlp(text).cats["complaint"]
    return float(np.log(chance / (1 - chance)))


def test_both_sides_are_weighed_together() -> None:
    plain, _ = pipeline(weights(None))
    assert [logit(plain, text) for text in (COMING, GOING)] == [pytest.approx(1), pytest.approx(-1)]
    nlp, _ = pipeline(weights(AGAINST))
    assert [logit(nlp, text) for text in (COMING, GOING)] == [pytest.approx(2), pytest.approx(-2)]


def test_a_text_with_one_brand_is_read_as_ever() -> None:
    nlp, _ = pipeline(weights(AGAINST))
    assert logit(nlp, "TARGET is down") == pytest.approx(-1)


def test_the_contrast_is_saved(tmp_path: Path) -> None:
    nlp, component = pipeline(weights(AGAINST))
    component.to_disk(tmp_path)
    again, loaded = pipeline(weights(None))
    loaded.from_disk(tmp_path)
    assert logit(again, COMING) == pytest.approx(logit(nlp, COMING), abs=1e-3)
    component.weights = replace(component.weights, contrast=None)
    component.to_disk(tmp_path / "plain")
    loaded.from_disk(tmp_path / "plain")
    assert loaded.weights.contrast is None


def test_a_contrast_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="contrast"):
        weights(AGAINST[:2])


def test_logits_are_contrasted_row_by_row() -> None:
    own, other = np.array([[1.0], [2.0]]), np.array([[3.0], [1.0]])
    assert np.allclose(contrasted(own, other, AGAINST), [[-2.0], [1.0]])


def test_chances_of_both_sides_count_and_that_both_hold() -> None:
    own, other = np.array([[0.0]]), np.array([[30.0]])
    chances = np.array([[0.0], [0.0], [1.0], [10.0], [100.0], [1000.0], [0.0]])
    assert np.allclose(contrasted(own, other, chances), [[0.5 + 10 + 50 + 1000]])


def test_the_less_likely_side_loses() -> None:
    own, other = np.array([[1.0], [3.0], [2.0]]), np.array([[3.0], [1.0], [2.0]])
    logits = np.array([[3.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.7]])
    assert np.allclose(contrasted(own, other, logits), [[1.0 - 0.7], [3.0], [2.0]])
