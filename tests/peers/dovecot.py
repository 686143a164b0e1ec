"""Dovecot: IMAP with TLS to read from, LMTP to deliver to. Packages dovecot-imapd and dovecot-lmtpd."""

from __future__ import annotations

import grp
import pwd
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.peers.running import as_user, folder, free_port, give, need, running, user

NAME, PASSWORD = "kim@example.com", "geheim-ü"
CONFIG = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {place}/run
state_dir = {place}/state
log_path = /dev/stderr
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:~/Maildir
ssl = required
ssl_cert = <{place}/cert.pem
ssl_key = <{place}/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
lmtp_save_to_detail_mailbox = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={place}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls}
  }}
  inet_listener imaps {{
    port = {tls}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running server with the mailbox of one user."""

    place: Path
    tls: int
    starttls: int
    lmtp: int

    @property
    def authority(self) -> Path:
        """The certificate that it shows."""
        return self.place / "cert.pem"

    def deliver(self, *mails: EmailMessage | bytes) -> None:
        """As a mail server would."""
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            for mail in mails:
                content = mail if isinstance(mail, bytes) else mail.as_bytes()
                client.sendmail("sender@example.com", [NAME], content)

    def doveadm(self, *arguments: str) -> str:
        """What an administrator does with mailboxes, and is told."""
        command = [need("doveadm", "dovecot-imapd"), "-c", str(self.place / "dovecot.conf"), *arguments]
        said: str = subprocess.run(command, check=True, capture_output=True, text=True, **as_user()).stdout
        return said


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """The server, until the end of the context."""
    program = need("dovecot", "dovecot-imapd dovecot-lmtpd")
    with folder() as place:
        tls, starttls, lmtp = free_port(), free_port(), free_port()
        group = grp.getgrgid(pwd.getpwnam(user()).pw_gid).gr_name
        _make_certificate(place)
        config = place / "dovecot.conf"
        names = {"place": place, "user": user(), "group": group, "password": PASSWORD}
        config.write_text(CONFIG.format(**names, tls=tls, starttls=starttls, lmtp=lmtp), encoding="utf-8")
        give(place)
        with running([program, "-F", "-c", config], place, tls):
            yield Dovecot(place, tls, starttls, lmtp)


def _make_certificate(place: Path) -> None:
    key: list[str | Path] = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-noenc",
        "-keyout",
        place / "key.pem",
    ]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    command = ["openssl", "req", "-x509", *key, *names, "-out", place / "cert.pem"]
    subprocess.run(command, check=True, capture_output=True)
