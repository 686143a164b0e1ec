"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.servers import Web, serve_web


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    """A programmable HTTP server on loopback."""
    async with serve_web() as served:
        yield served
