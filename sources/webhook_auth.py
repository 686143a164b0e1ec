"""How a push proves where it comes from: a signature over its raw bytes, or a token that only the sender knows.

Signatures are compared as bytes and in constant time. Standard Webhooks: https://www.standardwebhooks.com (id,
timestamp and body signed together, several signatures in one header, five minutes of tolerance).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeAlias, assert_never

from pydantic import AfterValidator, Field, SecretStr

from sources.base import Interval, Pushed, Settings
from sources.dates import parse_date

TOLERANCE = timedelta(minutes=5)
BODY, TIMESTAMP = "{body}", "{timestamp}"
MOST_SIGNATURES = 8  # in one header, while a secret is being changed


def _one_body(value: str) -> str:
    if value.count(BODY) != 1:
        raise ValueError("a text with {body} in it once, such as {timestamp}.{body}")
    return value


def _standard_secret(value: SecretStr) -> SecretStr:
    _standard_key(value)
    return value


def _standard_key(secret: SecretStr) -> bytes:
    """The bytes to sign with. Raises ValueError."""
    text = secret.get_secret_value()
    if not text.startswith("whsec_"):
        return text.encode()
    key = _base64(text.removeprefix("whsec_"))
    if not key:
        raise ValueError("a secret that starts with whsec_ goes on in base64")
    return key


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
Secret = Annotated[SecretStr, Field(min_length=1)]


class HmacSettings(Settings):
    """HMAC-SHA256 over the raw body, or over a text that it stands in."""

    type: Literal["hmac"]
    secret: Secret = Field(description="the key that both sides know")
    header: HeaderName = Field("X-Signature", description="where the signature stands")
    encoding: Literal["hex", "base64"] = Field("hex", description="how it is written")
    prefix: str = Field("", description="what stands before it, such as sha256=")
    timestamp_header: HeaderName | None = Field(None, description="where the time of sending stands")
    tolerance: Interval = Field(TOLERANCE, description="how far that time may be from ours")
    signs: Annotated[str, AfterValidator(_one_body)] = Field(
        BODY, description="what is signed: {body}, and {timestamp} as its header has it"
    )


class BearerSettings(Settings):
    """A token in a header."""

    type: Literal["bearer"]
    token: Secret = Field(description="what the sender knows")
    header: HeaderName = Field(
        "Authorization", description="where it stands: after `Bearer ` in Authorization, by itself in any other"
    )


class StandardSettings(Settings):
    """Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature."""

    type: Literal["standard"]
    secret: Annotated[Secret, AfterValidator(_standard_secret)] = Field(description="whsec_ and base64, or any text")


AuthSettings: TypeAlias = Annotated[HmacSettings | BearerSettings | StandardSettings, Field(discriminator="type")]


def refused(auth: HmacSettings | BearerSettings | StandardSettings, pushed: Pushed, now: datetime) -> str | None:
    """Why this push is not believed; None where it is."""
    match auth:
        case HmacSettings():
            return _refused_hmac(auth, pushed, now)
        case BearerSettings():
            return _refused_bearer(auth, pushed)
        case StandardSettings():
            return _refused_standard(auth, pushed, now)
        case _:
            assert_never(auth)


def _refused_hmac(auth: HmacSettings, pushed: Pushed, now: datetime) -> str | None:
    given = pushed.headers.get(auth.header.lower())
    if given is None:
        return f"no {auth.header}"
    timestamp = pushed.headers.get(auth.timestamp_header.lower(), "") if auth.timestamp_header else ""
    if auth.timestamp_header and not _is_near(timestamp, now, auth.tolerance):
        return f"{auth.timestamp_header} is missing or too far from now"
    before, after = (part.replace(TIMESTAMP, timestamp).encode("utf-8", "surrogateescape") for part in _halves(auth))
    text = given.strip()
    written = text[len(auth.prefix) :] if text.startswith(auth.prefix) else ""
    signature = _hex(written) if auth.encoding == "hex" else _base64(written)
    return _unless_signed(auth.secret.get_secret_value().encode(), before + pushed.body + after, [signature])


def _halves(auth: HmacSettings) -> tuple[str, str]:
    before, _, after = auth.signs.partition(BODY)
    return before, after


def _refused_bearer(auth: BearerSettings, pushed: Pushed) -> str | None:
    given = pushed.headers.get(auth.header.lower(), "")
    if auth.header.lower() == "authorization":
        scheme, _, given = given.partition(" ")
        given = given if scheme.lower() == "bearer" else ""
    token = auth.token.get_secret_value().encode()
    is_it = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token)
    return None if is_it else f"{auth.header} has not the token"


def _refused_standard(auth: StandardSettings, pushed: Pushed, now: datetime) -> str | None:
    name, timestamp, given = (pushed.headers.get(f"webhook-{key}", "") for key in ("id", "timestamp", "signature"))
    if not (name and timestamp and given):
        return "no webhook-id, webhook-timestamp and webhook-signature"
    if not (timestamp.isascii() and timestamp.isdigit()) or not _is_near(timestamp, now, TOLERANCE):
        return "webhook-timestamp is too far from now"
    signed = f"{name}.{timestamp}.".encode("utf-8", "surrogateescape") + pushed.body
    versions = [one.partition(",") for one in given.split()[:MOST_SIGNATURES]]
    signatures = [_base64(signature) for version, _, signature in versions if version == "v1"]
    return _unless_signed(_standard_key(auth.secret), signed, signatures)


def _unless_signed(key: bytes, message: bytes, signatures: list[bytes]) -> str | None:
    expected = hmac.digest(key, message, "sha256")
    matches = [hmac.compare_digest(expected, signature) for signature in signatures]
    return None if any(matches) else "the signature is not that of the body"


def _is_near(timestamp: str, now: datetime, tolerance: timedelta) -> bool:
    when = parse_date(timestamp, now)
    return when is not None and abs(when - now) <= tolerance


def _hex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""
