"""The words that only mails need, in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.base import ActionKind
from alerts.words import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class MailWords:
    """Every phrase; {} takes what the comment says."""

    actions: Mapping[ActionKind, str]
    actions_for_all: Mapping[ActionKind, str]
    keep_buttons: str  # what whoever has such links should know
    keep_links: str


ENGLISH = MailWords(
    actions={
        ActionKind.CLAIM: "I take it",
        ActionKind.ANSWER: "Answered",
        ActionKind.DISMISS: "Not relevant",
        ActionKind.SNOOZE: "Later",
    },
    actions_for_all={ActionKind.CLAIM: "I take them all", ActionKind.DISMISS: "None is relevant"},
    keep_buttons="The buttons ask once more before they do anything. They act in your name and work for 30 days: "
    "do not pass them on.",
    keep_links="The links open each case in your name and work for 30 days: do not pass them on.",
)

GERMAN = MailWords(
    actions={
        ActionKind.CLAIM: "Ich übernehme",
        ActionKind.ANSWER: "Beantwortet",
        ActionKind.DISMISS: "Nicht relevant",
        ActionKind.SNOOZE: "Später",
    },
    actions_for_all={ActionKind.CLAIM: "Ich übernehme alle", ActionKind.DISMISS: "Alle nicht relevant"},
    keep_buttons="Die Knöpfe fragen noch einmal nach, bevor sie etwas tun. Sie handeln in Ihrem Namen und gelten "
    "30 Tage: bitte nicht weitergeben.",
    keep_links="Die Links öffnen jeden Fall in Ihrem Namen und gelten 30 Tage: bitte nicht weitergeben.",
)

MAIL_WORDS: Mapping[Lang, MailWords] = {"en": ENGLISH, "de": GERMAN}
