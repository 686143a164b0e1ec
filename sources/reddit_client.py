"""Reddit's API through praw: in a daemon thread, over our own HTTP session, without ever sleeping there.

praw (praw.readthedocs.io, version 8) is synchronous. It signs in, keeps the token and counts the rate limit; what it
would send goes over the guarded session instead of its own, so that addresses, sizes, times and connections per host
stay limited, and trouble becomes a SourceError before the library can retry or wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from sources.api import DEFAULT_PAUSE, Limit, read_limit
from sources.base import BACKOFF_LONG, JSON, Clock, Http, HttpError, Response, SourceError
from sources.http import based, refusal, request, shown

if TYPE_CHECKING:
    import praw
    import requests

OAUTH = "https://oauth.reddit.com"
WWW = "https://www.reddit.com"
LONGEST_CALL = 60.0  # seconds; the session's own limits are shorter
NO_SPREADING = 10**9  # seconds of a rate-limit window: so long a one is never ahead of, so that praw does not slow down

REFUSED_CREDENTIALS = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"})

T = TypeVar("T")


@dataclass(slots=True)
class RedditClient:
    """One application at Reddit; its parts share it, its token and its rate limit. Raises SourceError."""

    http: Http
    clock: Clock
    client_id: str
    client_secret: str | None
    base_url: str | None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # one thread at a time: praw is not made for more
    _session: LoopSession | None = None
    _reddit: praw.Reddit | None = None
    _silent_at: float = float("-inf")  # by the clock of the loop: when Reddit last gave no answer

    async def get(self, path: str, query: Mapping[str, str | int]) -> JSON:
        """What the API answers to GET, as it came."""
        session = self._session = self._session or LoopSession(self.http, self.clock, asyncio.get_running_loop())
        waiting_since = session.loop.time()
        async with self._turn:
            if self._silent_at >= waiting_since:  # a part that waits behind another one does not find out by itself
                raise SourceError("Reddit did not answer another request meanwhile")
            try:
                return await in_daemon_thread(lambda: self._ask(session, path, query))
            except SourceError as error:
                if isinstance(error.__cause__, HttpError):
                    self._silent_at = session.loop.time()
                raise

    @property
    def left(self) -> str:
        """What is left of the rate limit, for the operator; empty before the first answer."""
        return self._session.left if self._session else ""

    def _ask(self, session: LoopSession, path: str, query: Mapping[str, str | int]) -> JSON:
        try:
            reddit = self._reddit = self._reddit or self._open(session)
            self._check_limit(reddit, session)
            answer: JSON = reddit.request(method="GET", path=path, params=dict(query))
        except SourceError:
            raise
        except Exception as error:  # praw throws whatever a strange answer makes its code throw
            explained = _explained(error, session.last, path)
            raise explained from explained.__cause__ or error
        return answer

    def _open(self, session: LoopSession) -> praw.Reddit:
        import praw

        # What is left out here would be looked for in a praw.ini of the working folder and in the environment.
        return praw.Reddit(
            site_name="DEFAULT",
            requestor_kwargs={"session": session},
            client_id=self.client_id,
            client_secret=self.client_secret,
            user_agent="mentiond",
            username=None,
            password=None,
            refresh_token=None,
            redirect_uri=None,
            oauth_url=based(self.base_url, OAUTH),
            reddit_url=based(self.base_url, WWW),
            check_for_updates=False,
            check_for_async=False,
            window_size=NO_SPREADING,
        )

    def _check_limit(self, reddit: praw.Reddit, session: LoopSession) -> None:
        remaining = reddit.auth.limits["remaining"]
        if remaining is None or int(remaining) >= 1:
            return
        self._reddit = None  # a new one does not remember that it should sleep
        pause = (session.resets_at - self.clock()).total_seconds() if session.resets_at else 0.0
        if pause > 0:
            raise SourceError(f"the rate limit is used up for another {pause:.0f} s", retry_after=pause)


@dataclass(slots=True)
class LoopSession:
    """What prawcore takes for a requests.Session: the thread asks, the event loop does it over the guarded session."""

    http: Http
    clock: Clock
    loop: asyncio.AbstractEventLoop
    headers: dict[str, str] = field(default_factory=dict)  # prawcore sets its User-Agent here; the guarded one is sent
    last: Response | None = None
    remaining: float | None = None
    used: float = 0.0
    resets_at: datetime | None = None

    def request(
        self, method: str, url: str, *, timeout: float, allow_redirects: bool = True, **content: Any
    ) -> requests.Response:
        """Send it. Raises SourceError for everything but 2xx and 401, after which prawcore signs in anew."""
        import requests

        prepared = requests.Request(method.upper(), url, **content).prepare()
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        assert prepared.url
        assert isinstance(body, bytes | None)
        headers = {name: str(value) for name, value in prepared.headers.items() if name != "Connection"}
        sending = self._send(method.upper(), prepared.url, headers, body)
        answer = asyncio.run_coroutine_threadsafe(sending, self.loop).result(LONGEST_CALL)
        made = requests.Response()
        made.status_code = answer.status
        made.url = answer.url
        made.raw = io.BytesIO(answer.body)
        made.headers.update(self._told(answer))
        return made

    def close(self) -> None:
        """Nothing is its own."""

    @property
    def left(self) -> str:
        """What is left of the rate limit, for the operator."""
        if self.remaining is None or self.resets_at is None:
            return ""
        whole = self.remaining + self.used
        return f"{self.remaining:,.0f} of {whole:,.0f} requests until {self.resets_at:%Y-%m-%d %H:%M} UTC"

    async def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Response:
        self.last = answer = await request(self.http, method, url, headers=headers, body=body)
        limit = read_limit(answer.headers, self.clock())
        if limit.is_used_up and limit.reset:
            self.http.pause(url, limit.reset)
        if urlsplit(answer.url).path != urlsplit(url).path:
            message = f"{shown(url)}: no such subreddit (redirected to {shown(answer.url)})"
            raise SourceError(message, backoff_limit=BACKOFF_LONG)
        if answer.status != 401 and not 200 <= answer.status < 300:
            raise self._refused(answer, url, limit)
        return answer

    def _refused(self, answer: Response, url: str, limit: Limit) -> SourceError:
        pause = (limit.reset or DEFAULT_PAUSE) if answer.status == 429 else None
        error = refusal(answer, url, _reason(answer.body), pause)
        if error.retry_after:
            self.http.pause(url, error.retry_after)
        return error

    def _told(self, answer: Response) -> dict[str, str]:
        """The headers that prawcore reads; numbers of the rate limit only where it can do with them."""
        named = ("content-length", "content-type", "www-authenticate")
        kept = {name: answer.headers[name] for name in named if name in answer.headers}
        limit, used = read_limit(answer.headers, self.clock()), _number(answer.headers.get("x-ratelimit-used"))
        if limit.remaining is None or limit.reset is None or used is None:
            return kept
        self.remaining, self.used = limit.remaining, used
        self.resets_at = self.clock() + timedelta(seconds=min(limit.reset, 86400))
        numbers = {"remaining": limit.remaining, "used": used, "reset": limit.reset}
        return kept | {f"x-ratelimit-{name}": str(int(number)) for name, number in numbers.items()}


async def in_daemon_thread(call: Callable[[], T]) -> T:
    """The result of `call`. Other than an executor's thread it is not waited for when the process ends."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None only where T is

    def work() -> None:
        result, caught = None, None
        try:
            result = call()
        except BaseException as error:
            caught = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any longer
            loop.call_soon_threadsafe(settle, result, caught)

    threading.Thread(target=work, name="reddit", daemon=True).start()
    return await future


