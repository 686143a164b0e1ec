"""Reads single terms of a query: words, phrases, wildcards, exact words, regular expressions, values, ranges."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

from rules.folding import WORD, tokenize
from rules.query_errors import shorten
from rules.query_nodes import Domain, Exact, Literal, Phrase, Plain, Range, Regex, Value, Wildcard, Word

if TYPE_CHECKING:
    from collections.abc import Callable

FURTHEST = 1000  # words for NEAR and `~`; what is further apart has nothing to do with one another
FIXED_LETTERS = 3  # of a wildcard
LONGEST_REGEX = 1000  # characters


class TermError(ValueError):
    """A term that cannot be read; `offset` counts characters from its start."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")
_DEFANGED = re.compile(r"\[\.\]")
_LOWER_NEAR = re.compile(r"near/\d+f?", re.IGNORECASE)
_FUZZY = re.compile(r"~[\d.]*$")


def read_word(text: str) -> Plain:
    """What stands between spaces. Raises TermError."""
    _check_word(text)
    undefanged = _DEFANGED.sub(".", text)
    if _DOMAIN.fullmatch(undefanged):
        return Domain(undefanged)
    if "[" in text or "]" in text:
        raise TermError("`[` and `]` belong to ranges such as `rating:[1 TO 2]`", re.search(r"[\[\]]", text).start())  # type: ignore[union-attr]
    if "*" in text or "?" in text:
        return read_wildcard(text)
    _check_searchable(text, text)
    return Word(text)


def _check_word(text: str) -> None:
    if _LOWER_NEAR.fullmatch(text):
        raise TermError(f"write `{text.upper()[:5]}{text[5:].lower()}`: operators stand in upper case")
    if text[0] == "/":
        proposal = "to look for the characters put them in backticks"
        raise TermError(f"a regular expression stands between slashes: `/colou?r/`; {proposal}")
    if text[0] in "–—−" and len(text) > 1:
        raise TermError(f"this dash is no minus: write `-{shorten(text[1:])}` or `NOT {shorten(text[1:])}`")
    fuzzy = _FUZZY.search(text)
    if fuzzy or text[0] == "~":
        proposal = 'it stands after a phrase: `"acme phone"~3`; for endings write `complain*`'
        raise TermError(f"`~` finds no similar words; {proposal}", fuzzy.start() if fuzzy else 0)


def _check_searchable(text: str, written: str) -> None:
    if not tokenize(text):
        raise TermError(f"no letter, digit or symbol to look for in `{shorten(written)}`")


def read_wildcard(text: str) -> Wildcard:
    """`complain*`, `*versicherung`, `customi?e`. Raises TermError."""
    pattern = re.sub(r"\*\*+", "*", text)
    fixed = re.sub(r"[*?]", "", pattern)
    odd = re.search(r"[^\w*?]|_", re.sub(r"(?<=[^*?])[^\w*?]", _letter_of_mark, pattern))
    if odd:
        raise TermError(_split_wildcard(text), odd.start())
    if any(token.kind != WORD for token in tokenize(fixed)):
        raise TermError("this script is written without spaces: leave `*` and `?` out, it is found within longer words")
    if sum(character.isalnum() for character in fixed) < FIXED_LETTERS:
        few = f"`{shorten(text)}` finds too many words: at least {FIXED_LETTERS} letters must stand beside `*` and `?`"
        raise TermError(few)
    return Wildcard(pattern)


def _letter_of_mark(found: re.Match[str]) -> str:
    """A letter in the place of a combining mark: with what stands before it, it is one."""
    return "x" if unicodedata.combining(found[0]) else found[0]


def _split_wildcard(text: str) -> str:
    proposal = "; to find these characters themselves write `` `...` ``"
    if text[0] in "#@$" and re.fullmatch(r"[\w*?]+", text[1:]):
        proposal = f": write `{shorten(text[1:])}`, which also finds it after `{text[0]}`"
    elif re.fullmatch(r"[\w*?]+-[\w*?]+", text):
        proposal = f": write `{shorten(text.replace('-', ' NEAR/0f '))}`"
    return f"`*` and `?` stand for letters within one word{proposal}"


def read_phrase(token: str) -> Phrase:
    """What stands between quotes, with `~n` after them or not. Raises TermError."""
    inner, _, slop = re.split('(["“”„](?=[^"“”„]*$))', token[1:])
    found = re.search(r"[*?{}`]", inner)
    if found:
        raise TermError(_about_sign(found[0], inner), found.start() + 1)
    _check_searchable(inner, inner)
    return Phrase(inner, _read_slop(inner, slop) if slop else None)


def _about_sign(sign: str, inner: str) -> str:
    if sign in "*?":
        words = inner.split()
        proposal = f"`{shorten(' NEAR/0f '.join(words))}`" if len(words) == 2 else "`complain* NEAR/0f about`"
        return f"`{sign}` does not work within quotes; write {proposal}"
    return f"`{sign}` does not work within quotes; exact words stand in braces or backticks of their own"


def _read_slop(inner: str, slop: str) -> int:
    if not re.fullmatch(r"~\d{1,9}", slop):
        raise TermError('after a phrase only `~` and a number may stand: `"acme phone"~3`', len(inner) + 2)
    distance = int(slop[1:])
    if distance > FURTHEST:
        raise TermError(f"at most {FURTHEST} words may stand between: `~{FURTHEST}`", len(inner) + 2)
    _check_slop_terms(inner.split())
    return distance


