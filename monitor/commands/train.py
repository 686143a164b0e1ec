"""`mentiond train`: rebuild the models from a corpus, and with `--corrections` from what people corrected."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.commands import FAILED, OK, CommandError
from monitor.commands.progress import remark

if TYPE_CHECKING:
    from monitor.config import ClassifierSettings, Config
    from monitor.encoders import NamedEncoder
    from monitor.retraining import Comparison, Plan


def run(options: argparse.Namespace) -> int:
    """Rebuild the models, telling of progress on standard error."""
    if options.download and options.encoder is None:
        raise CommandError("--download fetches what --encoder NAME names")
    return _retrain(options) if options.corrections else _train(options)


def _train(options: argparse.Namespace) -> int:
    from monitor.encoders import open_encoder
    from monitor.model import SHIPPED
    from monitor.training import train as train_models

    if options.force:
        raise CommandError("--force goes with --corrections: without them no model is refused")
    if options.out is None and (options.encoder or options.language):
        raise CommandError("--encoder and --language need --out FOLDER: the models that ship are for everybody")
    out = options.out or SHIPPED
    _check_place(out)
    encoder = open_encoder(options.encoder, download=options.download) if options.encoder is not None else None
    with _writing():
        report = train_models(_corpus(options), out, remark, encoder=encoder, language=options.language)
    print(report.to_json() if options.json else report.table())
    return OK


def _check_place(out: Path) -> None:
    """Models take the place of models, or of nothing: a folder of other things would be gone. Raises CommandError."""
    from monitor.model import holds_models

    with _writing():
        if out.exists() and not out.is_dir():
            raise CommandError(f"{out}: is no folder; mend: a folder that is new, empty, or holds models")
        if out.is_dir() and any(out.iterdir()) and not holds_models(out):
            raise CommandError(
                f"{out}: holds other things than models, which would be lost (no manifest.json of mentiond's); "
                "mend: a folder that is new, empty, or holds models"
            )


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error


def _corpus(options: argparse.Namespace) -> Path:
    return options.corpus or Path(__file__).parent.parent / "corpus"


def _retrain(options: argparse.Namespace) -> int:
    """Exit code 1 where the new model is refused."""
    from monitor.commands.stored import in_store
    from monitor.config import load
    from monitor.corrections import read_corrections
    from monitor.encoders import open_encoder
    from monitor.model import load_classifier
    from monitor.retraining import FEW, retrain

    @cache  # opening one takes seconds, and both models may have the same
    def opening(name: str) -> NamedEncoder:
        return open_encoder(name, download=options.download)

    config = load(options.config, os.environ)
    out = _out(options, config.classifier)
    plan, demanded = _plan(options, config, out, opening)
    classifier = load_classifier(config.languages, plan.old, demanded, opening=opening)
    corrections = in_store(config, read_corrections)
    if len(corrections) < FEW:
        remark(f"corrections: {len(corrections)}; of fewer than {FEW} the figures are little more than chance")
    with _writing():
        comparison = retrain(plan, classifier, corrections, remark)
    print(comparison.to_json() if options.json else comparison.table())
    _tell(comparison, plan, config.classifier)
    return OK if comparison.replaced else FAILED


def _out(options: argparse.Namespace, settings: ClassifierSettings) -> Path:
    """Where the model goes: never into the package, which would be lost with the next version and is for everybody."""
    from monitor.model import SHIPPED

    if options.out is None and settings.model is None:
        raise CommandError(
            "--corrections needs --out FOLDER, or classifier.model: FOLDER in the configuration: "
            "the models that ship are not to learn from your posts"
        )
    out: Path = (options.out or Path(str(settings.model))).absolute()
    if out.resolve() == SHIPPED.resolve():
        raise CommandError(f"{out}: the models that ship are not to learn from your posts; mend: another folder")
    _check_place(out)
    return out


def _plan(
    options: argparse.Namespace, config: Config, out: Path, opening: Callable[[str], NamedEncoder]
) -> tuple[Plan, str | None]:
    """The plan, and the encoder that the model in use must have. It is the one that ships until there is another."""
    from monitor.model import SHIPPED
    from monitor.retraining import Plan, encoder_in

    old, demanded = SHIPPED, None
    if config.classifier.model is not None and Path(config.classifier.model).exists():
        old, demanded = Path(config.classifier.model), config.classifier.encoder
    elif config.classifier.model is not None:
        remark(f"classifier.model: {config.classifier.model} is not there yet; compared with the models that ship")
    name = options.encoder or config.classifier.encoder or encoder_in(old)
    plan = Plan(
        corpus=_corpus(options),
        old=old,
        out=out,
        languages=config.languages,
        encoder=opening(name) if name else None,
        only=options.language,
        is_forced=options.force,
    )
    return plan, demanded


def _tell(comparison: Comparison, plan: Plan, settings: ClassifierSettings) -> None:
    for one in comparison.held_out:
        if one.old_rows and one.new_rows and one.old_rows != one.new_rows:
            rows = f"held-out rows of the model in use: {one.old_rows}, of the new one: {one.new_rows}"
            remark(f"{one.lang}: {rows}; these figures compare only roughly")
    reasons = "; ".join(comparison.reasons)
    if not comparison.replaced:
        remark(f"the new model is refused and {plan.out} left as it is: {reasons} (--force takes it all the same)")
        return
    in_spite = f" in spite of this: {reasons}" if reasons else ""
    remark(f"the new model is in {plan.out}{in_spite}")
    if settings.model is None or Path(settings.model).resolve() != plan.out.resolve():
        remark(f"to use it: classifier.model: {plan.out}")
