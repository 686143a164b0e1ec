"""What GDELT answers: JSON that is not quite that, and refusals in plain text with status 200."""

from __future__ import annotations

import json
import re

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, JSON, SourceError
from sources.shape import Item, changed

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\"\\/bfnrt])?")
_BUSY = re.compile(r"limit(ing)? (your )?requests|too many requests|requests to one every|rate limit", re.IGNORECASE)
_LONGEST_REFUSAL = 1000  # characters of plain text that are taken for one

_NAMES = (
    "afrikaans=af albanian=sq arabic=ar armenian=hy azerbaijani=az basque=eu belarusian=be bengali=bn bosnian=bs "
    "bulgarian=bg catalan=ca chinese=zh croatian=hr czech=cs danish=da dutch=nl english=en estonian=et finnish=fi "
    "french=fr galician=gl georgian=ka german=de greek=el gujarati=gu hebrew=he hindi=hi hungarian=hu icelandic=is "
    "indonesian=id italian=it japanese=ja kannada=kn kazakh=kk korean=ko latvian=lv lithuanian=lt macedonian=mk "
    "malay=ms malayalam=ml marathi=mr mongolian=mn nepali=ne norwegian=no persian=fa polish=pl portuguese=pt "
    "punjabi=pa romanian=ro russian=ru serbian=sr sinhalese=si slovak=sk slovenian=sl somali=so spanish=es "
    "swahili=sw swedish=sv tamil=ta telugu=te thai=th turkish=tr ukrainian=uk urdu=ur vietnamese=vi"
)
_LANGUAGES = dict(pair.split("=") for pair in _NAMES.split())


def language_code(name: str) -> str | None:
    """ISO 639-1 of a language that goes by its English name."""
    return _LANGUAGES.get(name.strip().lower())


def read(body: bytes, pause: float) -> Item:
    """The answer, empty where nothing was found. Raises SourceError, to try again after `pause` seconds at the earliest
    where it asks for less haste.

    Control characters within strings and escapes that JSON has not are taken for what they look like.
    """
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith(("{", "[")):
        raise _refused(text, pause)
    try:
        answer: JSON = json.loads(text, strict=False)
    except ValueError:
        answer = _mended(text)
    except RecursionError as error:
        raise SourceError("the answer is no JSON: it nests too deep", backoff_limit=BACKOFF_LONG) from error
    if not isinstance(answer, dict):
        raise changed("it is no object")
    return answer


def _mended(text: str) -> JSON:
    mended = _ESCAPE.sub(lambda found: found[0] if found[1] else "\\\\", text)
    try:
        answer: JSON = json.loads(mended, strict=False)
    except (ValueError, RecursionError) as error:
        start = " ".join(text[:60].split())
        raise SourceError(f"the answer is no JSON: {start!r}", backoff_limit=BACKOFF_SHORT) from error
    return answer


def _refused(text: str, pause: float) -> SourceError:
    """What it says in words."""
    said = " ".join(text[:_LONGEST_REFUSAL].split())
    if _BUSY.search(said):
        return SourceError(f"asks us to slow down: {said[:200]!r}", retry_after=pause)
    if not said or "<" in said[:20] or len(text) > _LONGEST_REFUSAL:
        return SourceError(f"the answer is no JSON: {said[:60]!r}", backoff_limit=BACKOFF_SHORT)
    return SourceError(f"refuses the search: {said[:300]}", backoff_limit=BACKOFF_LONG)
