"""`mentiond train --corrections`: what is learned, how it is compared, and when the new model is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cli import main
from monitor.commands import FAILED, MODEL, OK, USAGE
from monitor.corrections import Correction, Remark, Said, correct
from monitor.encoders import NamedEncoder
from monitor.lessons import digest
from monitor.model import SHIPPED, digests, load_classifier
from monitor.model_watch import open_reloading
from monitor.retraining import Plan, encoder_in, retrain
from monitor.store import Store
from monitor.training import REPORT, UNSEEN, train
from rules.base import Classifier, Label, Sentiment, Verdict, View
from rules.masking import mask
from tests.fakes import START, WordEncoder
from tests.monitor.builders import in_transaction
from tests.monitor.test_corrections import BY_NAME, store_mentions
from tests.monitor.test_training import KINDS, write_corpus

ARENAS = tuple(f"Einlass in der TARGET Arena ab {hour} Uhr , Parkhaus offen" for hour in range(10, 22))
NOTHING: frozenset[Label] = frozenset()


class Knowing:
    """`Classifier` that carries what it is told of each masked text, else nothing; `lang` is what it recognises."""

    def __init__(
        self, known: Mapping[str, frozenset[Label]], mood: Sentiment = Sentiment.NEUTRAL, lang: str = "de"
    ) -> None:
        self._known = known
        self._mood = mood
        self._lang = lang

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        return [self._verdict(mask(view)) for view in views]

    def _verdict(self, text: str) -> Verdict:
        tags = tuple(label.value for label in Label if label in self._known.get(text, NOTHING)) or ("none",)
        return Verdict(dict.fromkeys(Label, 0.0), tags, self._mood, self._lang, model="knowing")


def corrections(
    texts: Sequence[str], labels: frozenset[Label], mood: Sentiment | None = Sentiment.NEUTRAL
) -> list[Correction]:
    said = Said({}, ("none",), Sentiment.NEUTRAL, "")
    remark = Remark(labels, mood, "Kim", START)
    return [Correction(number, "acme", remark, text, "de", said) for number, text in enumerate(texts)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def first(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that has learned from the corpus alone."""
    out = tmp_path_factory.mktemp("trained") / "models"
    train(corpus, out, lambda line: None)
    return out


@pytest.fixture
def plan(corpus: Path, first: Path, tmp_path: Path) -> Plan:
    """The model in use is a copy of the first and is to be replaced."""
    models = shutil.copytree(first, tmp_path / "models")
    return Plan(corpus, models, models, ["de"])


def in_use(plan: Plan) -> Classifier:
    return load_classifier(plan.languages, plan.old)


def silent(line: str) -> None:
    """Progress that nobody reads."""


def test_what_was_corrected_is_learned_and_the_rest_not_forgotten(plan: Plan) -> None:
    told: list[str] = []
    result = retrain(plan, in_use(plan), corrections(ARENAS, frozenset({Label.CRISIS})), told.append)
    assert told == ["de: 36 rows, 12 corrections", "xx: 36 rows, 12 corrections"]
    assert (result.reasons, result.replaced, result.corrections) == ((), True, 12)
    assert result.old_exact == 0
    assert result.new_exact >= 10
    assert [(one.lang, one.old_rows, one.new_rows) for one in result.held_out] == [("de", 36, 36), ("xx", 36, 36)]
    [german] = result.corrected
    assert (german.lang, german.new_rows) == ("de", 12)
    assert german.new is not None
    assert german.new > (german.old or 0)
    assert german.new == round(result.new_exact / 12 / (0.5 + result.new_exact / 24), 4)  # F1 where all are crises
    classifier = in_use(plan)
    texts = ("Einlass in der Acme Arena ab 9 Uhr , Parkhaus offen", "Acme ist super , danke")
    verdicts = classifier.classify([View("", text, "de", ("Acme",)) for text in texts])
    assert [verdict.tags for verdict in verdicts] == [("crisis",), ("praise",)]


