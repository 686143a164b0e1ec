"""The `Http` of the tests: aiohttp without any guard, as far as the webhook receiver needs it."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from sources.base import HttpError, Response


class PlainHttp:
    """One session; the error classes of the protocol, nothing more."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    def pause(self, url: str, seconds: float) -> None:
        raise AssertionError("receivers have a pause of their own")

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=method == "GET"
            ) as answer:
                said = {name.lower(): value for name, value in answer.headers.items()}
                wait = said.get("retry-after", "")
                return Response(
                    status=answer.status,
                    headers=said,
                    body=await answer.read(),
                    url=str(answer.url),
                    retry_after=float(wait) if wait.isdigit() else None,
                )
        except aiohttp.ClientConnectorError as error:
            raise HttpError(str(error)) from error
        except aiohttp.ClientError as error:
            raise HttpError(str(error), maybe_sent=True) from error
