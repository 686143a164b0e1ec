"""Web addresses reduced to what they lead to: without tracking, AMP, mobile hosts and other spellings."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_HOST_PREFIX: Final = re.compile(r"^(?:www\d?|m|mobile|mobil|amp)\.(?=[^.]+\.)|^(?:old|new|np)\.(?=reddit\.com$)")
_CACHE: Final = re.compile(r"^/(?:amp|c|v|wp|i)/(?:s/)?(?=[^/]+\.[^/]+)")
_AMP_PATH: Final = re.compile(
    r"[/-]amp(?:/index)?/?$|[./]amp(?=\.html?$)|\.amp(?=\.html?$)|^/amp(?=/)|\.amp$", re.IGNORECASE
)
_INDEX: Final = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.IGNORECASE)
_TRACKING: Final = re.compile(
    r"utm_.*|pk_.*|mtm_.*|at_(?:medium|campaign)|ns_.*|wt_.*|xtor|fbclid|gclid|dclid|gbraid|wbraid|msclkid|twclid|igshid|igsh|yclid"
    r"|mc_[ce]id|mkt_tok|ref_src|ref_url|sc_src|ocid|ito|spm|smid|smtyp|amp|outputtype|ampmode|guccounter|guce_.*|seite_aus",
    re.IGNORECASE,
)
_PERHAPS_TRACKING: Final = re.compile(  # where the value is no number
    r"ref|referrer|referer|source|src|from|via|rss|feature|si|cmp|cmpid|partner|campaign|newsletter|share",
    re.IGNORECASE,
)
_WITHOUT_QUERY: Final = ("x.com", "twitter.com", "reddit.com", "instagram.com", "tiktok.com")  # a path says it all
_ITEM: Final = re.compile(r"^[\w-]*\d[\w-]*$")  # a fragment that names one item of a page: `comment-123`


def canonical_address(url: str | None) -> str | None:
    """The same text for every way to the same page; None for what is no page of its own, such as a front page."""
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").casefold()
        port = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or "." not in host:
        return None
    path = parts.path
    if (host.startswith("www.google.") or host.endswith(".cdn.ampproject.org")) and (cached := _CACHE.match(path)):
        return canonical_address("https://" + path[cached.end() :] + (f"?{parts.query}" if parts.query else ""))
    host = _HOST_PREFIX.sub("", host) + (f":{port}" if port not in (None, 80, 443) else "")
    path = quote(unquote(_INDEX.sub("", _AMP_PATH.sub("", path))), safe="/:@!$&'()*+,;=~-._").rstrip("/")
    query = sorted(pair for pair in parse_qsl(parts.query) if not _is_tracking(*pair))
    host, path, query = _same_service(host, path, query)
    fragment = parts.fragment if _ITEM.match(parts.fragment) else ""
    if not path and not query:
        return None
    return host + path + (f"?{urlencode(query)}" if query else "") + (f"#{fragment}" if fragment else "")


def _is_tracking(name: str, value: str) -> bool:
    return bool(_TRACKING.fullmatch(name) or (_PERHAPS_TRACKING.fullmatch(name) and not value.isdigit()))


def _same_service(host: str, path: str, query: list[tuple[str, str]]) -> tuple[str, str, list[tuple[str, str]]]:
    """Services that have several hosts, or say with a query only where a link was found."""
    if host == "youtu.be" and path:
        return "youtube.com", "/watch", [("v", path.lstrip("/"))]
    if host == "twitter.com":
        host = "x.com"
    return host, path, [] if host in _WITHOUT_QUERY else query
