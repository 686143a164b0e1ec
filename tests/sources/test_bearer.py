"""Keys that sign, and keys that do not."""

from __future__ import annotations

import jwt
import pytest
from pydantic import SecretStr

from sources.base import SourceError
from sources.bearer import sign
from tests.sources.keys import EC_PRIVATE, EC_PUBLIC, RSA_PRIVATE, RSA_PUBLIC


def test_what_was_signed_can_be_checked() -> None:
    signed = sign({"iss": "me"}, SecretStr(RSA_PRIVATE), "RS256", {"kid": "7"})
    assert jwt.decode(signed, RSA_PUBLIC, ["RS256"]) == {"iss": "me"}
    assert jwt.get_unverified_header(signed)["kid"] == "7"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC_PRIVATE, "RS256"),
        (RSA_PRIVATE, "ES256"),
        (EC_PUBLIC, "ES256"),
        (RSA_PUBLIC, "RS256"),
        ("", "ES256"),
        ("ssh-rsa AAAA", "RS256"),
        ("\ud800", "ES256"),
    ],
)
def test_a_key_that_is_none_is_refused_for_good_and_not_shown(key: str, algorithm: str) -> None:
    with pytest.raises(SourceError, match=f"the private key cannot be used for {algorithm}$") as caught:
        sign({"iss": "me"}, SecretStr(key), algorithm)
    assert caught.value.permanent
