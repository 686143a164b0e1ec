"""The guidelines that ship: what to say to a mention and how to go about it, in German (Sie) and English.

They promise a next step, never a result that nobody has checked. About competitors and topics nothing is proposed but
restraint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules.base import Label, WatchlistKind


@dataclass(frozen=True, slots=True)
class GuidelineTexts:
    """One language's: replies and advice for one's own brands and products by label, and for the other kinds."""

    replies: Mapping[Label, str]
    advice: Mapping[Label, str]
    claim_reply: str
    claim_advice: str
    competitor_advice: str
    topic_advice: str
    facts: str  # stands where the operator has given none
    private: str  # where the post holds personal data


_GUTEN_TAG: Final = "Guten Tag{% if author %} {{ author }}{% endif %}, "
_HELLO: Final = "Hello{% if author %} {{ author }}{% endif %}, "
_PRIVATELY: Final = "{% if personal %} {{ private }}{% endif %}"

GERMAN: Final = GuidelineTexts(
    replies={
        Label.COMPLAINT: (
            _GUTEN_TAG
            + "das ist ärgerlich, und es tut uns leid. Wir möchten der Sache nachgehen: Was genau ist passiert,"
            " und seit wann? {% if personal %}{{ private }}{% else %}Schreiben Sie uns das gern als private "
            "Nachricht, mit Ihrer Bestell- oder Kundennummer, falls Sie eine haben.{% endif %} Sobald wir das"
            " haben, sehen wir es uns an und melden uns hier wieder."
        ),
        Label.QUESTION: (
            _GUTEN_TAG + "danke für Ihre Frage zu {{ brand }}. Wir klären das und antworten Ihnen hier. "
            "{% if personal %}{{ private }}{% else %}Damit die Antwort zu Ihnen passt: Um welches Produkt oder "
            "welchen Tarif geht es genau?{% endif %}"
        ),
        Label.PURCHASE_SIGNAL: (
            _GUTEN_TAG
            + "schön, dass Sie an {{ brand }} denken. Wofür soll es sein, und was ist Ihnen dabei wichtig? Dann"
            " sagen wir Ihnen offen, ob es passt." + _PRIVATELY
        ),
        Label.SUGGESTION: (
            _GUTEN_TAG
            + "danke für den Vorschlag. Wir geben ihn an die Kolleginnen und Kollegen weiter, die {{ brand }} "
            "entwickeln. Wobei würde er Ihnen am meisten helfen?" + _PRIVATELY
        ),
        Label.PRAISE: (_GUTEN_TAG + "vielen Dank, das freut uns sehr und geht gleich ans Team weiter." + _PRIVATELY),
    },
    advice={
        Label.CRISIS: (
            "Nicht antworten. Die Pressestelle anrufen und auf ihre Freigabe warten; auch in anderen Kanälen "
            "nichts sagen, nichts löschen. Beitrag, Zeit und Reichweite festhalten."
        ),
        Label.COMPLAINT: (
            "Vor dem Absenden prüfen, ob es schon einen Fall dazu gibt. Kein Ergebnis und keine Erstattung "
            "zusagen, die niemand geprüft hat. Mit Namen oder Kürzel unterschreiben und die zugesagte "
            "Rückmeldung halten."
        ),
        Label.QUESTION: (
            "Steht die Antwort fest, gleich antworten, statt sie anzukündigen. Sonst einen Zeitpunkt nur nennen, "
            "wenn er sicher ist."
        ),
        Label.PURCHASE_SIGNAL: "Fragen statt werben: keine Preise, kein Rabatt ohne Rücksprache. Nur einmal nachhaken.",
        Label.SUGGESTION: "Danken, nichts versprechen. Den Vorschlag mit Link ins Produktteam geben.",
        Label.PRAISE: "Kurz und persönlich danken, nichts verkaufen. Darf es zitiert werden? Vorher fragen.",
    },
    claim_reply=(
        _GUTEN_TAG + "das stimmt so nicht. Richtig ist: {{ facts }} {% if personal %}{{ private }}{% else %}Wenn Sie "
        "andere Angaben haben, nennen Sie uns bitte die Quelle, dann prüfen wir sie.{% endif %}"
    ),
    claim_advice=(
        "Nur richtigstellen, was belegt ist, sachlich und ein einziges Mal, am besten mit Beleg. Was richtig "
        "ist, steht in `facts` der Leitlinie für diese Watchlist. Bei großer Reichweite zuerst die "
        "Pressestelle fragen."
    ),
    competitor_advice="Es geht um einen Mitbewerber: nicht ungefragt antworten, nichts Schlechtes über andere sagen.",
    topic_advice=(
        "Es geht um ein Thema, nicht um Sie: nur mit echter Hilfe antworten und sagen, für wen Sie sprechen."
    ),
    facts="[HIER EINSETZEN, WAS RICHTIG IST]",
    private=(
        "Ihr Beitrag enthält persönliche Angaben, die alle lesen können: Bitte nehmen Sie sie heraus und "
        "schreiben Sie uns als private Nachricht weiter."
    ),
)

ENGLISH: Final = GuidelineTexts(
    replies={
        Label.COMPLAINT: (
            _HELLO + "that is annoying, and we are sorry. We would like to look into it: what exactly happened, and "
            "since when? {% if personal %}{{ private }}{% else %}Please send us that as a private message, "
            "with your order or customer number if you have one.{% endif %} Once we have it, we will look at "
            "it and come back to you here."
        ),
        Label.QUESTION: (
            _HELLO + "thank you for asking about {{ brand }}. We will find out and answer you here. "
            "{% if personal %}{{ private }}{% else %}So that the answer fits: which product or plan is "
            "it about?{% endif %}"
        ),
        Label.PURCHASE_SIGNAL: (
            _HELLO + "glad that you are considering {{ brand }}. What is it for, and what matters most to you? Then we"
            " will tell you frankly whether it fits." + _PRIVATELY
        ),
        Label.SUGGESTION: (
            _HELLO + "thank you for the suggestion. We are passing it on to the people who develop {{ brand }}. What "
            "would it help you with most?" + _PRIVATELY
        ),
        Label.PRAISE: (_HELLO + "thank you very much, that makes our day and goes straight to the team." + _PRIVATELY),
    },
    advice={
        Label.CRISIS: (
            "Do not answer. Call PR and wait for their word; say nothing in other channels either, delete "
            "nothing. Keep the post, its time and its reach."
        ),
        Label.COMPLAINT: (
            "Check first whether there is a case about it already. Promise no result and no refund that "
            "nobody has checked. Sign with a name or initials, and do come back as promised."
        ),
        Label.QUESTION: (
            "Where the answer is certain, give it at once instead of announcing it. Name a time only if it is sure."
        ),
        Label.PURCHASE_SIGNAL: "Ask rather than advertise: no price, no discount without asking. Follow up only once.",
        Label.SUGGESTION: "Thank, promise nothing. Give the suggestion with its link to the product team.",
        Label.PRAISE: "Thank briefly and personally, sell nothing. May it be quoted? Ask first.",
    },
    claim_reply=(
        _HELLO + "that is not correct. The facts are: {{ facts }} {% if personal %}{{ private }}{% else %}If you have "
        "other information, please name the source and we will check it.{% endif %}"
    ),
    claim_advice=(
        "Correct only what is proven, soberly and only once, with a source if you can. What is true stands in"
        " `facts` of the guideline for this watchlist. Where the reach is great, ask PR first."
    ),
    competitor_advice="This is about a competitor: do not answer unasked, say nothing bad about others.",
    topic_advice="This is about a topic, not about you: answer only with real help, and say for whom you speak.",
    facts="[INSERT HERE WHAT IS TRUE]",
    private=(
        "Your post holds personal details that everybody can read: please take them out and go on with us in "
        "a private message."
    ),
)

TEXTS: Final[Mapping[str, GuidelineTexts]] = {"de": GERMAN, "en": ENGLISH}
OWN_KINDS: Final = (WatchlistKind.BRAND, WatchlistKind.PRODUCT)
