"""`mentiond train`: builds the pipelines from the corpus, measures them on held-out domains, replaces the old ones.

Every domain is held out once (five folds): from those rows come calibration, thresholds and all figures; a figure at
a threshold uses the threshold that the other folds chose. The model that ships is then fitted on all rows. Seeded:
the same corpus gives the same bytes. With a sentence encoder its vectors stand beside the features of each post; it is
asked once for each text. Corrections are learned from as well; the report is about the corpus alone.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.contrast import Turned
from monitor.encoders import META, NamedEncoder, describe
from monitor.examples import FOLDS, CorpusError, Example, fingerprint, read_corpus
from monitor.fields import SHIPPED_LEXICON, build_lexicon
from monitor.held_out import LanguageReport, Report, decide, describe_language, measure
from monitor.labelled import view_of_masked
from monitor.learning import Fit, Floats, Matrix, build_matrix, fit_several, more_rows
from monitor.lessons import Folds, Lessons, digest, plan_lessons
from monitor.model import BANDS, MANIFEST, SHARED, digests
from rules import lexical, linear
from rules.base import Label, Sentiment
from rules.classifier import Band, Pipeline, SpacyClassifier
from rules.encoding import Vectors, encode_masked
from rules.features import text_features
from rules.language import LanguageDetector
from rules.lexical import MentionLexicon
from rules.lexicon import Lexicon
from rules.linear import LinearLabels, Weights
from rules.masking import cut_out_masks
from rules.reading import Reading, read
from rules.sides import names_both, seen_from_other

if TYPE_CHECKING:
    from spacy.language import Language

Carried = dict[str, list[str]]  # the labels of each correction, by the digest of its text

CATEGORIES = (*Label, *Sentiment)
STRENGTH = 4.0  # of the examples against the pull towards zero
EPOCHS = 15
SEED = 1
MEANING = 0.2  # length of an encoder's vector beside the words, whose length is 1
ENCODED_TOGETHER = 1024  # texts between two lines of progress
FEWEST_POSTS = 2  # a feature seen in one post only is noise
REPORT = "report.json"
UNSEEN = "corrections.json"  # {language: Carried}, as judged by models that had not seen them; {} without corrections


@dataclass(frozen=True, slots=True)
class Material:
    """What a pipeline is made of: phrases of its language, and the vector of each text where there is an encoder."""

    lexicon: Lexicon
    encoder: NamedEncoder | None = None
    vectors: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """A language's features, the logits of its held-out rows of the corpus (N x categories) and what they really are.

    Corrections have no part in calibration and thresholds: they are posts that a model got wrong, no fair sample.
    """

    language: str
    material: Material
    matrix: Matrix
    held_out: Floats
    truth: Floats
    turned: Turned | None  # texts with two brands; None with an encoder, which reads a text from one side only

    def assemble(self) -> tuple[Language, LinearLabels]:
        """A pipeline whose vocabulary has read no corpus, and its component that is to be given weights."""
        nlp = _blank(self.language, self.material.lexicon)
        nlp.add_pipe(linear.NAME)
        component = nlp.get_pipe(linear.NAME)
        assert isinstance(component, LinearLabels)
        return nlp, component

    def weigh(self, fitted: Fit, rows: npt.NDArray[np.bool_]) -> tuple[Weights, Mapping[Label, Band]]:
        """The weights of a fit, calibrated on these held-out rows, and its bands."""
        decision = decide(self.held_out, self.turned, self.truth, rows)
        slopes, offsets, contrast = decision.slopes, decision.offsets, decision.contrast
        weights = Weights(
            categories=CATEGORIES,
            exclusive=tuple(Sentiment),
            keys=self.matrix.keys,
            scale=self.matrix.scale,
            table=(fitted.table * slopes).astype(np.float32),
            bias=(fitted.bias * slopes + offsets).astype(np.float32),
            dense=(MEANING * fitted.dense * slopes).astype(np.float32) if self.material.encoder else None,
            contrast=None if contrast is None else contrast.astype(np.float32),
        )
        return weights, decision.bands


def train(
    corpus: Path,
    out: Path,
    progress: Callable[[str], None],
    lexicon: Path = SHIPPED_LEXICON,
    *,
    encoder: NamedEncoder | None = None,
    language: str | None = None,
    corrections: Mapping[str, Sequence[Example]] | None = None,
) -> Report:
    """Train on every language of `corpus`, or one, and replace the models in `out`; until all is done `out` stays.

    `corrections` are by language, too; those in a language that the corpus does not have teach the shared pipeline.

    Raises CorpusError for a corpus and LexiconError for a lexicon that cannot be used, OSError where `out` cannot be
    written.
    """
    languages = _chosen(read_corpus(corpus), language)
    everything = [example for examples in languages.values() for example in examples]
    corrected = {**(corrections or {}), SHARED: [one for several in (corrections or {}).values() for one in several]}
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        fresh.chmod(0o755)
        reports, carried = {}, {}
        vectors = _encode(encoder, [*everything, *corrected[SHARED]], progress)
        for name, examples in {**languages, SHARED: everything}.items():
            lessons = plan_lessons(examples, corrected.get(name, ()))
            progress(_sentence(name, lessons))
            fields = build_lexicon(lexicon, list(languages) if name == SHARED else [name])
            material = Material(fields, encoder, vectors)
            reports[name], carried[name] = _train_language(name, lessons, material, fresh / name)
        report = Report(reports)
        _finish(fresh, report, carried if corrected[SHARED] else {})
        replace(out, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return report


def _sentence(name: str, lessons: Lessons) -> str:
    corrected = f", {len(lessons.corrected)} corrections" if lessons.corrected else ""
    return f"{name}: {len(lessons.corpus)} rows{corrected}"


def _chosen(languages: dict[str, list[Example]], only: str | None) -> dict[str, list[Example]]:
    if only is None:
        return languages
    if only not in languages:
        raise CorpusError(f"the corpus has no language {only!r}; it has: {', '.join(languages)}")
    return {only: languages[only]}


def _encode(
    encoder: NamedEncoder | None, examples: Sequence[Example], progress: Callable[[str], None]
) -> dict[str, Floats]:
    """The vector of each distinct text, of length MEANING; nothing without an encoder."""
    if encoder is None:
        return {}
    texts = list(dict.fromkeys(example.text for example in examples))
    vectors: dict[str, Floats] = {}
    for start in range(0, len(texts), ENCODED_TOGETHER):
        progress(f"{encoder.name}: {start} of {len(texts)} texts")
        together = texts[start : start + ENCODED_TOGETHER]
        encoded: Vectors = encode_masked(encoder.encoder, together)
        vectors.update(zip(together, MEANING * encoded.astype(np.float64), strict=True))
    return vectors


def _train_language(language: str, lessons: Lessons, material: Material, out: Path) -> tuple[LanguageReport, Carried]:
    nlp, everything, count = _blank(language, material.lexicon), lessons.everything, len(lessons.corpus)
    dense = np.array([material.vectors[one.text] for one in everything]) if material.encoder else None
    readings = [read(nlp(one.text)) for one in everything]
    matrix = build_matrix([text_features(reading) for reading in readings], FEWEST_POSTS, dense)
    truth = np.array([_truth(example) for example in everything])
    learned_from = [lessons.without(fold) for fold in (*range(FOLDS), None)]
    *fits, final = fit_several(matrix, truth, learned_from, strength=STRENGTH, epochs=EPOCHS, seed=SEED)
    held_out = _held_out(matrix, fits, lessons.corpus_folds)
    turned = None if material.encoder else _turn(matrix, fits, lessons.corpus_folds, readings)
    trained = Trained(language, material, matrix, held_out, truth[:count], turned)
    figures = measure(held_out, turned, trained.truth, lessons.corpus_folds)
    bands = _save(trained, final, fingerprint(everything), out)
    report = describe_language(lessons.corpus, len(matrix.keys), figures, bands)
    return report, _judge_unseen(trained, fits, lessons)


def _judge_unseen(trained: Trained, fits: Sequence[Fit], lessons: Lessons) -> Carried:
    """What the model says of each correction, without the folds that it stands in."""
    carried: Carried = {}
    if not lessons.corrected:
        return carried
    detector = LanguageDetector([trained.language])
    nlp, component = trained.assemble()
    component.encoder = trained.material.encoder.encoder if trained.material.encoder else None
    for fold, own in enumerate(fits):
        if not (examples := lessons.corrected_in(fold)):
            continue
        component.weights, bands = trained.weigh(own, lessons.corpus_folds != fold)
        pipeline = Pipeline(nlp, bands, component.cues, "")
        classifier = SpacyClassifier({}, pipeline, detector)  # whatever the language: one pipeline reads it
        verdicts = classifier.classify([view_of_masked("", one.text, trained.language) for one in examples])
        for one, verdict in zip(examples, verdicts, strict=True):
            carried[digest(one.text)] = [label for label in Label if label in verdict.tags]
    return carried


def _blank(language: str, lexicon: Lexicon) -> Language:
    """A pipeline that knows the lexicon and no labels yet."""
    import spacy

    nlp: Language = spacy.blank(language)
    cut_out_masks(nlp)
    nlp.add_pipe(lexical.NAME)
    component = nlp.get_pipe(lexical.NAME)
    assert isinstance(component, MentionLexicon)
    component.use(lexicon)
    return nlp


def _truth(example: Example) -> list[float]:
    labels = [float(label in example.labels) for label in Label]
    return labels + [float(sentiment == example.sentiment) for sentiment in Sentiment]


def _held_out(matrix: Matrix, fits: Sequence[Fit], folds: Folds) -> Floats:
    """The logit of every row of the corpus from a model that saw no row of its domain."""
    logits = np.zeros((len(folds), len(CATEGORIES)))
    for fold, own in enumerate(fits):
        unseen = np.flatnonzero(folds == fold).tolist()
        logits[unseen] = own.logits(matrix, unseen)
    return logits


def _turn(matrix: Matrix, fits: Sequence[Fit], folds: Folds, readings: Sequence[Reading]) -> Turned:
    """What models that did not see their domains make of the rows with two brands, as the other brand reads them."""
    at = np.array([row for row in range(len(folds)) if names_both(readings[row].folded)], np.intp)
    rows = more_rows(matrix, [text_features(seen_from_other(readings[row])) for row in at.tolist()])
    logits = np.zeros((len(at), len(CATEGORIES)))
    for fold, own in enumerate(fits):
        if unseen := np.flatnonzero(folds[at] == fold).tolist():
            logits[unseen] = own.logits(rows, unseen)
    return Turned(at, logits)


def _save(trained: Trained, final: Fit, name: str, out: Path) -> Mapping[Label, Band]:
    """`name` tells what it was trained on."""
    nlp, component = trained.assemble()
    component.weights, bands = trained.weigh(final, np.full(len(trained.truth), True))
    if trained.material.encoder:
        nlp.meta[META] = describe(trained.material.encoder)
    nlp.meta["name"] = "mentiond"
    nlp.meta["version"] = f"0.1.0+{name}"
    nlp.meta["description"] = "Labels and sentiment of a post, as it concerns TARGET"
    nlp.meta[BANDS] = {label: asdict(band) for label, band in bands.items()}
    nlp.to_disk(out)
    return bands


def _finish(folder: Path, report: Report, carried: Mapping[str, Carried]) -> None:
    (folder / REPORT).write_text(report.to_json() + "\n", encoding="utf-8")
    if carried:
        (folder / UNSEEN).write_text(json.dumps(carried, indent=1) + "\n", encoding="utf-8")
    pipelines = {language: digests(folder / language) for language in report.languages}
    (folder / MANIFEST).write_text(json.dumps({"pipelines": pipelines}, indent=1) + "\n", encoding="utf-8")


def replace(out: Path, fresh: Path) -> None:
    """Put the models of `fresh` in the place of those of `out`, by two renames.

    A crash between them leaves the old model beside `out` as `.<name>-old`.
    """
    old = out.with_name(f".{out.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)