def test_the_report_is_of_the_corpus_and_no_words_of_posts_are_kept(plan: Plan) -> None:
    retrain(replace(plan, is_forced=True), in_use(plan), corrections(ARENAS, NOTHING), silent)
    report = json.loads((plan.out / REPORT).read_text())
    assert {own["rows"] for own in report["languages"].values()} == {36}
    unseen = json.loads((plan.out / UNSEEN).read_text())
    assert set(unseen) == {"de", "xx"}
    assert set(unseen["de"]) == {digest(text) for text in ARENAS}
    kept = b"".join(file.read_bytes() for file in plan.out.rglob("*") if file.is_file())
    assert b"Parkhaus" not in kept
    assert b"parkhaus" not in kept


def test_a_model_that_forgets_the_corpus_is_refused_unless_it_is_forced(plan: Plan) -> None:
    labels = [Label(label) for label, _ in KINDS.values()]
    wrong = [
        one
        for text, label in zip(KINDS, [*labels[1:], labels[0]], strict=True)
        for one in corrections([f"{text} ({place})" for place in range(10)], frozenset({label}))
    ]
    before = digests(plan.out)
    result = retrain(plan, in_use(plan), wrong, silent)
    assert not result.replaced
    assert any("macro-F1 on held-out rows falls from" in reason and "(de)" in reason for reason in result.reasons)
    assert digests(plan.out) == before
    assert [path.name for path in plan.out.parent.iterdir()] == ["models"]
    forced = retrain(replace(plan, is_forced=True), in_use(plan), wrong, silent)
    assert (forced.replaced, forced.reasons) == (True, result.reasons)
    assert digests(plan.out) != before
    assert [path.name for path in plan.out.parent.iterdir()] == ["models"]


def test_fewer_corrections_exactly_right_are_a_reason(plan: Plan) -> None:
    texts = ("qwe rtz", "uio pas", "dfg hjk")
    labels = frozenset({Label.QUESTION, Label.CRISIS})
    result = retrain(plan, Knowing(dict.fromkeys(texts, labels)), corrections(texts, labels), silent)
    assert (result.old_exact, result.new_exact) == (3, 0)
    assert result.reasons == ("0 instead of 3 corrections would be exactly right",)
    assert not result.replaced


def test_what_a_model_has_learned_it_is_not_praised_for_the_next_time(plan: Plan) -> None:
    """Else no model that learned from corrections would ever be replaced."""
    labels = frozenset({Label.QUESTION, Label.CRISIS})
    texts = ("Zebra kocht Nebel", "Quark liest Pixel", "Vulkan jodelt Wachs", "Xenon hüpft Fagott")
    found = corrections([*texts, *texts], labels)  # copies: words of one post alone are not learned
    once = retrain(replace(plan, is_forced=True), in_use(plan), found, silent)
    verdicts = in_use(plan).classify([View("", text, "de") for text in texts])
    assert {verdict.tags for verdict in verdicts} == {("crisis", "question")}
    again = retrain(plan, in_use(plan), found, silent)
    assert again.old_exact == once.new_exact == again.new_exact < len(found)
    assert again.reasons == ()


def test_a_language_without_a_pipeline_teaches_the_shared_one(plan: Plan) -> None:
    told: list[str] = []
    found = [replace(one, lang="und") for one in corrections(ARENAS, frozenset({Label.CRISIS}))]
    result = retrain(plan, Knowing({}, lang="fr"), found, told.append)
    assert told == ["de: 36 rows", "xx: 36 rows, 12 corrections"]
    assert [(one.lang, one.new_rows) for one in result.corrected] == [("fr", 12)]
    assert result.new_exact >= 10


def test_with_an_encoder_corrections_are_judged_with_it(plan: Plan) -> None:
    encoder = WordEncoder()
    own = replace(plan, encoder=NamedEncoder("words", encoder))
    result = retrain(own, in_use(plan), corrections(ARENAS, frozenset({Label.CRISIS})), silent)
    assert result.new_exact >= 10
    assert encoder.batches.count(36 + 12) == 1
    assert encoder_in(plan.out) == "words"


