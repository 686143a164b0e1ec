"""Phone numbers in the text of posts, as people write them in German and English; everything else that has digits not.

Whether a number exists says `phonenumbers` (https://github.com/daviddrysdale/python-phonenumbers); what may be one at
all is decided here. Without a word about phones beside it, a number needs a prefix (+49, 0043) or an area code that
stands by itself (`0171/1234567`, `01 234 56 78`); in English it always needs the word or the prefix. Freephone and
premium numbers are no person's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

MOST_EXAMINED: Final = 200  # numbers of one text: beyond, the rest of it is taken for one

_GERMAN: Final = ("DE", "AT", "CH")
_ENGLISH: Final = ("GB", "US")
_HOME: Final = (49, 43, 41, 44, 1)  # where a number that only has the right length is believed after a prefix
_SERVICE: Final = (
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
)

_GAP: Final = r"[ \t\u00a0\u2007-\u200a\u202f]"
_BETWEEN: Final = rf"{_GAP}{{0,2}}(?:[-‐-―−/.()\[\]]{_GAP}?){{0,2}}"
_CANDIDATE = re.compile(
    rf"(?<![\w+@#$€£&=_%,;])(?<!\w[-./])(?<!\d:)"
    rf"(?:\(?\+{_GAP}?\(?|[(\[]?(?=0))\d(?:{_BETWEEN}\d){{5,30}}(?![\w@€$£%])(?![,.:]\d)(?!{_GAP}?[€$£%])",
    re.IGNORECASE,
)
_AMERICAN = re.compile(rf"(?<![\w.,/:_+#$-])\(?[2-9]\d\d\)?{_GAP}?[-.]?{_GAP}?\d{{3}}[-. ]?\d{{4}}(?![\w@%]|[-.,/]\d)")
_LINKED = re.compile(r"\bwa\.me/\+?(\d{8,15})(?!\d)", re.IGNORECASE)

_BEFORE: Final = 45  # characters that a word about a number may stand ahead of it
_AFTER: Final = 26
_PHONE_WORDS: Final = (
    r"tel(?:efon|e?phone)?s?(?:[ .-]*(?:nummer|nr|number|no))?",
    r"phone(?: (?:number|no))?",
    r"fon|fax|festnetz\w*|natel|whats-?app|signal|telegram|sms|rufnummer|durchwahl",
    r"handy(?:s|-?nummer|-?nr)?|mobil(?:e|funk\w*|nummer|nr|telefon)?|cell(?:phone)?",
    r"r[üu]ckruf\w*|(?:an|zur[üu]ck)(?:zu)?rufen|erreichbar|erreich(?:st|t|en)",
    r"rufe?[nt]? (?:(?:sie|mich|uns|bitte|gerne?|doch|mal) )*(?:an|unter|zur[üu]ck)",
    r"ruf(?:t|en sie|e)? (?:mich|uns|bitte|gerne|doch|einfach|sie)",
    r"(?:meine?r?|ihre|unsere) nummer|nummer lautet|(?:my|her|his|our|their) number(?: is)?",
    r"call(?:s|ed)?(?: me| us| ?back)?|ring(?: me| us)?|texte?d?(?: me| us)?|dial|reach (?:me|us)",
)
_PHONE_WORD = re.compile(rf"\b(?:{'|'.join(_PHONE_WORDS)})\b", re.IGNORECASE)
_OTHER_WORDS: Final = (
    "ean|gtin|isbn|issn|upc|pzn|imei|iccid|sku|asin|mpn|barcode|strichcode|isin|wkn|hrb|hra|ust|vat|uid|bic|blz|swift|siren",
    "version|build|release|firmware|kernel|commit|hash|code|modell?e?n?|typ|type|chip|serien?|series|serial|s/n|sn|vin|fin",
    "part|teile?|art|artikel|item|los|lot|charge|chargen|batch|norm|din|iso|patent|fahrgestell|kennzeichen|rezept|zähler|meter",
    "tracking|sendung|sendungs|paket|parcel|shipment|steuer|tax|finanzamt|st|stnr|id|idnr|az|aktenzeichen|depot",
    "order|bestell|kunden|kd|vertrags?|buchungs?|rechnungs?|invoice|booking|customer|contract|auftrags?|konto|account|ticket|case",
    "vorgangs?|ref|referen[cz]e?|ip|gps|zeit|uhr|datum|date|plz|zip|postfach|haus|preis|price",
)
_OTHER_WORD = re.compile(
    rf"\b(?:{'|'.join(_OTHER_WORDS)})(?:[- .#:]|nummer|nr|number|no\b|$)",
    re.IGNORECASE,
)
_DATE = re.compile(r"0[1-9]\D{1,2}(?:0?[1-9]|1[0-2])\D{1,2}(?:19|20)\d\d\b|0[1-9]\D{1,2}[0-3]\d\D{1,2}(?:19|20)\d\d\b")
_COUNTED = re.compile(
    r"\W{0,3}(?:euro?|chf|usd|gbp|uhr|kg|km|mm|cm|ml|gb|mb|mhz|ghz|mah|watt|volt|kwh|stück|pcs|users?|nutzer|views?|downloads?|prozent"
    r"|percent|mal|x|times|stunden|hours|tagen?|days|wochen|weeks|minuten|minutes|jahren?|years)\b",
    re.IGNORECASE,
)


def find_phones(text: str, lang: str | None) -> Iterator[tuple[int, int]]:
    """(start, end) of each phone number in the order of the text; `lang` as the post is written in."""
    for link in _LINKED.finditer(text):
        yield link.span(1)
    for count, found in enumerate(_CANDIDATE.finditer(text)):
        if count >= MOST_EXAMINED:
            yield found.start(), len(text)
            return
        if number := _number(text, found, lang):
            start = found.start() + found[0].index(number)
            yield start, start + len(number)
    if lang == "de":
        return
    for found in list(_AMERICAN.finditer(text))[:MOST_EXAMINED]:
        if _is_about_phones(text, *found.span()) and _parse(found[0], "US") is not None:
            yield found.span()


def _number(text: str, found: re.Match[str], lang: str | None) -> str:
    """What of the candidate is a phone number; "": nothing."""
    start, end = found.span()
    readings = _readings(found[0])
    if _COUNTED.match(text, end):
        readings = readings[1:]  # its last figure counts something
    is_told = _is_about_phones(text, start, end)
    if _is_about_something_else(text, start) and not is_told:
        return ""
    follows = _follows_digits(text, start)
    return next((number for number in readings if _is_phone(number, lang, is_told, follows)), "")


def _readings(candidate: str) -> list[str]:
    """The candidate, and what is left of it without a figure that only stands behind it, or a second number."""
    whole = candidate.rstrip(" ([")
    whole = whole.lstrip("([") if ")" not in whole and "]" not in whole else whole
    shorter = [whole[: cut.start()] for cut in re.finditer(rf"{_GAP}+[-/(]?{_GAP}?(?=\d{{1,4}}$|\(?0[1-9])", whole)]
    return [whole, *reversed(shorter[-2:])]


def _is_phone(number: str, lang: str | None, is_told: bool, follows_digits: bool) -> bool:
    bare = number.lstrip("([ ")
    if _DATE.match(bare):
        return False
    if bare.startswith("+") or re.match(r"00[1-9]", bare):
        return not (follows_digits and bare[0] == "0") and _is_international(bare, is_told)
    if lang == "en" and not is_told:
        return False
    regions = _regions(lang)
    if is_told:
        return any(_parse(bare, region) is not None for region in regions)
    return not follows_digits and any(_has_area_code(bare, region) for region in regions)


def _regions(lang: str | None) -> tuple[str, ...]:
    if lang == "en":
        return (*_ENGLISH, *_GERMAN)
    return _GERMAN if lang == "de" else (*_GERMAN, "GB")


def _is_international(number: str, is_told: bool) -> bool:
    parsed = _parse(number.replace("+ ", "+"), "DE")
    if parsed is None:
        return False
    if phonenumbers.is_valid_number(parsed):
        return number.startswith("+") or is_told or _has_structure(number) or parsed.country_code in _HOME
    figures = str(parsed.national_number)
    is_plausible = parsed.country_code in _HOME and figures[0] > "1" and "0000" not in figures
    return is_told or (is_plausible and (number.startswith("+") or _has_structure(number)) and len(figures) >= 9)


def _has_structure(number: str) -> bool:
    """Whether somebody divided it."""
    return re.search(r"\d\D+\d", number) is not None


def _parse(number: str, region: str) -> PhoneNumber | None:
    """A number of a possible length that is nobody's service; None for any other."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed) or len(str(parsed.national_number)) < 6:
        return None
    return None if phonenumbers.number_type(parsed) in _SERVICE else parsed


