"""What several commands read from their arguments."""

from __future__ import annotations

import re

from monitor.commands import CommandError


def language_list(written: str) -> list[str]:
    """The languages of `de,en`, most important first. Raises CommandError."""
    languages = written.split(",")
    if not all(re.fullmatch("[a-z]{2}", language) for language in languages):
        raise CommandError(f"--languages {written}: expected them by two letters each, such as de,en")
    return languages
