"""The services, started once for all their tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import installed as installed
from tests.peers.dovecot import Dovecot, dovecot
from tests.peers.wordpress import WordPress, wordpress


@pytest.fixture(scope="module")
def mail_server() -> Iterator[Dovecot]:
    with dovecot() as served:
        yield served


@pytest.fixture(scope="module")
def blog() -> Iterator[WordPress]:
    with wordpress() as served:
        yield served
