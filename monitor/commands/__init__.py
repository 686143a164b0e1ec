"""What the commands do, one file each. A command takes its parsed arguments and returns the exit code."""

from __future__ import annotations

OK, FAILED, USAGE, STILL_OWED, TROUBLE, STORE, MODEL = range(7)  # documented in docs/commands.md


class CommandError(Exception):
    """The arguments cannot be used; the message says what would do."""
