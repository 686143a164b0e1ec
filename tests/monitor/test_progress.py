"""The counter that long work shows on a terminal."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from monitor.commands.progress import Progress, remark


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Seconds:
    """A clock that goes on by `step` seconds each time it is asked."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.now = 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_posts_are_counted_on_one_line_that_is_taken_away_at_the_end() -> None:
    terminal = Terminal()
    with Progress(terminal, Seconds(1.0)) as progress:
        for _ in range(1250):
            progress.count()
    lines = terminal.getvalue().split("\r")
    assert lines[1] == "100 posts read"
    assert lines[-2:] == ["1,200 posts read", "\x1b[K"]


def test_the_line_is_taken_away_before_something_else_is_printed() -> None:
    terminal = Terminal()
    progress = Progress(terminal, Seconds(1.0))
    progress.clear()
    assert terminal.getvalue() == ""
    for _ in range(100):
        progress.count()
    progress.clear()
    progress.clear()
    assert terminal.getvalue() == "\r100 posts read\r\x1b[K"


def test_it_is_not_drawn_more_often_than_can_be_read() -> None:
    terminal = Terminal()
    progress = Progress(terminal, Seconds(0.05))
    for _ in range(1000):
        progress.count()
    assert terminal.getvalue().count("\r") < 4


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_it_is_silent_where_there_is_no_terminal(stream: io.StringIO | None) -> None:
    with Progress(stream, Seconds(1.0)) as progress:
        for _ in range(1000):
            progress.count()
    assert stream is None or stream.getvalue() == ""


def test_a_remark_without_standard_error_goes_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    remark("heard")
    assert capsys.readouterr().err == "heard\n"
    with redirect_stderr(None):
        remark("unheard")
    assert capsys.readouterr().out == ""
