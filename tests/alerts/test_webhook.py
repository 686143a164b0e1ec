"""Webhooks: the signature, and what answers mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from aiohttp import web as aioweb

from alerts.base import CaseState, Context, Reason, ReceiverError, Updatable
from alerts.registry import Tools, build
from alerts.webhook import Webhook, WebhookSettings
from sources.base import HttpError, Response
from tests.alerts.samples import NOW, alert, case
from tests.servers import Web


def receiver(
    url: str, tools: Tools, secret: str = "whsec_c2VjcmV0IG9mIG1pbmU=", base_url: str | None = None
) -> Webhook:
    settings = {"name": "crm", "type": "webhook", "url": url, "secret": secret, "base_url": base_url}
    return Webhook(WebhookSettings.model_validate(settings), tools.http, tools.clock)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_c2VjcmV0IG9mIG1pbmU=", b"secret of mine"),
        ("plain words", b"plain words"),
        ("schlüssel", "schlüssel".encode()),
    ],
)
async def test_the_signature_is_that_of_standard_webhooks(web: Web, tools: Tools, secret: str, key: bytes) -> None:
    web["/hook"] = (200, {}, b"")
    await receiver(web.url("/hook"), tools, secret).send(alert())
    (said,) = web.requests
    signed = f"{said.headers['webhook-id']}.{said.headers['webhook-timestamp']}.".encode() + said.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert said.headers["webhook-signature"] == f"v1,{expected}"
    assert said.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert said.headers["content-type"] == "application/json"


async def test_an_attempt_again_bears_the_same_id(web: Web, tools: Tools) -> None:
    web["/hook"] = (200, {}, b"")
    hook = receiver(web.url("/hook"), tools)
    for owed in (alert(), alert(attempt=2, possibly_sent_twice=True), alert(key="another")):
        await hook.send(owed)
    first, again, other = [request.headers["webhook-id"] for request in web.requests]
    assert first == again != other


async def test_only_with_updates_it_is_told_of_changes(web: Web, tools: Tools) -> None:
    web["/hook"] = (200, {}, b"")
    settings = {"name": "crm", "type": "webhook", "url": web.url("/hook"), "secret": "s"}
    assert not isinstance(build(WebhookSettings.model_validate(settings), tools), Updatable)
    hook = build(WebhookSettings.model_validate(settings | {"updates": True}), tools)
    assert isinstance(hook, Updatable)
    changed = Context(case(state=CaseState.CLAIMED, owner="Kim"))
    of_the_case = {"reason": Reason.UPDATE, "key": "mention:7|crm||update|0", "contexts": {7: changed}}
    await hook.update(alert(**of_the_case))
    await hook.update(alert(**of_the_case, attempt=2, possibly_sent_twice=True))
    await hook.update(alert(**of_the_case | {"contexts": {7: Context(case(state=CaseState.ANSWERED, owner="Kim"))}}))
    first, again, later = web.requests
    assert json.loads(first.body)["reason"] == "update"
    assert json.loads(first.body)["mention"]["case"]["owner"] == "Kim"
    assert first.headers["webhook-id"] == again.headers["webhook-id"] != later.headers["webhook-id"]
    assert await hook.probe()


@pytest.mark.parametrize(
    ("status", "permanent", "channel", "maybe_sent"),
    [
        (301, True, True, False),
        (400, True, False, False),
        (401, True, True, False),
        (404, True, True, False),
        (410, True, True, False),
        (413, True, False, False),
        (408, False, False, False),
        (429, False, False, False),
        (500, False, False, True),
        (503, False, False, True),
    ],
)
async def test_what_an_answer_means(
    web: Web, tools: Tools, status: int, permanent: bool, channel: bool, maybe_sent: bool
) -> None:
    web["/hook"] = (status, {"Retry-After": "7", "Location": "/elsewhere"}, b"")
    with pytest.raises(ReceiverError) as caught:
        await receiver(web.url("/hook"), tools).send(alert())
    error = caught.value
    assert (error.permanent, error.channel, error.maybe_sent) == (permanent, channel, maybe_sent)
    assert error.retry_after == (None if permanent else 7)
    assert len(web.requests) == 1


async def test_a_connection_cut_after_the_request_is_unknown(web: Web, tools: Tools) -> None:
    async def cut(request: aioweb.Request) -> aioweb.Response:
        assert request.transport
        request.transport.abort()
        return aioweb.Response()

    web["/hook"] = cut
    with pytest.raises(ReceiverError) as caught:
        await receiver(web.url("/hook"), tools).send(alert())
    assert (caught.value.permanent, caught.value.maybe_sent) == (False, True)


async def test_an_address_that_is_not_allowed_stops_the_channel() -> None:
    class Refusing:
        def pause(self, url: str, seconds: float) -> None:
            raise AssertionError("nobody asked for that")

        async def request(self, method: str, url: str, **_: object) -> Response:
            raise HttpError("10.0.0.1 is a private address", refused=True)

    settings = {"name": "crm", "type": "webhook", "url": "https://crm.example.com", "secret": "x"}
    with pytest.raises(ReceiverError, match="private address") as caught:
        await Webhook(WebhookSettings.model_validate(settings), Refusing(), lambda: NOW).send(alert())
    assert (caught.value.permanent, caught.value.channel) == (True, True)


async def test_base_url_replaces_the_host_and_keeps_path_and_query(web: Web, tools: Tools) -> None:
    web["/prefix/hooks/a"] = (200, {}, b"")
    await receiver("https://crm.example.com/hooks/a?b=c", tools, base_url=web.base + "/prefix/").send(alert())
    assert web.requests[0].path == "/prefix/hooks/a?b=c"


@pytest.mark.parametrize("status", [200, 404, 405])
async def test_the_probe_asks_and_posts_nothing(web: Web, tools: Tools, status: int) -> None:
    web["/hook"] = (status, {}, b"")
    assert str(status) in await receiver(web.url("/hook"), tools).probe()
    assert [request.method for request in web.requests] == ["HEAD"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValueError) as caught:
        WebhookSettings.model_validate({"name": "x", "type": "webhook", "url": "https://x.example", "secret": secret})
    assert "not base64" not in str(caught.value)
