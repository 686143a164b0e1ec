"""docs/slack-manifest.yaml asks for what the code uses, and for nothing else; docs/slack.md agrees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from alerts.slack import SCOPES
from alerts.slack_words import SLACK_WORDS

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "slack-manifest.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "slack.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "alerts").glob("slack*.py")))
NEEDED: dict[str, set[str]] = {  # as each method's page states it
    "auth.test": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.info": {"channels:read", "groups:read"},
    "views.open": set(),
}


def _bot_scopes() -> set[str]:
    return set(MANIFEST["oauth_config"]["scopes"]["bot"])


def test_every_method_that_the_code_calls_has_its_scope_and_no_scope_is_there_for_nothing() -> None:
    called = set(re.findall(r'\.call\(\s*"([\w.]+)"', CODE)) | {"auth.test"}
    assert called == set(NEEDED)
    assert {scope for method in called for scope in NEEDED[method]} | {"commands"} == _bot_scopes()
    assert _bot_scopes() >= SCOPES


def test_its_features_are_those_that_the_code_has() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    assert command["command"] == "/mentiond"
    assert command["should_escape"] is False, "what is typed is read as it was typed"
    assert all("/mentiond" in words.help for words in SLACK_WORDS.values())
    settings = MANIFEST["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["socket_mode_enabled"] is True
    assert "event_subscriptions" not in settings


def test_its_texts_are_within_slacks_limits() -> None:
    shown = MANIFEST["display_information"]
    assert len(shown["name"]) <= 35 and len(shown["description"]) <= 140
    (command,) = MANIFEST["features"]["slash_commands"]
    assert len(command["description"]) <= 2000 and len(command["usage_hint"]) <= 1000


def test_the_page_names_its_scopes_buttons_and_commands() -> None:
    words = SLACK_WORDS["en"]
    for name in (*_bot_scopes(), "connections:write", "app_token", "signing_secret", "show_personal"):
        assert f"`{name}" in PAGE
    for button in (words.claim, words.answer, words.snooze, words.correct, words.dismiss, words.mute_author):
        assert button.removesuffix("…") in PAGE
    for command in ("search", "silence", "oncall", "help"):
        assert f"`/mentiond {command}" in PAGE
    assert "](slack-manifest.yaml)" in PAGE