def _explained(error: Exception, last: Response | None, path: str) -> SourceError:
    """The SourceError for what praw threw."""
    from prawcore.exceptions import OAuthException

    cause = getattr(error, "original_exception", error)
    if isinstance(cause, SourceError):
        return cause
    if isinstance(error, OAuthException):
        is_final = str(error.error) in REFUSED_CREDENTIALS
        return SourceError(f"no access to Reddit: {error}"[:300], permanent=is_final, backoff_limit=BACKOFF_LONG)
    if last is not None and last.status == 401:
        refused = refusal(last, last.url, _reason(last.body))
        refused.permanent = True
        return refused
    if last is not None and not _is_json(last.body):
        return SourceError(f"{shown(last.url)}: the answer is no JSON", backoff_limit=BACKOFF_LONG)
    message = f"{path}: the answer has changed its shape ({type(cause).__name__}: {cause})"
    return SourceError(message[:300], backoff_limit=BACKOFF_LONG)


def _reason(body: bytes) -> str:
    """`{"message": "Forbidden", "reason": "private", "error": 403}` in words."""
    with contextlib.suppress(ValueError, RecursionError):
        said = json.loads(body)
        if isinstance(said, dict):
            return ": ".join(str(said[key]) for key in ("message", "reason") if isinstance(said.get(key), str))
    return ""


def _is_json(body: bytes) -> bool:
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(body)
        return True
    return False


def _number(text: str | None) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(text or "")
        return number if 0 <= number < 1e9 else None
    return None
