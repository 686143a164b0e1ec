"""From the bytes of a feed to text: byte order mark, HTTP charset, XML declaration, and what to do where they lie.

Order of trust: byte order mark (RFC 7303 section 3), valid UTF-8 that is more than ASCII against any single-byte name,
the HTTP charset, the XML declaration. Names are read as browsers read them (https://encoding.spec.whatwg.org): Latin-1
is Windows-1252, GB2312 is GB18030. Undecodable bytes cost one character each, never the document.
"""

from __future__ import annotations

import codecs
import html
import html.entities
import re

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHAPES = (  # how "<" begins in encodings that are no superset of ASCII (XML 1.0, appendix F)
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_EBCDIC = b"\x4c\x6f\xa7\x94"
_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_MULTIBYTE = frozenset(
    {"gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "iso2022_jp", "johab", "hz", "shift_jis_2004"}
)
_REFUSED = frozenset({"utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"})
_WIDE = re.compile(r"utf-(?:16|32)|cp(?:037|500|273|875|1026|1140)\b")

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_DECLARED = re.compile(r"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]+)[\"']")
_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"&#([xX][0-9a-fA-F]+|[0-9]+);?")
_AMPERSAND = re.compile(r"&(?:(#[0-9]+|#x[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]{1,31});)?")
_PREDEFINED = frozenset({"amp", "lt", "gt", "quot", "apos"})


def decode(body: bytes, content_type: str | None) -> str:
    """Return the document without byte order mark, XML declaration and what XML does not allow."""
    return legal(decoded(body, content_type))


def legal(text: str) -> str:
    """Return the text of a document as `decode` does."""
    text = _ILLEGAL.sub("", text).removeprefix("\ufeff")
    if "&#" in text:
        text = _NUMBER.sub(_legal, text)
    return undeclared(text)


def undeclared(text: str) -> str:
    """Return the document without its XML declaration."""
    declaration = _DECLARATION.match(text)
    return text[declaration.end() :] if declaration else text


def decoded(body: bytes, content_type: str | None) -> str:
    """Return the text of a body, without byte order mark."""
    return _decoded(body, content_type).removeprefix("\ufeff")


def with_entities(text: str) -> str:
    """Return the document with the two commonest faults mended: `&uuml;` undeclared, and `&` that begins no reference.

    Character data sections stay as they are.
    """
    plain, *sections = text.split("<![CDATA[")
    parts = [_AMPERSAND.sub(_character, plain)]
    for section in sections:
        data, end, rest = section.partition("]]>")
        parts.append(f"<![CDATA[{data}{end}{_AMPERSAND.sub(_character, rest)}")
    return "".join(parts)


def _character(reference: re.Match[str]) -> str:
    name = reference[1]
    if name is None:
        return "&amp;"
    if name[0] == "#" or name in _PREDEFINED:
        return reference[0]
    character = html.entities.html5.get(f"{name};")
    return reference[0].replace("&", "&amp;") if character is None else html.escape(character)


def _legal(reference: re.Match[str]) -> str:
    """Drop a reference to a character that XML does not allow; a parser would refuse the document for it."""
    digits, is_hexadecimal = reference[1].lower().lstrip("x"), reference[1][0] in "xX"
    code = int(digits, 16 if is_hexadecimal else 10) if len(digits) <= 10 else -1
    if not 0 <= code <= 0x10FFFF or _ILLEGAL.match(chr(code)):
        return ""
    return reference[0]


def _decoded(body: bytes, content_type: str | None) -> str:
    for mark, name in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, _leniency(name))
    for shape, name in _SHAPES:
        if body.startswith(shape):
            return body.decode(name, "replace")
    names = _names(body, content_type)
    utf8 = _strictly(body, "utf-8")
    if utf8 is not None and not _MULTIBYTE.intersection(names) and not any(map(_WIDE.match, names)):
        return utf8
    for name in names:
        if (text := _strictly(body, name)) is not None:
            return text
    if names and "utf-8" not in names:
        return body.decode(names[0], _leniency(names[0]))
    return body.decode("utf-8" if _is_mostly_utf8(body) else "cp1252", _AS_WINDOWS)


def _is_mostly_utf8(body: bytes) -> bool:
    """Whether more characters than stray bytes come out of a body that is not quite UTF-8."""
    text = body.decode("utf-8", "replace")
    return 2 * text.count("\ufffd") <= sum(character > "\x7f" for character in text)


def _names(body: bytes, content_type: str | None) -> list[str]:
    """Return the codecs that the HTTP header and the declaration name, without those that cannot be true."""
    is_ebcdic = body.startswith(_EBCDIC)
    head = body[:1024].decode("cp037" if is_ebcdic else "latin-1")
    stated = _CHARSET.search(content_type or ""), _DECLARED.match(head)
    names = [name for match in stated if match and (name := _codec(match[1]))]
    believable = [name for name in names if bool(_WIDE.match(name)) == is_ebcdic]
    return believable or (["cp037"] if is_ebcdic else [])


def _codec(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
        "".encode(found)  # raises LookupError for what is a codec but no charset
    except (LookupError, UnicodeError):
        return None
    return None if found in _REFUSED else _WIDER.get(found, found)


def _strictly(body: bytes, name: str) -> str | None:
    try:
        return body.decode(name)
    except UnicodeError:
        return None


def _leniency(name: str) -> str:
    return _AS_WINDOWS if name in ("utf-8", "cp1252") else "replace"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 as Windows-1252: pasted text is the usual cause."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_AS_WINDOWS = "mentiond-as-windows-1252"
codecs.register_error(_AS_WINDOWS, _as_windows)
