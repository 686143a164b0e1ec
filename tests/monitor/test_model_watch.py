"""A model that is replaced while the daemon runs: nothing is lost, no batch is mixed, a broken one changes nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monitor import model_watch
from monitor.commands import OK
from monitor.config import load
from monitor.model import MANIFEST, SHIPPED, ModelError, digests
from monitor.model_watch import ReloadingClassifier, open_reloading, watch
from monitor.node import run as run_daemon
from monitor.schema import verdicts
from monitor.store import Store
from rules.base import Label, Sentiment, Verdict, View
from tests.monitor.builders import column

VIEWS = [View("", f"Acme {number}", None) for number in range(50)]


class Versioned:
    """Calls everything a complaint, in the name of one version; fails when it is broken."""

    def __init__(self, version: str) -> None:
        self.version = version

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        if self.version == "broken":
            raise RuntimeError("weights do not fit")
        chances = {Label.COMPLAINT: 0.9}
        return [Verdict(chances, ("complaint",), Sentiment.NEGATIVE, "en", model=self.version) for _ in views]


def write(folder: Path, version: str) -> None:
    """Put a model into the folder, the manifest last."""
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(version)


def opened(folder: Path) -> ReloadingClassifier:
    def read() -> Versioned:
        version = (folder / MANIFEST).read_text()
        if version == "damaged":
            raise ModelError("table.npy is damaged; mend: mentiond train")
        return Versioned(version)

    return ReloadingClassifier(folder, ["en"], read)


def version_of(classifier: ReloadingClassifier) -> str:
    [version] = {verdict.model for verdict in classifier.classify(VIEWS)}
    return version


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "mentiond.model"]


@pytest.fixture
def folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Path:
    caplog.set_level(logging.INFO, "mentiond.model")
    write(tmp_path / "models", "one")
    return tmp_path / "models"


def test_a_new_model_is_taken_up_and_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    classifier = opened(folder)
    classifier.look()
    assert (version_of(classifier), told(caplog)) == ("one", [])
    write(folder, "two")
    assert version_of(classifier) == "one"
    classifier.look()
    assert version_of(classifier) == "two"
    assert told(caplog) == [f"new model in use models=two folder={folder}"]


@pytest.mark.parametrize(
    ("version", "why"), [("damaged", "table.npy is damaged"), ("broken", "RuntimeError: weights do not fit")]
)
def test_a_broken_model_is_refused_in_one_line_and_the_old_one_stays(
    folder: Path, version: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    classifier = opened(folder)
    write(folder, version)
    for _ in range(3):
        classifier.look()
    assert version_of(classifier) == "one"
    [line] = told(caplog)
    assert line.startswith("new model refused, the old one stays")
    assert why in line
    write(folder, "three")
    classifier.look()
    assert version_of(classifier) == "three"


def test_a_folder_that_is_gone_and_comes_back(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    classifier = opened(folder)
    folder.rename(folder.with_name("away"))
    for _ in range(2):
        classifier.look()
    assert version_of(classifier) == "one"
    assert len(told(caplog)) == 1
    write(folder, "two")
    classifier.look()
    assert version_of(classifier) == "two"


def test_a_refused_model_is_tried_again_once_its_files_have_changed(folder: Path) -> None:
    """Somebody copies a model file by file, the manifest not last."""
    complete = False

    def read() -> Versioned:
        if (folder / MANIFEST).read_text() == "two" and not complete:
            raise ModelError("table.npy is missing")
        return Versioned((folder / MANIFEST).read_text())

    classifier = ReloadingClassifier(folder, ["en"], read)
    write(folder, "two")
    classifier.look()
    complete = True
    (folder / "table.npy").write_bytes(b"weights")
    classifier.look()
    assert version_of(classifier) == "two"


def test_a_model_that_is_replaced_while_it_is_read_is_not_taken_up_half(folder: Path) -> None:
    def read() -> Versioned:
        version = (folder / MANIFEST).read_text()
        if version == "two":
            write(folder, "three")
        return Versioned(version)

    classifier = ReloadingClassifier(folder, ["en"], read)
    write(folder, "two")
    classifier.look()
    assert version_of(classifier) == "one"
    classifier.look()
    assert version_of(classifier) == "three"


def test_under_load_every_batch_is_whole_and_by_one_model(folder: Path) -> None:
    classifier = opened(folder)
    with ThreadPoolExecutor(4) as threads:
        batches = [threads.submit(classifier.classify, VIEWS) for _ in range(500)]
        for number in range(50):
            write(folder, f"version {number}")
            classifier.look()
            batches += [threads.submit(classifier.classify, VIEWS) for _ in range(10)]
        found = [batch.result() for batch in batches]
    assert {len(batch) for batch in found} == {len(VIEWS)}
    assert all(len({verdict.model for verdict in batch}) == 1 for batch in found)
    assert version_of(classifier) == "version 49"


CONFIG = """
store: {{url: "{url}"}}
watchlists: [{{name: acme, kind: brand, names: [Acme], query: acme}}]
sources: [{{name: news, type: file, path: posts.jsonl, every: 1s}}]
receivers: [{{name: screen, type: console, format: json}}]
routes: {{receiver: screen}}
"""


async def test_a_daemon_takes_up_a_new_model_without_losing_a_post(
    folder: Path, tmp_path: Path, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=store_url))
    posts = tmp_path / "posts.jsonl"
    lines = [json.dumps({"external_id": str(number), "text": f"Acme is broken {number}"}) for number in range(600)]
    posts.write_text("".join(f"{line}\n" for line in lines[:300]))
    classifier, stop = opened(folder), asyncio.Event()
    daemon = asyncio.create_task(run_daemon(load(tmp_path / "config.yaml", {}), classifier, stop, once=False))
    watching = asyncio.create_task(watch(classifier, every=0.001))
    store = Store(store_url)
    store.migrate()
    await _until(store, 300)
    write(folder, "two")
    async with asyncio.timeout(10):
        while version_of(classifier) != "two":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    posts.write_text("".join(f"{line}\n" for line in lines))
    await _until(store, 600)
    stop.set()
    assert await asyncio.wait_for(daemon, 20) == OK
    watching.cancel()
    assert not any(column(store, verdicts.c.unclassified))
    assert sorted(column(store, verdicts.c.model)) == ["one"] * 300 + ["two"] * 300
    store.close()


async def _until(store: Store, count: int) -> None:
    async with asyncio.timeout(20):
        while len(column(store, verdicts.c.model)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def test_the_real_model_is_replaced_and_a_damaged_one_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(folder)
    shutil.copytree(SHIPPED, folder)
    classifier = open_reloading(["de", "en"], folder)
    views = [View("", "Acme", lang) for lang in ("de", "en", "fr")]
    before = {verdict.model for verdict in classifier.classify(views)}
    _renew(folder, "9.9.9")
    classifier.look()
    after = {verdict.model for verdict in classifier.classify(views)}
    assert {name.split()[0] for name in before} == {name.split()[0] for name in after}
    assert {name.split()[1] for name in after} == {"9.9.9"}
    [line] = told(caplog)
    assert all(name in line for name in after)
    table = folder / "de" / "mention_labels" / "table.npy"
    table.write_bytes(table.read_bytes()[:-1])
    manifest = folder / MANIFEST
    manifest.write_text(manifest.read_text() + " ")
    classifier.look()
    assert {verdict.model for verdict in classifier.classify(views)} == after
    assert "table.npy is damaged" in told(caplog)[1]


def _renew(folder: Path, version: str) -> None:
    """The same model under another version."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    for name in names:
        meta = folder / name / "meta.json"
        meta.write_text(json.dumps(json.loads(meta.read_text()) | {"version": version}))
    (folder / MANIFEST).write_text(json.dumps({"pipelines": {name: digests(folder / name) for name in names}}))


def test_the_models_that_ship_are_watched_where_no_other_is_named() -> None:
    classifier = open_reloading(["en"], None)
    assert classifier._folder == SHIPPED
    assert model_watch.LOOK_EVERY == 30
