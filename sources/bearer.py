"""Bearer tokens: asked for with OAuth 2 and kept in memory until they run out, or signed by ourselves.

RFC 6749 sections 4.4 (client credentials) and 6 (refresh tokens), RFC 7523 section 2.1 (signed assertions). No token
goes into a cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from pydantic import SecretStr

from sources.api import Api
from sources.base import JSON, Clock, Http, Response, SourceError
from sources.http import refusal
from sources.shape import changed, text, whole

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REFUSED = frozenset({"invalid_client", "invalid_grant", "unauthorized_client"})  # section 5.2
EARLY = timedelta(minutes=1)  # before a token runs out it is no longer used
LIFETIME = 300  # seconds, where the server does not say


@dataclass(slots=True)
class Access:
    """A JSON API whose tokens run out. `form` makes what is sent for one: what proves who asks, at a time.

    Raises SourceError as Api does; permanent where the credentials are refused.
    """

    api: Api  # with `has_credentials`
    tokens: str  # address of the token endpoint
    form: Callable[[datetime], Mapping[str, str]]
    http: Http
    clock: Clock
    _token: str = ""
    _until: datetime | None = None

    async def get(self, url: str, query: Mapping[str, str] | None = None) -> JSON:
        """The answer to GET with a token; one that was kept and is refused is asked for anew, once."""
        if self._until is not None and self.clock() < self._until:
            try:
                return await self._ask(url, query)
            except SourceError as error:
                if not error.permanent:
                    raise
        await self._renew()
        return await self._ask(url, query)

    async def _ask(self, url: str, query: Mapping[str, str] | None) -> JSON:
        return await self.api.get(url, query, {"Authorization": f"Bearer {self._token}"})

    async def _renew(self) -> None:
        now = self.clock()
        self._until = None
        asking = Api(self.http, self.clock, FORM, _refused, has_credentials=True)
        answer = await asking.post(self.tokens, urlencode(self.form(now)).encode())
        self._token = text(answer, "access_token")
        if not self._token or not self._token.isascii() or not self._token.isprintable():
            raise changed("no `access_token`")
        self._until = now + timedelta(seconds=min(whole(answer, "expires_in") or LIFETIME, 86400)) - EARLY


def _refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    reason = text(said, "error")
    if response.status != 400 or reason not in REFUSED:
        return None
    error = refusal(response, response.url, f"{reason}: {text(said, 'error_description')}".removesuffix(": "))
    error.permanent = True
    return error


def sign(claims: Mapping[str, JSON], key: SecretStr, algorithm: str, headers: Mapping[str, str] | None = None) -> str:
    """A signed JSON Web Token (RFC 7519). Raises SourceError, permanent, where the key is none for this algorithm."""
    import jwt
    from cryptography.exceptions import UnsupportedAlgorithm

    unfit = (
        ValueError,
        TypeError,
        AttributeError,
        UnsupportedAlgorithm,
        jwt.PyJWTError,
    )  # a public key: AttributeError
    try:
        return jwt.encode(dict(claims), key.get_secret_value(), algorithm, dict(headers or {}))
    except unfit as error:
        raise SourceError(f"the private key cannot be used for {algorithm}", permanent=True) from error
