"""Signed links: what they are good for, and that nothing else opens anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.base import Action, ActionKind, CaseState, Context, GroupView, Reason
from monitor.action_links import LASTS, LOOK, LinkError, SignedLinks, Signer, Ticket, load_key, was_pressed
from monitor.store import Store
from tests.alerts.samples import NOW, alert, case, digest, mention, notice, post
from tests.monitor.builders import build_works, in_transaction, make_desk, make_page, make_post

SIGNER = Signer(b"k" * 32)
LINKS = SignedLinks(SIGNER, "https://m.example")
TICKET = Ticket(
    purpose="claim",
    receiver="care",
    recipient="kim@example.com",
    expires_at=NOW.replace(microsecond=0) + LASTS,
    nonce="n",
    mention_id=7,
)
SECOND = timedelta(seconds=1)


def test_a_token_says_again_what_it_was_made_from() -> None:
    for ticket in (
        TICKET,
        replace(TICKET, mention_id=None, group_id=3),
        replace(TICKET, recipient="ü@x", purpose=LOOK),
    ):
        assert SIGNER.read(SIGNER.sign(ticket), NOW) == ticket


def test_a_token_is_made_of_characters_that_no_mail_program_breaks() -> None:
    assert set(SIGNER.sign(replace(TICKET, recipient="ü+?/&=@x"))) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
    )


def test_a_token_expires() -> None:
    token = SIGNER.sign(TICKET)
    assert SIGNER.read(token, TICKET.expires_at - SECOND) == TICKET
    with pytest.raises(LinkError) as caught:
        SIGNER.read(token, TICKET.expires_at)
    assert caught.value.is_expired


def test_the_token_of_another_installation_opens_nothing() -> None:
    with pytest.raises(LinkError) as caught:
        Signer(b"j" * 32).read(SIGNER.sign(TICKET), NOW)
    assert not caught.value.is_expired


@given(st.integers(0, 400), st.integers(1, 255))
def test_no_changed_byte_of_a_token_goes_unnoticed(at: int, by: int) -> None:
    token = SIGNER.sign(TICKET)
    at %= len(token)
    changed = token[:at] + chr((ord(token[at]) + by) % 256) + token[at + 1 :]
    try:
        assert SIGNER.read(changed, NOW) == TICKET  # the last bits of base64 say nothing
    except LinkError:
        return
    assert at in (token.index(".") - 1, len(token) - 1)


@given(st.text())
def test_no_text_is_a_token_by_chance(text: str) -> None:
    for token in (text, f"{text}.{text}", SIGNER.sign(TICKET) + text if text else "", "a" * 5000 + ".aa"):
        with pytest.raises(LinkError):
            SIGNER.read(token, NOW)


def action_of(url: str) -> Ticket:
    prefix = "https://m.example/actions/"
    assert url.startswith(prefix)
    return SIGNER.read(url.removeprefix(prefix), NOW)


def test_the_buttons_of_one_mail_are_different_presses_and_those_of_a_resend_the_same() -> None:
    claim, answer = (LINKS.action(alert(), kind) for kind in (ActionKind.CLAIM, ActionKind.ANSWER))
    assert action_of(claim).key != action_of(answer).key
    assert LINKS.action(alert(attempt=2, possibly_sent_twice=True), ActionKind.CLAIM) == claim
    for other in (alert(key="mention:7|care||escalation|1"), alert(recipient="alex@example.com", key="other")):
        assert action_of(LINKS.action(other, ActionKind.CLAIM)).key != action_of(claim).key


def test_a_link_is_bound_to_its_recipient_and_lasts_from_when_the_alert_was_made() -> None:
    ticket = action_of(LINKS.action(alert(), ActionKind.CLAIM))
    assert (ticket.recipient, ticket.receiver, ticket.mention_id) == ("kim@example.com", "care", 7)
    assert ticket.expires_at == NOW + LASTS


def test_a_link_for_a_group_is_good_for_its_mentions() -> None:
    group = alert(mention(post()), mention(post(external_id="2"), number=8), group=GroupView(5, (), False, True))
    ticket = action_of(LINKS.action(group, ActionKind.CLAIM))
    assert (ticket.group_id, ticket.mention_id) == (5, None)
    assert LINKS.action(group, ActionKind.SNOOZE) == LINKS.action(group, ActionKind.ANSWER) == ""
    assert LINKS.page(group, 8).startswith("https://m.example/mentions/8/")


def test_nothing_to_do_has_no_link() -> None:
    answered = alert(contexts={7: Context(case=case(state=CaseState.ANSWERED, owner="Kim"))})
    for owed in (answered, digest(), digest(1), notice()):
        assert LINKS.action(owed, ActionKind.CLAIM) == ""
    assert LINKS.action(alert(), ActionKind.CORRECT) == ""
    assert LINKS.action(alert(reason=Reason.WARNING), ActionKind.ANSWER)


def test_the_key_is_made_once_and_kept(store: Store) -> None:
    first = in_transaction(store, load_key)
    assert len(first) == 32
    assert in_transaction(store, load_key) == first


async def test_a_press_is_found_in_the_history_of_its_case(store: Store) -> None:
    works = build_works(store)
    await works.poll(make_page(make_post()))
    claim = Action(kind=ActionKind.CLAIM, mention_ids=(1,), by="Kim", through="mail", key="mail:a")
    await make_desk(works).act(claim)
    assert in_transaction(store, was_pressed, 1, "mail:a")
    assert not in_transaction(store, was_pressed, 1, "mail:b")
    assert not in_transaction(store, was_pressed, 2, "mail:a")
