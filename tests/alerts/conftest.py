"""The servers behind the receivers, as fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from alerts.registry import Tools
from tests.alerts.plain_http import PlainHttp
from tests.alerts.samples import NOW
from tests.slack_server import SlackServer, serve_slack
from tests.smtp_server import SmtpServer, make_certificate, serve_smtp


@pytest.fixture
async def slack_server() -> AsyncIterator[SlackServer]:
    async with serve_slack() as served:
        yield served


@pytest.fixture
async def smtp_server() -> AsyncIterator[SmtpServer]:
    async with serve_smtp() as served:
        yield served


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def written() -> list[str]:
    """What was written to standard output, a call each."""
    return []


@pytest.fixture
async def tools(written: list[str]) -> AsyncIterator[Tools]:
    async with aiohttp.ClientSession() as session:
        yield Tools(PlainHttp(session), lambda base: session, lambda base: session, lambda: NOW, written.append)
