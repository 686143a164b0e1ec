"""The words of what people press, fill in and type in Slack, in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.words import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackWords:
    """{} takes what the name or the comment says."""

    claim: str
    claim_all: str
    answer: str
    answer_all: str
    snooze: str
    snooze_for: Mapping[str, str]  # by the key of the time
    correct: str
    dismiss: str
    dismiss_all: str
    mute_author: str
    mute_title: str
    mute_text: str
    mute_confirm: str
    keep: str
    release: str
    reopen: str
    handle: str  # of one post among several
    modal_title: str
    modal_submit: str
    modal_close: str
    labels: str
    labels_hint: str
    sentiment: str
    note: str
    nothing_changed: str
    gone: str
    failed: str
    unreadable: str
    help: str
    unknown_command: str  # {}: what was typed
    search_needs_query: str
    nothing_found: str  # {}: the query
    found: str  # {}: a count
    silence_form: str
    silenced: str  # {number}, {until}
    nobody_on_call: str
    on_call: str
    no_one: str


_ENGLISH_HELP = (
    "*mentiond*, in this channel and in every other:",
    '• `/mentiond search QUERY` finds stored mentions, for example `/mentiond search "acme phone" AND battery`',
    "• `/mentiond silence MATCHERS for 2h COMMENT` keeps alerts quiet for everybody, for example "
    "`/mentiond silence watchlist=acme label=praise for 2h the fair begins`",
    "• `/mentiond oncall` says who is on call",
    "• `/mentiond help` says this",
    "Below a message: *Claim* makes the case yours, *Answered* stops its clock, *Snooze* puts it off, *Wrong label, "
    "note* says what it really is, *Not relevant* closes it, *Mute author* keeps its author quiet from now on.",
)
_GERMAN_HELP = (
    "*mentiond*, in diesem Kanal und in jedem anderen:",
    '• `/mentiond suche ANFRAGE` findet gespeicherte Erwähnungen, zum Beispiel `/mentiond suche "acme phone" AND akku`',
    "• `/mentiond ruhe BEDINGUNGEN für 2h KOMMENTAR` hält Meldungen für alle zurück, zum Beispiel "
    "`/mentiond ruhe watchlist=acme label=praise für 2h die Messe beginnt`",
    "• `/mentiond bereitschaft` sagt, wer Bereitschaft hat",
    "• `/mentiond hilfe` sagt dies",
    "Unter einer Nachricht: *Übernehmen* macht den Fall zu deinem, *Beantwortet* hält seine Uhr an, *Zurückstellen* "
    "schiebt ihn auf, *Falsch eingestuft, Notiz* sagt, was es wirklich ist, *Nicht relevant* schließt ihn, *Autor "
    "stummschalten* hält seinen Autor künftig still.",
)

ENGLISH = SlackWords(
    claim="Claim",
    claim_all="Claim all",
    answer="Answered",
    answer_all="All answered",
    snooze="Snooze…",
    snooze_for={
        "1h": "for 1 hour",
        "4h": "for 4 hours",
        "tomorrow": "until tomorrow, 8:00",
        "monday": "until Monday, 8:00",
    },
    correct="Wrong label, note…",
    dismiss="Not relevant",
    dismiss_all="None relevant",
    mute_author="Mute author",
    mute_title="Mute this author?",
    mute_text="Nothing that this author writes will alert anybody any more.",
    mute_confirm="Mute",
    keep="Cancel",
    release="Give back",
    reopen="Open again",
    handle="Handle",
    modal_title="Correct or note",
    modal_submit="Save",
    modal_close="Cancel",
    labels="What it really is",
    labels_hint="Nothing ticked: none of these.",
    sentiment="Attitude to the brand",
    note="Note",
    nothing_changed="Change a label or write a note.",
    gone="This mention is no longer there: it was deleted, at its source or by retention.",
    failed="That did not work, nothing was changed. Please try again in a moment.",
    unreadable="mentiond cannot read this button; the message may be from an older version.",
    help="\n".join(_ENGLISH_HELP),
    unknown_command="There is no `{}`.",
    search_needs_query="Say what to search for: `/mentiond search QUERY`.",
    nothing_found="Nothing stored matches {}.",
    found="{} found, newest first",
    silence_form="Say it like this: `/mentiond silence watchlist=acme label=praise for 2h the fair begins`.",
    silenced="Silence {number} holds until {until}. `mentiond silence expire {number}` ends it.",
    nobody_on_call="Nobody is on call: no team has an `on_call` rotation.",
    on_call="On call now",
    no_one="nobody",
)

GERMAN = SlackWords(
    claim="Übernehmen",
    claim_all="Alle übernehmen",
    answer="Beantwortet",
    answer_all="Alle beantwortet",
    snooze="Zurückstellen…",
    snooze_for={
        "1h": "um 1 Stunde",
        "4h": "um 4 Stunden",
        "tomorrow": "bis morgen, 8 Uhr",
        "monday": "bis Montag, 8 Uhr",
    },
    correct="Falsch eingestuft, Notiz…",
    dismiss="Nicht relevant",
    dismiss_all="Keine relevant",
    mute_author="Autor stummschalten",
    mute_title="Diesen Autor stummschalten?",
    mute_text="Was dieser Autor schreibt, meldet mentiond dann niemandem mehr.",
    mute_confirm="Stummschalten",
    keep="Abbrechen",
    release="Zurückgeben",
    reopen="Wieder öffnen",
    handle="Bearbeiten",
    modal_title="Berichtigen, Notiz",
    modal_submit="Speichern",
    modal_close="Abbrechen",
    labels="Was es wirklich ist",
    labels_hint="Nichts angekreuzt: nichts davon.",
    sentiment="Haltung zur Marke",
    note="Notiz",
    nothing_changed="Bitte eine Einstufung ändern oder eine Notiz schreiben.",
    gone="Diese Erwähnung gibt es nicht mehr: an ihrer Quelle gelöscht oder zu alt.",
    failed="Das hat nicht geklappt, nichts wurde geändert. Bitte gleich noch einmal versuchen.",
    unreadable="mentiond kann diesen Knopf nicht lesen; die Nachricht ist vielleicht von einer älteren Version.",
    help="\n".join(_GERMAN_HELP),
    unknown_command="`{}` gibt es nicht.",
    search_needs_query="Bitte sagen, wonach: `/mentiond suche ANFRAGE`.",
    nothing_found="Nichts Gespeichertes passt auf {}.",
    found="{} gefunden, das Neueste zuerst",
    silence_form="Bitte so: `/mentiond ruhe watchlist=acme label=praise für 2h die Messe beginnt`.",
    silenced="Stille {number} gilt bis {until}. `mentiond silence expire {number}` beendet sie.",
    nobody_on_call="Niemand hat Bereitschaft: Kein Team hat einen Plan (`on_call`).",
    on_call="Bereitschaft jetzt",
    no_one="niemand",
)

SLACK_WORDS: Mapping[Lang, SlackWords] = {"en": ENGLISH, "de": GERMAN}
