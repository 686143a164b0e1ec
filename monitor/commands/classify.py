"""`mentiond classify`: JSON lines in, verdicts out."""

from __future__ import annotations

import argparse
import json

from monitor.commands import FAILED, OK
from monitor.commands.files import open_input


def run(options: argparse.Namespace) -> int:
    """Verdicts for posts, one line for each line; bad lines give an error object and exit code 1."""
    from monitor.classify import classify_lines
    from monitor.commands.chosen import open_chosen

    classifier = open_chosen(options)
    code = OK
    with open_input(options.file) as lines:
        texts = (content.decode("utf-8", "surrogateescape") for content in lines)
        for shape in classify_lines(texts, classifier):
            print(json.dumps(shape, ensure_ascii=False))
            code = FAILED if "error" in shape else code
    return code
