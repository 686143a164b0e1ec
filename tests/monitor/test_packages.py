"""An operator's own spaCy pipeline in place of one of ours; built, trained a little and saved here."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from thinc.api import fix_random_seed

from monitor.cli import main
from monitor.commands import MODEL, OK, USAGE
from monitor.commands.chosen import chosen_in
from monitor.config import load
from monitor.model import SHIPPED, ModelError, load_classifier
from monitor.packages import Package, build_packages
from rules.base import Label, Sentiment, Verdict, View
from rules.classifier import SpacyClassifier
from tests.monitor.test_config import MINIMAL, errors_of, write

TEXTS = {
    "COMPLAINT": ["it is broken", "so slow and broken", "never again , broken"],
    "QUESTION": ["how do i start it", "how does it work", "how much"],
    "SPAM": ["win a prize", "win now", "win big"],
}
NAMES = {"COMPLAINT": "complaint", "QUESTION": "question"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fix_random_seed(1)
    nlp = spacy.blank("en")
    nlp.add_pipe("textcat_multilabel")
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {other: float(other == name) for other in TEXTS}})
        for name, texts in TEXTS.items()
        for text in texts
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(examples, sgd=optimizer)
    nlp.meta["name"], nlp.meta["version"] = "my_textcat", "2.1.0"
    out = tmp_path_factory.mktemp("package") / "my-textcat"
    nlp.to_disk(out)
    return out


def classify(classifier: SpacyClassifier, text: str, lang: str) -> Verdict:
    [verdict] = classifier.classify([View("", text, lang, names=("Acme",))])
    return verdict


def test_a_package_reads_its_language_under_our_names(folder: Path) -> None:
    classifier = load_classifier(["de", "en"], packages={"en": Package(str(folder), NAMES, 0.5)})
    verdict = classify(classifier, "Acme is broken, so broken", "en")
    assert verdict.tags == ("complaint",)  # carried without cues: a foreign pipeline has none
    assert verdict.cues == {Label.COMPLAINT: ()}
    assert verdict.probabilities[Label.CRISIS] == 0.0
    assert (verdict.sentiment, verdict.model, verdict.sure) == (Sentiment.NEUTRAL, "en_my_textcat 2.1.0", True)
    assert classify(classifier, "Acme ist kaputt, so kaputt", "de").model.startswith("de_mentiond ")


def test_the_threshold_is_the_operators(folder: Path) -> None:
    package = Package(str(folder), NAMES, 0.5)
    chance = classify(load_classifier(["en"], packages={"en": package}), "how broken", "en").probabilities[
        Label.COMPLAINT
    ]
    tags = [
        classify(
            load_classifier(["en"], packages={"en": replace(package, threshold=threshold)}), "how broken", "en"
        ).tags
        for threshold in (chance * 0.99, chance + (1 - chance) / 2)
    ]
    assert ["complaint" in carried for carried in tags] == [True, False]


def test_a_category_that_the_package_lacks(folder: Path) -> None:
    package = Package(str(folder), {"COMPLANT": "complaint"}, 0.5)
    told = (
        r"classifier\.packages\.en\.categories: .* no category 'COMPLANT'; expected one of: COMPLAINT, QUESTION, SPAM"
    )
    with pytest.raises(ModelError, match=told):
        load_classifier(["en"], packages={"en": package})


def test_a_package_without_categories(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(ModelError, match=r"packages\.en: .*blank gives no categories .*mend: a package with"):
        load_classifier(["en"], packages={"en": Package(str(tmp_path / "blank"), NAMES, 0.5)})


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(ModelError, match=r"packages\.en\.name: no spaCy package or folder en_my_textcat; mend: pip"):
        load_classifier(["en"], packages={"en": Package("en_my_textcat", NAMES, 0.5)})


def test_a_damaged_package(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "config.cfg").write_text("[nlp")
    with pytest.raises(ModelError, match=r"packages\.en: .*copy cannot be loaded .*mend: a package"):
        load_classifier(["en"], packages={"en": Package(str(copy), NAMES, 0.5)})


SECTION = """\
classifier:
  model: models
  encoder: ./encoder
  packages:
    en: {name: en_my_textcat, categories: {COMPLAINT: complaint, ANGRY: negative}, threshold: 0.6}
    de: {name: ../textcat, categories: {LOB: praise}}
