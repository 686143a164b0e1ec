"""Personal data in posts: phone numbers, mail addresses, IBANs, and the numbers of orders, customers and contracts.

It finds what hides or moves a conversation, so it would rather pass over a doubtful figure than hide an EAN. Every
place is found by patterns of bounded length; beyond rules.phones.MOST_EXAMINED places the rest of a text counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from stdnum import iban

from rules.base import Personal, PersonalKind, Span
from rules.phones import MOST_EXAMINED, find_phones

Place: TypeAlias = tuple[int, int, PersonalKind]  # start, end (exclusive), what stands there

_MARK: Final = re.compile(r"[@0-9]|\b[A-Z]{6}\b|(?i:[(\[{]\s?(?:at|ät)\s?[)\]}]|\b(?:dot|punkt)\b)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|(?<![\w@.-])(?:[\w-]{1,63}\.){1,4}[a-z]{2,12}/\S*", re.IGNORECASE)

_AT: Final = r"\s?[(\[{<]\s?(?:at|ät|aett?|@)\s?[)\]}>]\s?"
_DOT: Final = r"(?:\.|\s?[(\[{<]\s?(?:dot|punkt|\.)\s?[)\]}>]\s?|\s(?:dot|punkt)\s)"
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_MAIL = re.compile(
    rf"(?<![\w.+@/-])[\w](?:[\w.+-]{{0,62}}[\w])?(?:@|{_AT})(?:{_LABEL}{_DOT}){{1,4}}[^\W\d_]{{2,14}}(?![\w@-])(?!\.\w)",
    re.IGNORECASE,
)
_SPOKEN_MAIL = re.compile(
    rf"\b(?:e-?mail|mail(?:e[nt]?)?|schreib\w*|write|contact|kontakt\w*|reach)\b[^\n@]{{0,24}}?\b"
    rf"(?P<address>[\w][\w.+-]{{1,62}} (?:at|ät) (?:{_LABEL} (?:dot|punkt) ){{1,3}}[^\W\d_]{{2,14}})\b",
    re.IGNORECASE,
)
_NO_DOMAIN: Final = ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "py", "json", "md", "html", "pdf")

_IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ \u00a0.-]?[A-Z0-9]){11,30}", re.IGNORECASE)

_NUMBER_WORD: Final = r"(?:\.?[- ]?(?:nummern?|numbers?|num|nr|no|nº|code|id|ref(?:erence|erenz)?|zeichen)\b\.?)"
_OWNERS: Final = (  # their number names one
    r"bestell(?:ungs?)?|auftrags?|kunden?|kd|vertrags?(?:konto)?|buchungs?|rechnungs?|rg|vorgangs?|fall|mitglieds?|konto",
    r"reservierungs?|vers|versicherungs?(?:schein)?|policen|referenz|beschwerde|schadens?|lieferschein|storno|abo|retouren",
    r"teilnehmer|order|customer|client|contract|booking|account|case|policy|reservation|confirmation|invoice|membership|member",
    r"ticket|claim|reference|subscription|support|complaint",
)
_THINGS: Final = (  # named with their number at once
    "bestellung|buchung|auftrag|vertrag|vertragskonto|rechnung|reservierung|vorgang|police",
    "order|booking|reservation|invoice|ticket|case|account|contract",
)
_NUMBERED: Final = rf"(?:\s?{_NUMBER_WORD}|(?=\s?[#:(])|(?=\s\w{{0,4}}-?\d{{5}})|(?= mit der nummer))"
_VERB: Final = r"(?: mit der nummer| you gave me)?(?:\s{0,2}(?:lautet|ist|war|is|was|lauten|sind|are))?"
_TOLD: Final = rf"{_VERB}\s{{0,2}}[:#=(\"„“'–-]{{0,2}}\s?#?"
_ORDER = re.compile(
    rf"\b(?:(?:{'|'.join(_OWNERS)}){_NUMBER_WORD}|(?:{'|'.join(_THINGS)}){_NUMBERED}){_TOLD}"
    r"(?P<number>(?=[A-Z0-9./_-]{0,20}\d|(?-i:[A-Z]{1,3})\s\d|(?-i:[A-Z]{6})\b)"
    r"(?:[A-Z0-9]{1,20}(?:[-/_.]|\s(?=\d|(?-i:[A-Z]\s\d)))?){1,6})",
    re.IGNORECASE,
)
_LEAST_FIGURES: Final = 4


def find(title: str, text: str, lang: str | None) -> tuple[Personal, ...]:
    """What a post holds, in the order of the text; `lang` is the language that it is written in, None: unknown."""
    return tuple(
        Personal(kind, Span(field, start, end))
        for field, content in (("title", title), ("text", text))
        if _MARK.search(content)
        for start, end, kind in _bounded(sorted(_find(content, lang)), len(content))
    )


def _bounded(places: list[Place], length: int) -> list[Place]:
    """No more than MOST_EXAMINED of them: the last one then hides the rest of the text."""
    if len(places) <= MOST_EXAMINED:
        return places
    start, _, kind = places[MOST_EXAMINED]
    return [*places[:MOST_EXAMINED], (start, length, kind)]


def _find(text: str, lang: str | None) -> Iterator[Place]:
    """Places that do not overlap: what is told by its form goes before what is told by its surroundings."""
    taken = bytearray(len(text))
    for kind, start, end in _candidates(text, lang):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            yield start, end, kind


def _candidates(text: str, lang: str | None) -> Iterator[tuple[PersonalKind, int, int]]:
    plain = _ADDRESS.sub(lambda found: found[0] if "wa.me/" in found[0] else "\n" * len(found[0]), text)
    yield from ((PersonalKind.MAIL, *place) for place in _mails(plain))
    yield from ((PersonalKind.IBAN, *place) for place in _ibans(plain))
    yield from ((PersonalKind.ORDER, *place) for place in _orders(plain))
    yield from ((PersonalKind.PHONE, *place) for place in find_phones(plain, lang))


def _mails(text: str) -> Iterator[tuple[int, int]]:
    for found in _MAIL.finditer(text):
        if found[0].rpartition(".")[2].lower() not in _NO_DOMAIN:
            yield found.span()
    for found in _SPOKEN_MAIL.finditer(text):
        yield found.span("address")


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """The longest beginning of each candidate whose check digits are right: words may follow it without a sign."""
    for count, found in enumerate(_IBAN.finditer(text)):
        if count >= MOST_EXAMINED:
            yield found.start(), len(text)
            return
        for length in range(len(found[0]), 14, -1):
            number = found[0][:length]
            if number[-1].isalnum() and iban.is_valid(number.replace(".", "")):
                yield found.start(), found.start() + length
                break


def _orders(text: str) -> Iterator[tuple[int, int]]:
    for found in _ORDER.finditer(text):
        number = found["number"].rstrip("-/_. ")
        figures = sum(character.isdigit() for character in number)
        is_code = number.isupper() and len(number) in (5, 6, 7, 8) and number.isalnum()
        if figures >= _LEAST_FIGURES or is_code:
            yield found.start("number"), found.start("number") + len(number)