def _check_slop_terms(terms: list[str]) -> None:
    if len(terms) < 2:
        raise TermError("`~` needs a phrase of two words or more")
    seen: dict[str, str] = {}
    for term in terms:
        tokens = tokenize(term)
        if not tokens:
            raise TermError(f"no letter, digit or symbol to look for in `{shorten(term)}`")
        forms = {" ".join(token.forms[form] for token in tokens) for form in (0, 1)}
        twice = next((seen[form] for form in forms if form in seen), None)
        if twice:
            raise TermError(f"`{shorten(twice)}` and `{shorten(term)}` are one word; `~` looks for each word once")
        seen |= dict.fromkeys(forms, term)


def read_exact(token: str) -> Exact:
    """`{BT}`. Raises TermError."""
    inner = token[1:-1]
    found = re.search(r"[*?]", inner)
    if found:
        raise TermError(f"`{found[0]}` does not work within braces: these words are exact", found.start() + 1)
    _check_searchable(inner, inner)
    return Exact(inner)


def read_literal(token: str) -> Literal:
    """`` `C++` ``. Raises TermError."""
    if not token[1:-1].strip():
        raise TermError("no character to look for stands between these backticks")
    return Literal(token[1:-1])


def read_regex(token: str) -> Regex:
    """`/colou?r/`. Raises TermError, with RE2's own reason."""
    pattern = token[1:-1]
    if len(pattern) > LONGEST_REGEX:
        raise TermError(f"the regular expression has {len(pattern):,} characters, more than {LONGEST_REGEX:,}")
    try:
        compiled = compile_regex(pattern)
    except ValueError as error:
        raise TermError(_about_regex(pattern, str(error))) from None
    if compiled.search("") is not None:
        raise TermError(
            f"`{shorten(token)}` also matches nothing at all, so every post; ask for one character at least"
        )
    return Regex(pattern)


def compile_regex(pattern: str) -> Any:  # re2 has no types
    """The pattern as RE2 sees it: any case, linear time. Raises ValueError."""
    compile_, options = _re2()
    try:
        return compile_(pattern, options)
    except Exception as error:  # re2.error is no class that could be imported lazily here
        reason = error.args[0] if error.args else ""
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error


@cache
def _re2() -> tuple[Callable[[str, object], Any], object]:
    import re2

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 8 << 20
    return re2.compile, options


def _about_regex(pattern: str, reason: str) -> str:
    if re.search(r"\(\?<?[=!]", pattern):
        return "look-around (`(?=`, `(?!`, `(?<=`, `(?<!`) is refused, it can take for ever; write AND, NOT or NEAR"
    if re.search(r"\\[1-9]|\(\?P=", pattern):
        return r"back-references (`\1`) are refused, they can take for ever; write the alternatives out"
    return f"not a regular expression of RE2: {shorten(reason, 100)}"


_HOST = re.compile(r"(?:[\w-]{1,63}\.)*[\w-]{1,63}")


def read_value(field: str, written: str, *, is_quoted: bool) -> Value | Wildcard:
    """What a field of WHOLE_FIELDS is compared with. Raises TermError."""
    text = written.strip()
    if field == "site":
        return _read_site(text)
    if field in ("lang", "kind"):
        text = text.lower()
    if field == "subreddit":
        text = re.sub(r"^/?r/", "", text, flags=re.IGNORECASE)
    if "*" in text or "?" in text:
        return _read_value_pattern(text, is_quoted)
    if not re.search(r"[\w@]", text):
        raise TermError(f"`{field}:` needs a value")
    return Value(text)


def _read_value_pattern(text: str, is_quoted: bool) -> Wildcard:
    sign = "*" if "*" in text else "?"
    if is_quoted:
        raise TermError(f"`{sign}` does not work within quotes; put one word before or after it: `author:acme*`")
    if not re.search(r"\w", text):
        raise TermError(f"at least one letter or digit must stand beside `{sign}`")
    return Wildcard(re.sub(r"\*\*+", "*", text))


def _read_site(written: str) -> Value:
    host = re.sub(r"^(?:h(?:tt|xx)ps?://)?(?:www\.)?", "", _DEFANGED.sub(".", written.lower()))
    host = host.removeprefix("*.").rstrip("/").removesuffix(".")
    if "/" in host:
        raise TermError(f"`site:` is a host only; for a part of the address write `url:{shorten(host)}`")
    if not _HOST.fullmatch(host):
        raise TermError("`site:` needs a host such as `acme.com`; it includes subdomains, no `*` needed")
    return Value(host)


_NUMBER = r"-?\d{1,15}(?:\.\d{1,6})?"
_RANGE = re.compile(rf"\[\s*({_NUMBER}|\*)\s+TO\s+({_NUMBER}|\*)\s*\]", re.IGNORECASE)


def read_range(field: str, token: str) -> Range:
    """`[1 TO 2]`, `[1000 TO *]` or one number. Raises TermError."""
    if re.fullmatch(_NUMBER, token):
        return Range(field, _number(token), _number(token))
    found = _RANGE.fullmatch(token)
    if not found:
        raise TermError(f"a range is two numbers, `*` where it is open: `{field}:[1 TO 2]`, `{field}:[1000 TO *]`")
    return Range(field, _number(found[1]), _number(found[2]))


def _number(written: str) -> float | None:
    if written == "*":
        return None
    return float(written) if "." in written else int(written)


_NEAR = re.compile(r"NEAR/(\d{1,9})(f?)")


def read_near(token: str) -> tuple[int, bool]:
    """Distance and whether the order counts. Raises TermError."""
    found = _NEAR.fullmatch(token)
    if not found:
        raise TermError("write `NEAR/5`, or `NEAR/5f` for this order, with the number of words between at most")
    if int(found[1]) > FURTHEST:
        raise TermError(f"at most {FURTHEST} words may stand between: `NEAR/{FURTHEST}{found[2]}`, or AND")
    return int(found[1]), bool(found[2])
