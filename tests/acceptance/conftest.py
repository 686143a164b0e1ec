"""An installation and its servers for one test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.running import Feed, Hook, Installation
from tests.servers import Web


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    """A folder that a configuration is written to."""
    return Installation(tmp_path)


@pytest.fixture
def feed(web: Web) -> Feed:
    """The feed at /feed.xml."""
    web["/feed.xml"] = served = Feed()
    return served


@pytest.fixture
def hook(web: Web) -> Hook:
    """The webhook at /hook."""
    web["/hook"] = served = Hook()
    return served
