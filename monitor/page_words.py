"""The words of the pages behind links in mails, in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.base import ActionKind
from alerts.words import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """Every phrase that a page needs; {} takes what the comment says."""

    ask: Mapping[ActionKind, str]
    ask_all: Mapping[ActionKind, str]  # {}: a count
    do: Mapping[ActionKind, str]  # on the button
    done: Mapping[ActionKind, str]
    done_all: Mapping[ActionKind, str]  # {done}, {all}
    press: Mapping[ActionKind, str]  # on the button of a page that shows the case
    snoozes: Mapping[str, str]  # how long, by the value of its button
    acting: str  # {}: a name or an address
    looking: str  # {}: a name or an address
    note: str
    open_page: str
    refused: str
    used: str
    used_text: str
    expired: str
    expired_text: str
    forged: str
    forged_text: str
    foreign: str
    foreign_text: str
    gone: str
    gone_text: str
    busy: str
    busy_text: str
    door: str
    door_text: str
    door_command: str  # {}: the number of a mention


ENGLISH = PageWords(
    ask={
        ActionKind.CLAIM: "Take this case?",
        ActionKind.ANSWER: "Has this been answered?",
        ActionKind.DISMISS: "Is this not relevant?",
        ActionKind.SNOOZE: "Look at this later?",
    },
    ask_all={ActionKind.CLAIM: "Take all {} cases?", ActionKind.DISMISS: "Are all {} mentions not relevant?"},
    do={
        ActionKind.CLAIM: "Yes, it is mine",
        ActionKind.ANSWER: "Yes, it is answered",
        ActionKind.DISMISS: "Yes, not relevant",
    },
    done={
        ActionKind.CLAIM: "The case is yours",
        ActionKind.ANSWER: "Marked as answered",
        ActionKind.DISMISS: "Marked as not relevant",
        ActionKind.SNOOZE: "Snoozed",
    },
    done_all={
        ActionKind.CLAIM: "{done} of {all} cases are yours",
        ActionKind.DISMISS: "{done} of {all} marked as not relevant",
    },
    press={ActionKind.CLAIM: "I take it", ActionKind.ANSWER: "Answered", ActionKind.DISMISS: "Not relevant"},
    snoozes={"1h": "For an hour", "4h": "For four hours", "morning": "Until tomorrow 8:00"},
    acting="You act as {}.",
    looking="This page was opened for {}. Whoever has its address can read it.",
    note="Note (optional)",
    open_page="Open the case",
    refused="That did not work",
    used="This link was used already",
    used_text="It does its work once. This is how things stand now:",
    expired="This link has expired",
    expired_text="Links in mails work for 30 days. A newer mail of the same case has one that works.",
    forged="This link is not valid",
    forged_text="Perhaps it was cut off: copy it whole from the mail, or press the button in the mail again.",
    foreign="Nothing was done",
    foreign_text="The request came from another site. Open the link from the mail and press the button there.",
    gone="There is nothing here any more",
    gone_text="The post was deleted at its source, or it is older than what is kept.",
    busy="Please try again in a moment",
    busy_text="The database cannot be reached right now. Nothing was done.",
    door="This page opens with a link from a mail",
    door_text="mentiond shows mentions only to people whom it has written to: use the link in the mail. "
    "It works for 30 days.",
    door_command="Whoever runs the server can also ask: {}",
)

GERMAN = PageWords(
    ask={
        ActionKind.CLAIM: "Diesen Fall übernehmen?",
        ActionKind.ANSWER: "Ist das beantwortet?",
        ActionKind.DISMISS: "Ist das nicht relevant?",
        ActionKind.SNOOZE: "Später ansehen?",
    },
    ask_all={
        ActionKind.CLAIM: "Alle {} Fälle übernehmen?",
        ActionKind.DISMISS: "Sind alle {} Erwähnungen nicht relevant?",
    },
    do={
        ActionKind.CLAIM: "Ja, ich übernehme",
        ActionKind.ANSWER: "Ja, beantwortet",
        ActionKind.DISMISS: "Ja, nicht relevant",
    },
    done={
        ActionKind.CLAIM: "Der Fall liegt jetzt bei Ihnen",
        ActionKind.ANSWER: "Als beantwortet vermerkt",
        ActionKind.DISMISS: "Als nicht relevant vermerkt",
        ActionKind.SNOOZE: "Zurückgestellt",
    },
    done_all={
        ActionKind.CLAIM: "{done} von {all} Fällen liegen jetzt bei Ihnen",
        ActionKind.DISMISS: "{done} von {all} als nicht relevant vermerkt",
    },
    press={
        ActionKind.CLAIM: "Ich übernehme",
        ActionKind.ANSWER: "Beantwortet",
        ActionKind.DISMISS: "Nicht relevant",
    },
    snoozes={"1h": "Für eine Stunde", "4h": "Für vier Stunden", "morning": "Bis morgen 8:00"},
    acting="Sie handeln als {}.",
    looking="Diese Seite wurde für {} geöffnet. Wer ihre Adresse hat, kann sie lesen.",
    note="Notiz (freiwillig)",
    open_page="Fall öffnen",
    refused="Das ging nicht",
    used="Dieser Link wurde schon benutzt",
    used_text="Er wirkt einmal. So ist der Stand jetzt:",
    expired="Dieser Link ist abgelaufen",
    expired_text="Links in Mails gelten 30 Tage. In einer neueren Mail zum selben Fall steht einer, der gilt.",
    forged="Dieser Link ist ungültig",
    forged_text="Vielleicht wurde er abgeschnitten: Bitte ganz aus der Mail kopieren oder dort noch einmal drücken.",
    foreign="Es wurde nichts getan",
    foreign_text="Die Anfrage kam von einer anderen Seite. Bitte den Link aus der Mail öffnen und dort drücken.",
    gone="Hier ist nichts mehr",
    gone_text="Der Beitrag wurde an seiner Quelle gelöscht, oder er ist älter als das, was aufgehoben wird.",
    busy="Bitte gleich noch einmal versuchen",
    busy_text="Die Datenbank ist gerade nicht erreichbar. Es wurde nichts getan.",
    door="Diese Seite öffnet sich mit einem Link aus einer Mail",
    door_text="mentiond zeigt Erwähnungen nur denen, denen es geschrieben hat: Bitte den Link in der Mail benutzen. "
    "Er gilt 30 Tage.",
    door_command="Wer den Server betreibt, kann auch fragen: {}",
)

PAGE_WORDS: Mapping[Lang, PageWords] = {"en": ENGLISH, "de": GERMAN}
