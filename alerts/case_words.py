"""The words around a case, in English and German: whose it is, what happened, who is called, what is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.base import PersonalKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseWords:
    """Every phrase that a case needs; {} takes what the name or the comment says."""

    new: str
    claimed: str  # {owner}, {since}
    answered: str  # {by}, {since}
    answered_by_nobody: str  # {since}
    dismissed: str  # {by}, {since}
    dismissed_by_nobody: str  # {since}
    waiting: str  # {}: since when
    due: str  # {}: a time
    snoozed: str  # {}: a time
    direct: str
    tags: str  # {}: tags
    times: tuple[str, ...]  # "Second time", "Third time", ...
    times_more: str  # {}: a count
    within: str  # {}: days
    within_one: str
    thread_one: str
    thread_more: str  # {}: a count
    last_owner: str  # {}: a name
    seen_at: str  # {}: hosts
    advice: str
    reply: str
    history: str
    actions: Mapping[str, str]  # of a case's events, as they follow a name
    at_the_source: str  # of an action that was seen there
    moment: str  # how a time of these days is written, for strftime
    escalation: str  # {}: the step
    warning: str
    breach: str
    repeat: str  # {}: a count
    called: str  # {}: names
    group: str  # {}: a count
    storm: str  # {}: a count
    storm_grows: str
    open_of: str  # {open}, {all}
    free_of: str  # {free}, {all}
    gone: str
    hidden: str  # {}: kinds of personal data
    personal: Mapping[PersonalKind, str]


ENGLISH = CaseWords(
    new="New, nobody has it yet",
    claimed="{owner} has it since {since}",
    answered="Answered by {by}, {since}",
    answered_by_nobody="Answered, {since}",
    dismissed="Not relevant, says {by}, {since}",
    dismissed_by_nobody="Not relevant, {since}",
    waiting="waiting since {}",
    due="answer due by {}",
    snoozed="snoozed until {}",
    direct="addressed to us",
    tags="tags: {}",
    times=(
        *("Second time", "Third time", "Fourth time", "Fifth time", "Sixth time"),
        *("Seventh time", "Eighth time", "Ninth time", "Tenth time"),
    ),
    times_more="Time no. {}",
    within="in {} days",
    within_one="in one day",
    thread_one="One earlier case in this thread",
    thread_more="{} earlier cases in this thread",
    last_owner="last owner {}",
    seen_at="Also seen at {}",
    advice="Advice",
    reply="Proposed reply",
    history="So far",
    actions={
        "claim": "took it",
        "answer": "answered it",
        "dismiss": "called it not relevant",
        "reopen": "opened it again",
        "note": "noted",
        "tag": "tagged it",
        "snooze": "snoozed it",
        "correct": "corrected the label",
        "mute_author": "muted the author",
    },
    at_the_source="seen at the source",
    moment="%d %b %H:%M",
    escalation="Escalation, step {}: nobody has answered yet",
    warning="The answer is due soon",
    breach="The answer is overdue",
    repeat="Still open, reminder {}",
    called="Called: {}",
    group="{} mentions together",
    storm="{} mentions at once",
    storm_grows="More are still coming; this message counts on.",
    open_of="{open} of {all} still open",
    free_of="{free} of {all} with nobody yet",
    gone="Deleted at its source; what it said is gone from here too",
    hidden="Personal data is hidden here: {}",
    personal={
        PersonalKind.PHONE: "phone number",
        PersonalKind.MAIL: "mail address",
        PersonalKind.IBAN: "IBAN",
        PersonalKind.ORDER: "customer or order number",
    },
)

GERMAN = CaseWords(
    new="Neu, noch bei niemandem",
    claimed="Bei {owner} seit {since}",
    answered="Beantwortet von {by}, {since}",
    answered_by_nobody="Beantwortet, {since}",
    dismissed="Nicht relevant, sagt {by}, {since}",
    dismissed_by_nobody="Nicht relevant, {since}",
    waiting="wartet seit {}",
    due="Antwort fällig bis {}",
    snoozed="zurückgestellt bis {}",
    direct="an uns gerichtet",
    tags="Schlagworte: {}",
    times=(
        *("Zum zweiten Mal", "Zum dritten Mal", "Zum vierten Mal", "Zum fünften Mal", "Zum sechsten Mal"),
        *("Zum siebten Mal", "Zum achten Mal", "Zum neunten Mal", "Zum zehnten Mal"),
    ),
    times_more="Zum {}. Mal",
    within="in {} Tagen",
    within_one="an einem Tag",
    thread_one="Ein früherer Fall in diesem Thread",
    thread_more="{} frühere Fälle in diesem Thread",
    last_owner="zuletzt bei {}",
    seen_at="Auch gesehen bei {}",
    advice="Tipp",
    reply="Antwortvorschlag",
    history="Bisher",
    actions={
        "claim": "hat übernommen",
        "answer": "hat geantwortet",
        "dismiss": "hält es für nicht relevant",
        "reopen": "hat wieder geöffnet",
        "note": "hat notiert",
        "tag": "hat verschlagwortet",
        "snooze": "hat zurückgestellt",
        "correct": "hat die Einstufung berichtigt",
        "mute_author": "hat den Autor stummgeschaltet",
    },
    at_the_source="an der Quelle gesehen",
    moment="%d.%m. %H:%M",
    escalation="Eskalation, Stufe {}: noch keine Antwort",
    warning="Die Antwort ist bald fällig",
    breach="Die Antwort ist überfällig",
    repeat="Noch offen, {}. Erinnerung",
    called="Gerufen: {}",
    group="{} Erwähnungen zusammen",
    storm="{} Erwähnungen auf einmal",
    storm_grows="Es kommen noch mehr; diese Nachricht zählt weiter.",
    open_of="{open} von {all} noch offen",
    free_of="{free} von {all} noch bei niemandem",
    gone="An der Quelle gelöscht; der Text ist auch hier nicht mehr",
    hidden="Persönliche Daten sind hier verdeckt: {}",
    personal={
        PersonalKind.PHONE: "Telefonnummer",
        PersonalKind.MAIL: "Mailadresse",
        PersonalKind.IBAN: "IBAN",
        PersonalKind.ORDER: "Kunden- oder Bestellnummer",
    },
)
