"""E-mail: one message to all addresses of a receiver, as text and as HTML.

    TLS      STARTTLS, or TLS from the start on port 465; without it only where ``is_tls`` is off.
             A server that offers none is not told the password, nor the message
    id       Message-ID is made of the message's id, so that mail programs fold repeats
    robots   Auto-Submitted keeps holiday answers away (RFC 3834)
    dress    what differs by who is told: more headers, the words of the link, what stands below
    refused  an address that the server will not have is told apart from a server that fails

smtplib blocks, so a thread runs it, for ``WITHIN_S`` at most.
"""

import asyncio
import html
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Final

import certifi
import msgspec

from penstock.config.operations import Smtp
from penstock.notify.message import Message
from penstock.notify.outbound import OutboundError

WITHIN_S: Final = 20.0  # servers that greylist or scan let one wait
TLS_PORT: Final = 465
SUBJECT_MAX: Final = 200
LIST: Final = "list-"
GREY: Final = "color:#5f6b76"


class RefusedAddressError(OutboundError):
    """The server takes mail, but none for these addresses; ``is_final``: nor will it later."""

    code = "address_refused"
    remedy = "Check the addresses."

    def __init__(self, message: str, *, is_final: bool) -> None:
        super().__init__(message)
        self.is_final = is_final


class _Whole(EmailPolicy):
    """Leaves a link in a List- header whole: encoded as words, no mail program would find it."""

    def fold(self, name: str, value: str) -> str:
        """Return a header's lines."""
        if name.lower().startswith(LIST):
            return f"{name}: {value}{self.linesep}"
        return super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header's lines as bytes."""
        if name.lower().startswith(LIST):
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


class Dress(msgspec.Struct, frozen=True, kw_only=True):
    """How a message looks as a mail. No header's name is one that every mail has."""

    link_words: str = "Open in the console"
    headers: tuple[tuple[str, str], ...] = ()
    foot: str = ""  # a sentence beneath
    foot_link: str = ""
    can_press: bool = True  # marks what is severe as urgent

    @property
    def text(self) -> str:
        """What stands beneath, as plain text."""
        beneath = "\n".join(part for part in (self.foot, self.foot_link) if part)
        return f"\n\n--\n{beneath}" if beneath else ""


class Server(msgspec.Struct, frozen=True):
    """Where mail is handed in; the password is read when it is needed."""

    smtp: Smtp
    password: str = ""
    tls: ssl.SSLContext | None = None  # none: the public authorities


CONSOLE: Final = Dress()
PERMANENT: Final = 500  # SMTP codes from here on: another try changes nothing


async def send(
    server: Server, to: tuple[str, ...], message: Message, dress: Dress = CONSOLE
) -> int:
    """Send a message; return how many addresses the server refused. Raises OutboundError.

    If one was taken it has been sent: another try would tell that one again.
    """
    mail = written(server.smtp.sender, to, message, dress)
    try:
        async with asyncio.timeout(WITHIN_S):
            return await asyncio.to_thread(_hand_in, server, mail)
    except TimeoutError as error:
        words = f"the mail server has not answered within {WITHIN_S:g} s"
        raise OutboundError(words) from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        is_final = all(code >= PERMANENT for code in codes)
        raise RefusedAddressError(f"the mail server: {said(error)}", is_final=is_final) from error
    except (smtplib.SMTPException, OSError) as error:
        raise OutboundError(f"the mail server: {said(error)}") from error


def public_tls() -> ssl.SSLContext:
    """Return what trusts the public authorities; making it takes longer than sending a mail."""
    return ssl.create_default_context(cafile=certifi.where())


def written(
    sender: str, to: tuple[str, ...], message: Message, dress: Dress = CONSOLE
) -> EmailMessage:
    """Return the mail."""
    mail = EmailMessage(_Whole())
    mail["Subject"] = _one_line(message.title)[:SUBJECT_MAX]
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.at_unix_s, UTC))
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in dress.headers:
        mail[name] = _one_line(value)
    if dress.can_press and message.severity == "page" and message.kind != "resolved":
        mail["X-Priority"] = "1"
    mail.set_content(message.text + dress.text + "\n")
    mail.add_alternative(_html(message, dress), subtype="html")
    return mail


def _hand_in(server: Server, mail: EmailMessage) -> int:
    smtp = server.smtp
    tls = server.tls
    if smtp.is_tls and tls is None:
        tls = public_tls()
    if smtp.is_tls and smtp.port == TLS_PORT:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            smtp.host, smtp.port, timeout=WITHIN_S, context=tls
        )
    else:
        connection = smtplib.SMTP(smtp.host, smtp.port, timeout=WITHIN_S)
    with connection:
        if smtp.is_tls and smtp.port != TLS_PORT:
            connection.starttls(context=tls)  # raises if the server has none
        if smtp.user:
            connection.login(smtp.user, server.password)
        return len(connection.send_message(mail))  # raises if nobody was taken


def _html(message: Message, dress: Dress) -> str:
    rows = "".join(f"<p>{html.escape(line)}</p>" for line in message.lines)
    link = f"<p>{_anchor(message.link, dress.link_words)}</p>" if message.link else ""
    foot = html.escape(dress.foot or message.id)
    if dress.foot_link:
        foot = _anchor(dress.foot_link, dress.foot or dress.foot_link)
    return (
        '<div style="font:15px/1.5 system-ui,sans-serif;max-width:40em">'
        f"<h1 style='font-size:20px;line-height:1.25'>{html.escape(message.title)}</h1>"
        f"{rows}{link}<p style='{GREY};font-size:12px'>{foot}</p></div>"
    )


def _anchor(href: str, words: str) -> str:
    return f'<a href="{html.escape(href, quote=True)}">{html.escape(words)}</a>'


def _one_line(text: str) -> str:
    return " ".join(text.split())


def said(error: Exception) -> str:
    """Return what went wrong: the server's words, never ours to it."""
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        told = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        return f"{error.smtp_code} {_one_line(told)}"[:200]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        number = len(error.recipients)
        return f"{number} address{'es were' if number > 1 else ' was'} refused"
    return _one_line(str(error))[:200] or type(error).__name__
