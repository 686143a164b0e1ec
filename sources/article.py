"""The text of an article in an HTML page, and pages that only look like one: consent pages and paywalls.

Extracted by trafilatura. A page says that it is locked in schema.org's words (isAccessibleForFree, as
developers.google.com/search/docs/appearance/structured-data/paywalled-content asks for) or in Facebook's
(`article:content_tier`); where it says nothing, short texts full of the words of consent and of subscriptions are taken
for what they are. `python -m sources.article` is the child that does it; no other process reads a stranger's HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sources.base import JSON
from sources.frames import serve
from sources.text import plain_text

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LONGEST = 100_000  # characters of an article
SHORTEST = 120  # below that it is a caption, an error or a button
SHORT = 1_200  # up to here a page without an article may have some text all the same
_LONGEST_CONSENT = 8_000
_LONGEST_DATA = 300_000  # characters of structured data that are read


class Trouble(StrEnum):
    """Why a page gives no article."""

    CONSENT = "a consent page"
    PAYWALL = "a paywall"
    NOTHING = "no article in the page"


class Article(NamedTuple):
    """The text, or the trouble."""

    text: str = ""
    trouble: Trouble | None = None


def read_article(page: str) -> Article:
    """What the page says. Raises whatever lxml and trafilatura throw."""
    import trafilatura

    tree = trafilatura.load_html(page)
    if tree is None:
        return Article(trouble=Trouble.NOTHING)
    if is_locked(tree):
        return Article(trouble=Trouble.PAYWALL)
    has_banner = bool(_FRAMEWORK.search(page))
    text = plain_text(trafilatura.extract(tree, include_comments=False, include_tables=False) or "")
    trouble = _trouble(text, has_banner=has_banner)
    return Article(trouble=trouble) if trouble else Article(text[:LONGEST])


def is_locked(tree: HtmlElement) -> bool:
    """Whether the page says that it is not for everybody."""
    said = [element.get("content") or element.text_content() for element in tree.xpath(_FREE)]
    if any(_is_false(value.strip()) for value in said) or tree.xpath(_LOCKED):
        return True
    data = [element.text_content()[:_LONGEST_DATA] for element in tree.xpath("//script[@type='application/ld+json']")]
    return any(map(_is_locked_by, data))


_FREE = "//*[@itemprop='isAccessibleForFree']"
_LOCKED = "//meta[@property='article:content_tier' or @name='article:content_tier'][@content='locked']"
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s*:\s*"?(?:https?://schema\.org/)?false', re.IGNORECASE)


def _is_locked_by(data: str) -> bool:
    """What is said of the article counts, not what is said of others that it links to."""
    if "isAccessibleForFree" not in data:
        return False
    try:
        described = list(_objects(json.loads(data, strict=False)))
    except (ValueError, RecursionError):
        return bool(_NOT_FREE.search(data))
    told = [thing for thing in described if "isAccessibleForFree" in thing]
    articles = [thing for thing in told if _ARTICLE.search(str(thing.get("@type")))]
    return any(_is_false(thing["isAccessibleForFree"]) for thing in articles[:1] or told)


_ARTICLE = re.compile("Article|BlogPosting|Report")


def _objects(value: JSON) -> Iterator[dict[str, JSON]]:
    pending = [value]
    while pending:
        value = pending.pop(0)
        if isinstance(value, dict):
            yield value
        if isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value


def _is_false(value: JSON) -> bool:
    return value is False or (isinstance(value, str) and value.lower().rpartition("/")[2] == "false")


_FRAMEWORK = re.compile(
    r"sp_message_container|privacy-mgmt\.com|consentmanager\.net|contentpass|didomi|onetrust|usercentrics|cookiebot"
    r"|cmpbox|quantcast|guce\.|consent\.(?:google|yahoo|youtube)\.",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"cookie|einwillig|zustimm|consent|datenschutz|privacy|tracking|akzeptier|\baccept|ablehn|\breject|personali[sz]"
    r"|werbung|anzeigen|advertis|\bpartner|drittanbieter|third[ -]part|\bvendor|endger|ger[äa]te-?kennung|\bpur\b",
    re.IGNORECASE,
)
_ABO = re.compile(
    r"\babo\b|\babos\b|abonn|anmeld|einlogg|\blogin\b|\blog in\b|\bsign in\b|registrier|\bregister|weiterlesen"
    r"|weiter lesen|freischalt|probemonat|jetzt testen|paywall|\bsubscri|premium|\bplus\b|exklusiv|kündbar|unlock",
    re.IGNORECASE,
)


def _trouble(text: str, *, has_banner: bool) -> Trouble | None:
    """What a text without an article is about."""
    words = max(len(text.split()), 1)
    consent, subscribing = _counted(_CONSENT, text), _counted(_ABO, text)
    if len(text) <= _LONGEST_CONSENT:
        share = sum(consent.values()) / words
        if (len(consent) >= 4 and share >= 0.07) or (has_banner and len(text) <= SHORT and len(consent) >= 3):
            return Trouble.CONSENT
    if len(text) <= SHORT and len(subscribing) >= 3 and sum(subscribing.values()) / words >= 0.04:
        return Trouble.PAYWALL
    if len(text) < SHORTEST:
        return Trouble.PAYWALL if len(subscribing) >= 2 else Trouble.NOTHING
    return None


def _counted(pattern: re.Pattern[str], text: str) -> dict[str, int]:
    """How often each of the words stands there."""
    counts: dict[str, int] = {}
    for found in pattern.finditer(text):
        counts[found[0].lower()] = counts.get(found[0].lower(), 0) + 1
    return counts


def _answer(question: Mapping[str, Any]) -> dict[str, object]:
    return read_article(question["page"])._asdict()


if __name__ == "__main__":
    import trafilatura

    trafilatura.extract("<article><p>It loads more when it reads its first page.</p></article>")
    serve(_answer)
