"""What Slack's refusals and lost answers mean for a message and for its channel.

The words are those of https://docs.slack.dev/reference/methods/chat.postMessage#errors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alerts.base import ReceiverError

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

_CHANNEL_REFUSED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "channel_not_found",
        "invalid_auth",
        "is_archived",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "not_in_channel",
        "org_login_required",
        "restricted_action",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_MESSAGE_REFUSED = frozenset(
    {
        "cannot_reply_to_message",
        "cant_update_message",
        "edit_window_closed",
        "invalid_arg_name",
        "invalid_arguments",
        "invalid_blocks",
        "invalid_blocks_format",
        "markdown_text_conflict",
        "message_not_found",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "thread_not_found",
        "too_many_attachments",
    }
)
THREAD_GONE = frozenset({"cannot_reply_to_message", "message_not_found", "thread_not_found"})
_MAYBE_DONE = frozenset({"fatal_error", "internal_error"})  # "some aspect of the operation may have succeeded"
_RETRY_LIMIT = 24 * 3600.0


def refusal(error: SlackApiError) -> ReceiverError:
    """What an answer without `ok` says: Slack's own word where it gave one, else the HTTP status."""
    response = error.response  # the SDK's, or aiohttp's where the body was not JSON
    status: int = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    retry_after = _retry_after(response.headers.get("Retry-After"))
    if status == 429 or code in ("ratelimited", "rate_limited"):
        return ReceiverError("ratelimited", retry_after=retry_after)
    if status >= 500:
        return ReceiverError(f"answered {status}", retry_after=retry_after, maybe_sent=True)
    if isinstance(code, str):
        return _said(code)
    if status == 200:
        return ReceiverError("answered 200 with what is not Slack's JSON", maybe_sent=True)
    return _unlike_slack(status)


def _said(code: str) -> ReceiverError:
    """A word we do not know is tried again: dead letters are for what is known to be hopeless."""
    is_channel = code in _CHANNEL_REFUSED
    return ReceiverError(
        code[:80],
        permanent=is_channel or code in _MESSAGE_REFUSED,
        channel=is_channel,
        maybe_sent=code in _MAYBE_DONE,
    )


def _unlike_slack(status: int) -> ReceiverError:
    """A 4xx without Slack's JSON: the message is too much for something on the way, or the address is not Slack's."""
    if status in (408, 425):
        return ReceiverError(f"answered {status}")
    return ReceiverError(f"answered {status}", permanent=True, channel=status not in (400, 413, 422))


def _retry_after(value: str | None) -> float | None:
    """Seconds, the only form Slack documents, clamped to 0-24 h; None: not given or unreadable."""
    if value is None or not re.fullmatch(r"\d{1,10}", value.strip()):
        return None
    return min(float(value), _RETRY_LIMIT)


def lost(error: Exception) -> ReceiverError:
    """No answer: not sent where no connection came about, else unknown."""
    import aiohttp

    if isinstance(error, AttributeError):  # the SDK looks for `ok` in a body that is a page
        return ReceiverError("answered with what is not Slack's JSON", maybe_sent=True)
    is_unconnected = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    text = f"no usable answer: {type(error).__name__}" + (f" ({error})" if is_unconnected else "")
    return ReceiverError(text, maybe_sent=not is_unconnected)
