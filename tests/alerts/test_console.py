"""The console: what it writes, and what it does when nobody reads."""

from __future__ import annotations

import errno
import json

import pytest

from alerts.base import ReceiverError
from alerts.console import Console, ConsoleSettings
from tests.alerts.samples import HOSTILE, alert, alert_of, digest


def console(write: object, *, colour: bool = False, **settings: str) -> Console:
    assert callable(write)
    model = ConsoleSettings.model_validate({"name": "console", "type": "console", **settings})
    return Console(model, write, colour)


async def test_colour_only_where_it_is_wanted(written: list[str]) -> None:
    await console(written.append).send(alert())
    await console(written.append, colour=True).send(alert())
    assert "\x1b" not in written[0] and "[Acme]" in written[0]
    assert "\x1b[1;33mAcme\x1b[0m" in written[1]


async def test_f35_a_post_can_forge_no_line_and_no_colour(written: list[str]) -> None:
    await console(written.append).send(alert_of(HOSTILE + "\n\n\x1b[2JCrisis around acme · 99 % · heise"))
    lines = written[0].split("\n")
    assert [line for line in lines if line and not line.startswith("  ")] == [lines[0]]
    assert all(line.isprintable() for line in lines)


async def test_json_is_one_line_that_steers_no_terminal(written: list[str]) -> None:
    await console(written.append, format="json").send(alert_of(HOSTILE + " Müller \u2029\x85\u202e"))
    assert all(character.isprintable() for character in written[0])
    assert "Müller" in written[0]
    assert json.loads(written[0])["mentions"][0]["post"]["text"].startswith(HOSTILE)


async def test_german(written: list[str]) -> None:
    await console(written.append, lang="de").send(digest(37))
    assert written[0].startswith("37 ältere Beiträge zurückgehalten\n")
    assert "und 17 weitere" in written[0]


@pytest.mark.parametrize(
    ("trouble", "permanent"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), True),
        (UnicodeEncodeError("ascii", "ü", 0, 1, "ordinal not in range"), True),
        (ValueError("I/O operation on closed file."), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
    ],
)
async def test_trouble_with_the_output(trouble: Exception, permanent: bool) -> None:
    def write(line: str) -> None:
        raise trouble

    with pytest.raises(ReceiverError) as caught:
        await console(write).send(alert())
    assert (caught.value.permanent, caught.value.channel) == (permanent, permanent)
