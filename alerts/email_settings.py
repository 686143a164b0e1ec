"""The keys of the receiver `email`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator

from alerts.base import ReceiverSettings
from alerts.storm import CHAT_STORM, StormBrake
from alerts.words import Lang
from sources.base import Duration, Settings

LEAST_DIGEST: Final = timedelta(minutes=1)

Address = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254)
]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class SmtpSettings(Settings):
    """The mail server that takes the messages."""

    host: str = Field(pattern=r"^\S+$")
    port: int | None = Field(None, ge=1, le=65535, description="default 587, for tls 465, for none 25")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls and tls never fall back to plain text"
    )
    username: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> SmtpSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self

    @property
    def tcp_port(self) -> int:
        """The port as set, else the one that goes with `tls`."""
        return self.port or _PORTS[self.tls]


def _as_digest(value: object) -> object:
    return {"every": value} if isinstance(value, str) else value


def _check_every(value: timedelta) -> timedelta:
    if value < LEAST_DIGEST:
        raise ValueError("a duration of 1m or more")
    return value


def _check_daily(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('a time of the day such as "08:00"')
    return value


class DigestSettings(Settings):
    """Until when mentions are gathered: every so often, or once a day."""

    every: Annotated[Duration, AfterValidator(_check_every)] | None = Field(
        None, description="a digest that often, such as 30m"
    )
    daily: Annotated[str, AfterValidator(_check_daily)] | None = Field(
        None, description='a digest a day at this time of `timezone`, such as "08:00"'
    )
    crisis: bool = Field(False, description="whether a crisis waits for the digest as well")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> DigestSettings:
        if (self.every is None) == (self.daily is None):
            raise ValueError("either `every` or `daily`")
        return self


class EmailSettings(ReceiverSettings):
    """`type: email`. Every address of `to` gets a message of its own."""

    type: Literal["email"]
    to: list[Address] = Field(min_length=1, description="addresses; each gets a message of its own")
    sender: Address = Field(alias="from", description="address in From and in the envelope")
    smtp: SmtpSettings
    storm: StormBrake = Field(CHAT_STORM, description="messages per watchlist before one takes all further ones")
    lang: Lang = Field("en", description="the language of the words around a post")
    digest: Annotated[
        DigestSettings | None, BeforeValidator(_as_digest, json_schema_input_type=Duration | DigestSettings | None)
    ] = Field(None, description="gather mentions into one message: every 30m, or daily")

    @field_validator("base_url")
    @classmethod
    def _has_no_base_url(cls, value: str | None) -> None:
        if value is not None:
            raise ValueError("the mail server is smtp.host and smtp.port: leave base_url out")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses, each once."""
        return tuple(dict.fromkeys(self.to))
