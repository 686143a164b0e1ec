"""The words around a post, in English and German. A new language is one more `Words` in `WORDS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from alerts import case_words
from alerts.case_words import CaseWords
from rules.base import Label, Sentiment, WatchlistKind
from sources.base import PostKind

Lang: TypeAlias = Literal["en", "de"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Every phrase that an alert needs; {} takes what the name says."""

    labels: Mapping[Label, str]
    about: Mapping[Label, str]  # {}: the watchlist
    perhaps: str  # {}: a phrase of `about`
    unsure: str  # {}: the watchlist
    none: str  # {}: the watchlist
    unclassified: str  # {}: the watchlist
    also: str  # {}: labels
    kinds: Mapping[WatchlistKind, str]
    post_kinds: Mapping[PostKind, str]
    sentiments: Mapping[Sentiment, str]
    notice: str
    held_back: str  # {}: a count
    held_back_one: str
    gathered: str  # {}: a count
    gathered_one: str
    more: str  # {}: a count
    author_unknown: str
    undated: str
    rating: str  # {}: a figure
    followers: str  # {}: a count
    answered: str
    no_text: str
    why: str
    found: str  # {}: terms
    query: str  # {}: the query
    judged: str  # {}: labels with their probabilities
    routed: str  # {}: routes
    sent_twice: str
    edited: str
    not_classified: str
    less_sure: str  # {}: the language
    open_post: str
    open_case: str
    case: CaseWords


ENGLISH = Words(
    labels={
        Label.CRISIS: "crisis",
        Label.COMPLAINT: "complaint",
        Label.QUESTION: "question",
        Label.PURCHASE_SIGNAL: "purchase signal",
        Label.SUGGESTION: "suggestion",
        Label.PRAISE: "praise",
    },
    about={
        Label.CRISIS: "Crisis around {}",
        Label.COMPLAINT: "Complaint about {}",
        Label.QUESTION: "Question about {}",
        Label.PURCHASE_SIGNAL: "Purchase signal for {}",
        Label.SUGGESTION: "Suggestion for {}",
        Label.PRAISE: "Praise for {}",
    },
    perhaps="Perhaps: {}",
    unsure="Unsure what it says about {}",
    none="Mention of {}",
    unclassified="Unclassified mention of {}",
    also="also {}",
    kinds={
        WatchlistKind.BRAND: "brand",
        WatchlistKind.PRODUCT: "product",
        WatchlistKind.COMPETITOR: "competitor",
        WatchlistKind.TOPIC: "topic",
        WatchlistKind.CLAIM: "claim",
    },
    post_kinds={
        PostKind.POST: "post",
        PostKind.COMMENT: "comment",
        PostKind.REVIEW: "review",
        PostKind.ARTICLE: "article",
        PostKind.MESSAGE: "message",
    },
    sentiments={Sentiment.POSITIVE: "positive", Sentiment.NEUTRAL: "neutral", Sentiment.NEGATIVE: "negative"},
    notice="Notice from mentiond",
    held_back="{} older posts held back",
    held_back_one="1 older post held back",
    gathered="Digest of {} mentions",
    gathered_one="Digest of one mention",
    more="and {} more",
    author_unknown="author unknown",
    undated="no date",
    rating="rating {}",
    followers="{} followers",
    answered="already answered",
    no_text="(no text, perhaps only a picture)",
    why="Why",
    found="found: {}",
    query="query: {}",
    judged="judged: {}",
    routed="routed by: {}",
    sent_twice="Possibly sent twice: an earlier attempt got no reply.",
    edited="The post was edited; this is what it says now.",
    not_classified="The classifier failed; read it yourself.",
    less_sure="Language {}: read by the shared model, less sure.",
    open_post="Open the post",
    open_case="Open in mentiond",
    case=case_words.ENGLISH,
)

GERMAN = Words(
    labels={
        Label.CRISIS: "Krise",
        Label.COMPLAINT: "Beschwerde",
        Label.QUESTION: "Frage",
        Label.PURCHASE_SIGNAL: "Kaufinteresse",
        Label.SUGGESTION: "Vorschlag",
        Label.PRAISE: "Lob",
    },
    about={
        Label.CRISIS: "Krise um {}",
        Label.COMPLAINT: "Beschwerde über {}",
        Label.QUESTION: "Frage zu {}",
        Label.PURCHASE_SIGNAL: "Kaufinteresse an {}",
        Label.SUGGESTION: "Vorschlag für {}",
        Label.PRAISE: "Lob für {}",
    },
    perhaps="Vielleicht: {}",
    unsure="Unklar, was es über {} sagt",
    none="Erwähnung von {}",
    unclassified="Nicht eingestufte Erwähnung von {}",
    also="auch {}",
    kinds={
        WatchlistKind.BRAND: "Marke",
        WatchlistKind.PRODUCT: "Produkt",
        WatchlistKind.COMPETITOR: "Wettbewerber",
        WatchlistKind.TOPIC: "Thema",
        WatchlistKind.CLAIM: "Behauptung",
    },
    post_kinds={
        PostKind.POST: "Beitrag",
        PostKind.COMMENT: "Kommentar",
        PostKind.REVIEW: "Bewertung",
        PostKind.ARTICLE: "Artikel",
        PostKind.MESSAGE: "Nachricht",
    },
    sentiments={Sentiment.POSITIVE: "positiv", Sentiment.NEUTRAL: "neutral", Sentiment.NEGATIVE: "negativ"},
    notice="Hinweis von mentiond",
    held_back="{} ältere Beiträge zurückgehalten",
    held_back_one="1 älterer Beitrag zurückgehalten",
    gathered="Sammelmeldung: {} Erwähnungen",
    gathered_one="Sammelmeldung: eine Erwähnung",
    more="und {} weitere",
    author_unknown="Autor unbekannt",
    undated="ohne Datum",
    rating="Wertung {}",
    followers="{} Follower",
    answered="schon beantwortet",
    no_text="(kein Text, vielleicht nur ein Bild)",
    why="Warum",
    found="gefunden: {}",
    query="Suche: {}",
    judged="eingestuft: {}",
    routed="zugestellt wegen: {}",
    sent_twice="Vielleicht doppelt: Ein früherer Versuch blieb ohne Antwort.",
    edited="Der Beitrag wurde geändert; so lautet er jetzt.",
    not_classified="Die Einstufung ist ausgefallen; bitte selbst lesen.",
    less_sure="Sprache {}: vom gemeinsamen Modell gelesen, weniger sicher.",
    open_post="Beitrag öffnen",
    open_case="In mentiond öffnen",
    case=case_words.GERMAN,
)

WORDS: Mapping[Lang, Words] = {"en": ENGLISH, "de": GERMAN}