def test_a_sentiment_that_nobody_stated_is_that_of_the_model_in_use(plan: Plan, tmp_path: Path) -> None:
    made = {}
    for name, said in (("stated", Sentiment.NEGATIVE), ("given", None), ("other", Sentiment.POSITIVE)):
        own = replace(plan, out=tmp_path / name, is_forced=True)
        retrain(own, Knowing({}, Sentiment.NEGATIVE), corrections(ARENAS[:2], NOTHING, said), silent)
        made[name] = digests(own.out)
    assert made["given"] == made["stated"]
    assert made["given"] != made["other"]


def test_labels_that_no_correction_has_do_not_lower_the_figures(plan: Plan) -> None:
    labels = frozenset({Label.CRISIS})
    [figures] = retrain(plan, Knowing(dict.fromkeys(ARENAS, labels)), corrections(ARENAS, labels), silent).corrected
    assert figures.old == 1.0


@pytest.mark.parametrize("report", [None, "{", "[]", '{"languages": {"de": {"rows": 3, "labels": {"praise": {}}}}}'])
def test_a_model_without_figures_cannot_be_compared(plan: Plan, report: str | None) -> None:
    (plan.old / REPORT).unlink()
    if report is not None:
        (plan.old / REPORT).write_text(report)
    result = retrain(plan, in_use(plan), [], silent)
    assert result.reasons == (f"the model in use has no figures to compare with ({plan.old / REPORT})",)
    assert [one.old for one in result.held_out] == [None, None]
    assert "-" in result.table().splitlines()[1].split()


def test_no_language_that_is_used_gets_lost(plan: Plan) -> None:
    report = json.loads((plan.old / REPORT).read_text())
    report["languages"]["en"] = report["languages"]["de"]
    (plan.old / REPORT).write_text(json.dumps(report))
    assert retrain(plan, in_use(plan), [], silent).reasons == ()
    (plan.old / REPORT).write_text(json.dumps(report))
    result = retrain(replace(plan, languages=["de", "en"]), in_use(plan), [], silent)
    assert result.reasons == ("it would not have the language en",)


def test_the_encoder_of_the_model_in_use(first: Path, tmp_path: Path) -> None:
    assert encoder_in(first) is None
    assert encoder_in(tmp_path) is None
    (tmp_path / "xx").mkdir()
    (tmp_path / "xx" / "meta.json").write_text('{"encoder": {"name": "words"}}')
    assert encoder_in(tmp_path) == "words"


# -- on the command line ---------------------------------------------------------------------------------------------

CONFIG = """
languages: [de]
store: {{url: "{url}"}}
{classifier}
watchlists:
  - {{name: acme, kind: brand, names: [Acme], query: acme}}
  - {{name: globex, kind: competitor, names: [Globex], query: globex}}
sources: [{{name: export, type: file, path: posts.jsonl}}]
receivers: [{{name: console, type: console}}]
routes: {{receiver: console}}
"""


def write_config(folder: Path, url: str, model: str | None = "models") -> Path:
    file = folder / "config.yaml"
    classifier = f"classifier: {{model: {model}}}" if model else ""
    file.write_text(CONFIG.format(url=url, classifier=classifier), encoding="utf-8")
    return file


def correct_all(store: Store, label: Label, count: int = 11) -> None:
    """That many posts about the arena, and what they really were."""
    store_mentions(store, *(text.replace("TARGET", "Acme") for text in ARENAS[:count]))
    for mention in range(1, count + 1):
        in_transaction(store, correct, mention, Remark(frozenset({label}), None, "Kim", START), BY_NAME)


