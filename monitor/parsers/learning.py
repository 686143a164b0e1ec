"""Arguments of `classify`, `evaluate`, `correct`, `corrections` and `train`."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.parsers.parts import Commands, add_author, add_command, add_config, add_json, count, count_or_none


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the YAML file, for the daemon's classifier")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="instead of the models that ship, or of FILE")
    parser.add_argument("--languages", metavar="LIST", help="most important first (those of FILE, or de,en)")


def add_learning(commands: Commands) -> None:
    classify = add_command(
        commands, "classify", "classify.run", "JSON lines in, verdicts out", "mentiond classify posts.jsonl"
    )
    classify.add_argument(
        "file", metavar="FILE.jsonl", nargs="?", default="-", help="posts, one a line (standard input)"
    )
    _add_model(classify)
    evaluate = add_command(
        commands,
        "evaluate",
        "evaluate.run",
        "how right the classifier is on labelled posts",
        "mentiond evaluate labelled.jsonl",
    )
    evaluate.add_argument("file", metavar="FILE.jsonl|DIR", help="posts with labels, one a line; - for standard input")
    _add_model(evaluate)
    evaluate.add_argument(
        "--worst", type=count_or_none, default=3, metavar="N", help="mistakes shown for each label (3; 0 for none)"
    )
    add_json(evaluate)
    correct = add_command(
        commands,
        "correct",
        "corrections.run",
        "say what a mention really was",
        "mentiond correct 12 15 --label complaint,question",
    )
    correct.add_argument("ids", metavar="ID", nargs="+", type=count, help="the mention, as `mentiond cases` names it")
    correct.add_argument("--label", required=True, metavar="LIST", help="every label that is right; none for no label")
    correct.add_argument("--sentiment", choices=["positive", "neutral", "negative"], help="the author's attitude")
    add_author(correct, "kept with the correction")
    add_config(correct)
    add_json(correct)
    corrections = add_command(
        commands, "corrections", "corrections.listing", "what mentions really were", "mentiond corrections --json"
    )
    add_config(corrections)
    add_json(corrections)
    train = add_command(
        commands, "train", "train.run", "rebuild the models from the corpus", "mentiond train --out my-models"
    )
    train.add_argument("--corpus", type=Path, metavar="FOLDER", help="a folder per language (the one that ships)")
    train.add_argument("--out", type=Path, metavar="FOLDER", help="where the models go (those that ship are replaced)")
    train.add_argument(
        "--corrections", action="store_true", help="learn from corrections too; a worse model is refused"
    )
    train.add_argument("--force", action="store_true", help="with --corrections: take the model even if it is worse")
    add_config(train)
    train.add_argument("--language", metavar="LANG", help="only this language of the corpus (all)")
    train.add_argument("--encoder", metavar="NAME", help="a sentence encoder on this machine, beside the words")
    train.add_argument("--download", action="store_true", help="the encoder may be fetched from the Hugging Face hub")
    add_json(train)
