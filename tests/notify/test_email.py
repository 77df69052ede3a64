"""Mail to a real server: encrypted or not sent, whole, and foldable."""

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.handlers import Message as Kept
from aiosmtpd.smtp import SMTP, AuthResult
from tests.notify.receiver import Authority

from penstock.config.operations import Smtp
from penstock.notify import email
from penstock.notify.message import Message
from penstock.notify.outbound import OutboundError

MESSAGE = Message(
    id="a1-1",
    kind="opened",
    severity="page",
    title="It burns: Grüße & <b>",
    lines=("first line", "<script>alert(1)</script>"),
    link="http://127.0.0.1:8402/objectives?a=1&b=2",
    at_unix_s=1_800_000_000.0,
)
TO = ("ops@example.org", "more@example.org")
PASSWORD = "a password of the tests"


class Box(Kept):
    """Keeps mail."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mail: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.rejects, self.code = "", 550
        vars(self)["handle_RCPT"] = self.recipient  # aiosmtpd's name for it

    def handle_message(self, message: Any) -> None:
        self.mail.append(message)

    async def recipient(self, *args: Any) -> str:
        envelope, address = args[2], str(args[3])
        if self.rejects and self.rejects in address:
            return f"{self.code} not here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def login(self, *args: Any) -> AuthResult:
        self.logins.append((args[4].login, args[4].password))
        return AuthResult(success=True)


def send(
    box: Box,
    *,
    is_tls: bool,
    client: ssl.SSLContext | None = None,
    user: str = "",
    **settings: Any,
) -> int:
    """Send the message to a real server that puts its mail into the box."""

    async def run() -> int:
        loop = asyncio.get_running_loop()
        protocols: list[SMTP] = []

        def protocol() -> SMTP:
            protocols.append(SMTP(box, loop=loop, **settings))
            return protocols[-1]

        server = await loop.create_server(protocol, "127.0.0.1", 0)
        smtp = Smtp(
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            is_tls=is_tls,
            user=user,
            sender="penstock@example.org",
        )
        password = PASSWORD if user else ""
        try:
            return await email.send(email.Server(smtp, password, client), TO, MESSAGE)
        finally:
            server.close()
            for one in protocols:
                if isinstance(one.transport, asyncio.WriteTransport):
                    one.transport.abort()
            await asyncio.sleep(0)

    return asyncio.run(run())


def test_a_mail_is_whole_as_text_and_as_html() -> None:
    box = Box()
    send(box, is_tls=False)
    (mail,) = box.mail
    assert mail["Subject"] is not None
    assert str(mail["To"]) == "ops@example.org, more@example.org"
    assert mail["Message-ID"] == "<a1-1@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, rich = mail.get_payload()
    assert "first line" in text.get_payload(decode=True).decode()
    page = rich.get_payload(decode=True).decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert 'href="http://127.0.0.1:8402/objectives?a=1&amp;b=2"' in page


def test_a_password_and_a_message_go_through_starttls_only() -> None:
    authority, box = Authority(), Box()
    settings: dict[str, Any] = {
        "tls_context": authority.server("127.0.0.1"),
        "auth_required": True,
        "authenticator": box.login,
    }
    send(box, is_tls=True, client=authority.client(), user="penstock", **settings)
    assert box.logins == [(b"penstock", PASSWORD.encode())]
    assert len(box.mail) == 1
    with pytest.raises(OutboundError, match="CERTIFICATE_VERIFY_FAILED"):
        send(box, is_tls=True, user="penstock", **settings)
    assert len(box.logins) == 1


def test_a_server_without_tls_gets_nothing() -> None:
    box = Box()
    with pytest.raises(OutboundError, match="STARTTLS"):
        send(box, is_tls=True, user="penstock")
    assert (box.mail, box.logins) == ([], [])


def test_it_fails_if_every_address_is_refused() -> None:
    box = Box()
    box.rejects = "example"
    with pytest.raises(OutboundError, match="2 addresses") as told:
        send(box, is_tls=False)
    assert "example.org" not in told.value.message


def test_one_address_that_is_refused_does_not_repeat_it_for_the_others() -> None:
    box = Box()
    box.rejects = "more"
    assert send(box, is_tls=False) == 1
    assert len(box.mail) == 1


def test_nobody_there_is_told() -> None:
    server = email.Server(Smtp(host="127.0.0.1", port=9, is_tls=False, sender="a@example.org"))
    with pytest.raises(OutboundError, match="mail server"):
        asyncio.run(email.send(server, TO, MESSAGE))


def test_no_title_can_write_a_header() -> None:
    evil = Message(id="a", kind="test", severity="", title="a\r\nBcc: evil@example.org\r\n\r\nbody")
    mail = email.written("a@example.org", TO, evil)
    assert mail["Bcc"] is None
    assert "\n" not in str(mail["Subject"])


def test_what_a_server_says_is_told_and_our_words_are_not() -> None:
    error = smtplib.SMTPAuthenticationError(535, b"5.7.8 wrong\r\n")
    assert email.said(error) == "535 5.7.8 wrong"


def test_a_mail_to_the_public_has_its_own_link_foot_and_headers() -> None:
    dress = email.Dress(
        link_words="Open the status page",
        headers=(("List-Unsubscribe", "<https://status.example.org/s/1>"),),
        foot="Change or end this subscription <now>",
        foot_link="https://status.example.org/s/1?a=1&b=2",
        can_press=False,
    )
    mail = email.written("a@example.org", TO[:1], MESSAGE, dress)
    assert mail["List-Unsubscribe"] == "<https://status.example.org/s/1>"
    assert mail["X-Priority"] is None
    text, rich = (part.get_content() for part in mail.iter_parts())
    assert text.rstrip().endswith("--\nChange or end this subscription <now>\n" + dress.foot_link)
    assert "Open the status page</a>" in rich
    assert "subscription &lt;now&gt;</a>" in rich
    assert 'href="https://status.example.org/s/1?a=1&amp;b=2"' in rich


def test_a_long_link_in_a_list_header_is_sent_as_it_is() -> None:
    link = f"<https://status.example.org/subscription/{'x' * 200}>"
    dress = email.Dress(headers=(("List-Unsubscribe", link),))
    sent = email.written("a@example.org", TO, MESSAGE, dress).as_bytes()
    assert f"\nList-Unsubscribe: {link}\n".encode() in sent
    assert b"Subject: It burns: =?utf-8?" in sent  # all else is folded as ever


def test_a_header_of_a_dress_is_one_line() -> None:
    dress = email.Dress(headers=(("List-Unsubscribe", "<a>\r\nBcc: evil@example.org"),))
    mail = email.written("a@example.org", TO, MESSAGE, dress)
    assert mail["Bcc"] is None


@pytest.mark.parametrize(("code", "is_final"), [(550, True), (450, False)])
def test_an_address_that_is_refused_is_no_server_that_fails(code: int, *, is_final: bool) -> None:
    box = Box()
    box.rejects, box.code = "example", code
    with pytest.raises(email.RefusedAddressError) as told:
        send(box, is_tls=False)
    assert told.value.is_final == is_final