def _has_area_code(number: str, region: str) -> bool:
    """Whether the number exists and begins with its area code by itself, or is a mobile number in one piece."""
    parsed = _parse(number, region)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return False
    if not _has_structure(number):
        return phonenumbers.number_type(parsed) == PhoneNumberType.MOBILE and len(number) in (10, 11, 12)
    if re.match(r"0[.-]|01[.-]|\d+\.\d{4}\b", number):
        return False  # versions, books, places on the globe
    return _first_piece(number) in _codes(parsed)


def _first_piece(number: str) -> str:
    """`0171` of `0171/123 45 67`, `030` of `0 30 / 12 34`, `01` of `01 234 56 78`."""
    head, slash, _ = number.partition("/")
    piece = head if slash else re.split(r"[^\d]", number.lstrip("(["), maxsplit=1)[0]
    return re.sub(r"\D", "", piece)


def _codes(number: PhoneNumber) -> set[str]:
    """The area codes with which this number may begin."""
    national = phonenumbers.national_significant_number(number)
    lengths = {phonenumbers.length_of_national_destination_code(number)}
    if number.country_code == 49 and phonenumbers.number_type(number) == PhoneNumberType.MOBILE:
        lengths |= {3, 4}
    return {"0" + national[:length] for length in lengths}


def _is_about_phones(text: str, start: int, end: int) -> bool:
    """Whether a word about phones stands near, and none about other numbers stands nearer."""
    before = text[max(0, start - _BEFORE) : start]
    spoken = [found.end() for found in _PHONE_WORD.finditer(before)]
    if spoken:
        others = [found.end() for found in _OTHER_WORD.finditer(before)]
        return not others or max(spoken) > max(others)
    return _PHONE_WORD.search(text, end, end + _AFTER) is not None and not _is_about_something_else(text, start)


def _is_about_something_else(text: str, start: int) -> bool:
    return _OTHER_WORD.search(text, max(0, start - 22), start) is not None


def _follows_digits(text: str, start: int) -> bool:
    """Whether it is the tail of a longer row of figures."""
    return re.search(r"\d[ \u00a0]?$", text[max(0, start - 3) : start]) is not None
