"""Passkeys: WebAuthn credentials that a browser or a security key holds (W3C, Level 3).

where      a relying party is a name, never an IP address; a credential works there alone
register   by a session that is logged in; discoverable, so that a log-in needs no address typed
verify     the authenticator must have verified its user: a passkey is two factors by itself
once       the challenge lies in a signed ticket, used up by what it was for
cloned     a signature counter that does not grow is refused (zero: the authenticator has none)

No attestation is asked for: whoever may log in may do so with whatever they trust.
"""

import secrets
from typing import Any, Final

import msgspec
import webauthn
from cbor2 import CBORError
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from penstock.identity.accounts import NAME_MAX, Account, by_id
from penstock.identity.errors import AccountError, LogInError, NoAccountError
from penstock.identity.tables import passkeys
from penstock.identity.tickets import Tickets

REGISTERING: Final = "passkey-registering"
ENTERING: Final = "passkey-entering"
WITHIN_S: Final = 300.0  # from the question to the answer: a PIN has to be found
EACH_MAX: Final = 20  # passkeys of one account
CHALLENGE_BYTES: Final = 32
WRONG: Final = (WebAuthnException, CBORError, ValueError, KeyError, TypeError, AttributeError)


class Party(msgspec.Struct, frozen=True):
    """Who asks: the name that passkeys are bound to, and the origin of its pages."""

    id: str
    origin: str
    name: str


def host_of(origin: str) -> str:
    """Return what passkeys of an origin are bound to: its host without the port."""
    host = origin.partition("://")[2]
    return host.rpartition(":")[0] or host


class Challenge(msgspec.Struct, frozen=True):
    """What a ticket remembers between question and answer."""

    challenge: str
    account: str = ""  # of a registration


class Passkey(msgspec.Struct, frozen=True):
    """One passkey, as its owner sees it."""

    id: str
    name: str
    created_unix_s: float
    used_unix_s: float


class Question(msgspec.Struct, frozen=True):
    """What the browser is asked, as JSON, and the ticket that it brings back."""

    options: msgspec.Raw
    ticket: str


def ask_to_register(
    connection: Connection, tickets: Tickets, party: Party, account: Account, now_unix_s: float
) -> Question:
    """Return what a browser needs to make a passkey; raises AccountError if there are too many."""
    found = listed(connection, account.id)
    if len(found) >= EACH_MAX:
        raise AccountError(f"an account has at most {EACH_MAX} passkeys: remove one first")
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=account.id.encode(),
        user_name=account.email,
        user_display_name=account.name,
        challenge=challenge,
        timeout=int(WITHIN_S * 1000),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(base64url_to_bytes(one.id)) for one in found
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    content = Challenge(bytes_to_base64url(challenge), account.id)
    ticket = tickets.issue(REGISTERING, content, now_unix_s + WITHIN_S)
    return Question(msgspec.Raw(webauthn.options_to_json(options).encode()), ticket)


class Answer(msgspec.Struct, frozen=True):
    """What the browser sends back."""

    ticket: str
    credential: dict[str, Any]
    name: str = ""


def register(
    connection: Connection, tickets: Tickets, party: Party, answer: Answer, now_unix_s: float
) -> tuple[Passkey, str]:
    """Keep a new passkey; return it with its account's id; raises LogInError or AccountError."""
    ticket = tickets.read(REGISTERING, answer.ticket, Challenge, now_unix_s)
    if ticket is None:
        raise LogInError("the question to the passkey has expired")
    ticket.spend(connection, now_unix_s)
    try:
        made = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=base64url_to_bytes(ticket.content.challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except WRONG as error:
        raise LogInError("the passkey's answer is not valid here") from error
    count = select(func.count()).where(passkeys.c.account == ticket.content.account)
    name = " ".join(answer.name.split())[:NAME_MAX]
    name = name or f"Passkey {(connection.execute(count).scalar() or 0) + 1}"
    passkey = Passkey(bytes_to_base64url(made.credential_id), name, now_unix_s, 0.0)
    try:
        connection.execute(
            insert(passkeys).values(
                **msgspec.structs.asdict(passkey),
                account=ticket.content.account,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
            )
        )
    except IntegrityError as error:
        raise AccountError("this passkey is known already") from error
    return passkey, ticket.content.account


def ask_to_enter(tickets: Tickets, party: Party, now_unix_s: float) -> Question:
    """Return what a browser needs to log in with whatever passkey it has for this place."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=int(WITHIN_S * 1000),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    content = Challenge(bytes_to_base64url(challenge))
    ticket = tickets.issue(ENTERING, content, now_unix_s + WITHIN_S)
    return Question(msgspec.Raw(webauthn.options_to_json(options).encode()), ticket)


def enter(
    connection: Connection, tickets: Tickets, party: Party, answer: Answer, now_unix_s: float
) -> Account:
    """Return the account that a passkey has proven; raises LogInError."""
    ticket = tickets.read(ENTERING, answer.ticket, Challenge, now_unix_s)
    if ticket is None:
        raise LogInError("the question to the passkey has expired")
    ticket.spend(connection, now_unix_s)
    row = connection.execute(
        select(passkeys).where(passkeys.c.id == str(answer.credential.get("id"))).with_for_update()
    ).first()
    if row is None:
        raise LogInError("this passkey is not known here")
    try:
        shown = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=base64url_to_bytes(ticket.content.challenge),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except WRONG as error:
        raise LogInError("the passkey's answer is not valid here") from error
    connection.execute(
        update(passkeys)
        .where(passkeys.c.id == row.id)
        .values(sign_count=shown.new_sign_count, used_unix_s=now_unix_s)
    )
    try:
        account = by_id(connection, row.account)
    except NoAccountError as error:
        raise LogInError("this passkey is not known here") from error
    if account.disabled_unix_s:
        raise LogInError("this passkey is not known here")
    return account


def listed(connection: Connection, account: str) -> list[Passkey]:
    """Return an account's passkeys, the oldest first."""
    rows = connection.execute(
        select(passkeys)
        .where(passkeys.c.account == account)
        .order_by(passkeys.c.created_unix_s, passkeys.c.id)
    )
    return [Passkey(row.id, row.name, row.created_unix_s, row.used_unix_s) for row in rows]


def remove(connection: Connection, account: str, passkey: str) -> None:
    """Forget one of an account's passkeys; raises NoAccountError if it has none such."""
    gone = connection.execute(
        delete(passkeys).where(passkeys.c.account == account, passkeys.c.id == passkey)
    )
    if not gone.rowcount:
        raise NoAccountError("there is no such passkey")