"""


def test_the_configuration_names_packages_and_encoder(tmp_path: Path) -> None:
    chosen = load(write(tmp_path, MINIMAL + SECTION), {}).classifier
    assert (chosen.model, chosen.encoder) == (str(tmp_path / "models"), str(tmp_path / "encoder"))
    assert build_packages(chosen.packages) == {
        "en": Package("en_my_textcat", {"COMPLAINT": "complaint", "ANGRY": "negative"}, 0.6),
        "de": Package(str(tmp_path.parent / "textcat"), {"LOB": "praise"}, 0.5),
    }


def test_commands_read_with_the_classifier_of_the_configuration(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    section = f"classifier: {{packages: {{en: {{name: {folder}, categories: {json.dumps(NAMES)}}}}}}}\n"
    config = write(tmp_path, MINIMAL + section)
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"text": "so slow and broken , never again broken", "lang": "en", "labels": ["complaint"]}\n')

    assert main(["classify", "-c", str(config), str(posts)]) == OK
    own = json.loads(capsys.readouterr().out)
    assert main(["classify", str(posts)]) == OK
    shipped = json.loads(capsys.readouterr().out)
    assert (own["tags"], own["cues"]) == (["complaint"], {"complaint": []})  # a foreign pipeline knows no cues
    assert shipped["cues"]["complaint"]

    assert main(["evaluate", str(posts), "-c", str(config), "--json"]) == OK
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["worst"] for one in figures if one.get("label") == "crisis"] == [[]]
    assert [one["true_positives"] for one in figures if one.get("label") == "complaint"] == [1]


def test_arguments_take_the_place_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write(tmp_path, MINIMAL + "languages: [en]\nclassifier: {model: nowhere}\n")
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"text": "kurz"}\n')
    arguments = ["classify", "-c", str(config), str(posts)]
    assert main(arguments) == MODEL
    assert str(tmp_path / "nowhere") in capsys.readouterr().err
    for more, lang in ([], "en"), (["--languages", "de"], "de"):
        assert main([*arguments, "--model", str(SHIPPED), *more]) == OK
        assert json.loads(capsys.readouterr().out)["lang"] == lang
    assert main([*arguments[:2], str(tmp_path / "none.yaml")]) == USAGE


def test_all_that_the_configuration_says_of_the_classifier_is_chosen(tmp_path: Path) -> None:
    config = load(write(tmp_path, MINIMAL + SECTION), {})
    packages = build_packages(config.classifier.packages)
    assert chosen_in(config) == (("de", "en"), tmp_path / "models", str(tmp_path / "encoder"), packages)


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (
            "{name: mine, categories: {BAD: complain}}",
            'en.categories.BAD: expected a label or sentiment of mentiond\'s; did you mean "complaint"?',
        ),
        ("{name: mine, categories: {}}", "en.categories: expected at least one entry"),
        (
            "{name: mine, categories: {BAD: crisis}, treshold: 0.4}",
            'en.treshold: unknown key; did you mean "threshold"?',
        ),
        ("{name: mine, categories: {BAD: crisis}, threshold: 40}", "en.threshold: expected less than 1"),
        ("{categories: {BAD: crisis}}", "en.name: is missing"),
    ],
)
def test_mistakes_in_the_configuration(tmp_path: Path, entry: str, error: str) -> None:
    path = write(tmp_path, f"{MINIMAL}classifier:\n  packages:\n    en: {entry}\n")
    [told] = errors_of(path)
    assert told.partition("classifier.packages.")[2] == error


def test_a_package_for_a_language_that_is_not_expected(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL + "classifier: {packages: {fr: {name: mine, categories: {BAD: crisis}}}}\n")
    assert errors_of(path)[0].endswith('classifier.packages.fr: "fr" is not among `languages` (de, en)')