def test_corrections_make_a_new_model_that_the_daemon_takes_up(
    store: Store, store_url: str, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correct_all(store, Label.CRISIS)
    running = open_reloading(["de"], plan.out)
    view = View("", "Einlass in der Acme Arena ab 9 Uhr , Parkhaus offen", "de", ("Acme",))
    [before] = running.classify([view])
    config = write_config(tmp_path, store_url)
    assert main(["train", "--corrections", "-c", str(config), "--corpus", str(plan.corpus)]) == OK
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "de: 36 rows, 11 corrections",
        "xx: 36 rows, 11 corrections",
        f"the new model is in {plan.out}",
    ]
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[0] == ["macro-F1", "lang", "rows", "old", "new", "change"]
    assert [row[:4] for row in rows[1:3]] == [["held-out", "rows", "de", "36"], ["held-out", "rows", "xx", "36"]]
    assert rows[3][:3] == ["corrections", "de", "11"]
    assert rows[4][:3] == ["exactly", "right", "11"]
    running.look()
    [after] = running.classify([view])
    assert "crisis" not in before.tags
    assert after.tags == ("crisis",)


def test_a_refusal_is_one_object_and_one_sentence(
    store: Store, store_url: str, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correct_all(store, Label.PRAISE, count=2)
    (plan.old / REPORT).unlink()
    before = digests(plan.out)
    arguments = ["train", "--corrections", "-c", str(write_config(tmp_path, store_url)), "--corpus", str(plan.corpus)]
    assert main([*arguments, "--json"]) == FAILED
    said = capsys.readouterr()
    shape = json.loads(said.out)
    assert (shape["corrections"], shape["replaced"], shape["out"]) == (2, False, str(plan.out))
    assert [one["old"] for one in shape["held_out"]] == [None, None]
    [reason] = shape["reasons"]
    told = said.err.splitlines()
    assert not any("roughly" in line for line in told)
    assert told[0] == "corrections: 2; of fewer than 10 the figures are little more than chance"
    assert told[-1] == (
        f"the new model is refused and {plan.out} left as it is: {reason} (--force takes it all the same)"
    )
    assert digests(plan.out) == before
    assert main([*arguments, "--force"]) == OK
    assert capsys.readouterr().err.splitlines()[-1] == f"the new model is in {plan.out} in spite of this: {reason}"
    assert digests(plan.out) != before


def test_a_first_model_of_ones_own_is_compared_with_the_one_that_ships(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path, "sqlite:///mentiond.db")
    shipped = digests(SHIPPED)
    arguments = ["train", "--corrections", "-c", str(config), "--corpus", str(corpus), "--force"]
    assert main(arguments) == OK
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"classifier.model: {tmp_path / 'models'} is not there yet; compared with the models that ship"
    assert [line.partition(":")[0] for line in told if line.endswith("these figures compare only roughly")] == [
        "de",
        "xx",
    ]
    assert (tmp_path / "models" / REPORT).exists()
    assert main([*arguments, "--out", str(tmp_path / "others")]) == OK
    assert capsys.readouterr().err.splitlines()[-1] == f"to use it: classifier.model: {tmp_path / 'others'}"
    assert digests(SHIPPED) == shipped


def test_what_cannot_be_done_is_said(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = write_config(tmp_path, "sqlite:///mentiond.db", model=None)
    for arguments, code, why in (
        (["--corrections", "-c", str(config)], USAGE, "--corrections needs --out FOLDER, or classifier.model"),
        (["--corrections", "-c", str(config), "--out", str(SHIPPED)], USAGE, "not to learn from your posts"),
        (["--force", "--out", str(tmp_path / "x")], USAGE, "--force goes with --corrections"),
        (["--corrections", "-c", str(tmp_path / "no.yaml")], USAGE, "no.yaml"),
    ):
        assert main(["train", "--corpus", str(corpus), *arguments]) == code
        assert why in capsys.readouterr().err
    (tmp_path / "models").mkdir()
    damaged = write_config(tmp_path, "sqlite:///mentiond.db")
    assert main(["train", "--corrections", "-c", str(damaged), "--corpus", str(corpus)]) == MODEL
    assert "manifest.json is missing" in capsys.readouterr().err
    assert list((tmp_path / "models").iterdir()) == []
