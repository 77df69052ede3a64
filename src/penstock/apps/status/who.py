"""Who calls: operators, also with control dead.

    Authorization: Bearer   the break-glass token of the state directory: an owner
                            an operator's token that control has signed: its role, checked with
                            control's public keys in run/operator.pub, by nobody's help
    cookie                  of a browser that has come in by ``manage/entering.py``: an operator's
                            token, or a ticket that the break-glass token was given for

ticket      lasts 12 hours; it is made from the break-glass token and does not tell it

What is not known is nobody, which is no error here. A role that control has taken away since lasts
until its token ends: 12 hours.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.requests import Request

from penstock.config import private_file
from penstock.core.errors import KeyRefusedError, StoreError
from penstock.identity import signing
from penstock.web import site
from penstock.web.endpoint import Actor, Role

BEARER: Final = "bearer "
ISSUER: Final = "penstock-control"
AUDIENCE: Final = "penstock-operators"
PUBLIC_KEYS: Final = Path("run") / "operator.pub"
BREAK_GLASS: Final = "break-glass"
TICKET: Final = "ticket"
COOKIE: Final = "penstock_status"
ROLES: Final = {role.name.lower(): role for role in Role if role is not Role.NOBODY}
DIGITS_MAX: Final = 12  # of an instant in whole seconds


class Entered(msgspec.Struct, frozen=True):
    """A browser that may come in: who it is, and what its cookie holds until when."""

    actor: Actor
    value: str
    expires_unix_s: float


class Who:
    """Finds out who calls. May be shared by threads."""

    def __init__(self, state_dir: Path, break_glass: str, now_unix_s: Callable[[], float]) -> None:
        self._public = state_dir / PUBLIC_KEYS
        self._break_glass = break_glass.encode()
        self._now_unix_s = now_unix_s

    async def __call__(self, request: Request) -> Actor:
        """Return the actor of a request; what stands in Authorization goes before a cookie."""
        address = request.client.host if request.client else ""
        given = request.headers.get("authorization", "")
        if given:
            token = given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""
            return self.by_token(token, address)
        value = request.cookies.get(cookie_name(site.origin_of(request.scope)), "")
        actor = self._by_ticket(value, address) or self.by_token(value, address)
        return msgspec.structs.replace(actor, is_machine=False)

    def by_token(self, token: str, address: str) -> Actor:
        """Return whose a token is."""
        nobody = Actor(address=address)
        if not token or not token.isascii():
            return nobody
        if secrets.compare_digest(token.encode(), self._break_glass):
            return Actor(BREAK_GLASS, Role.OWNER, address, is_machine=True)
        signed = self._signed(token, self._now_unix_s())
        if signed is None:
            return nobody
        role = ROLES.get(signed.role, Role.NOBODY)
        return Actor(signed.name or signed.subject, role, address, is_machine=True)

    def enter(self, token: str, address: str) -> Entered:
        """Return what a browser that shows a token gets; raises KeyRefusedError, which says why."""
        actor = self.by_token(token, address)
        if actor.role is Role.NOBODY:
            raise self._refused(token)
        now_unix_s = self._now_unix_s()
        signed = self._signed(token, now_unix_s)
        if signed is not None:
            return Entered(actor, token, signed.expires_unix_s)
        expires_unix_s = int(now_unix_s + signing.LASTS_S)
        return Entered(actor, self._ticket(expires_unix_s), float(expires_unix_s))

    def _refused(self, token: str) -> KeyRefusedError:
        """Return why a token lets nobody in."""
        if not token:
            error = KeyRefusedError("no token was given")
        elif not self._public.exists():
            error = KeyRefusedError("control has never run here, so no operator's token is known")
        elif (expired_unix_s := _expiry(token)) and (
            expired_unix_s < self._now_unix_s() and self._signed(token, expired_unix_s) is not None
        ):
            error = KeyRefusedError("this token has expired: tokens last 12 hours")
        else:
            error = KeyRefusedError("this token is not one of this installation's")
        error.remedy = (
            "Take a new one in the console (Status page), or the one in control.token of the "
            "state directory."
        )
        return error

    def _signed(self, token: str, now_unix_s: float) -> signing.Signed | None:
        try:
            public = private_file.read(self._public)
        except StoreError:  # control has never run here
            return None
        return signing.verify(public, token, ISSUER, AUDIENCE, now_unix_s)

    def _ticket(self, expires_unix_s: int) -> str:
        words = f"{TICKET}.{expires_unix_s}"
        told = hmac.new(self._break_glass, words.encode(), hashlib.sha256).hexdigest()
        return f"{words}.{told}"

    def _by_ticket(self, value: str, address: str) -> Actor | None:
        kind, _, rest = value.partition(".")
        expires = rest.partition(".")[0]
        is_ticket = kind == TICKET and expires.isascii() and expires.isdigit()
        if not is_ticket or len(expires) > DIGITS_MAX or not value.isascii():
            return None
        is_ours = secrets.compare_digest(value.encode(), self._ticket(int(expires)).encode())
        if not is_ours or int(expires) <= self._now_unix_s():
            return None
        return Actor(BREAK_GLASS, Role.OWNER, address)


def cookie_name(origin: str) -> str:
    """Return the cookie's name: over TLS one that no other host or port can set."""
    return f"__Host-{COOKIE}" if origin.startswith("https:") else COOKIE


def _expiry(token: str) -> float:
    """Return when a token says that it ends, unchecked; 0 if it says nothing."""
    if len(token) > signing.TOKEN_BYTES_MAX:
        return 0.0
    part = token.split(".")[1] if token.count(".") > 1 else ""
    try:
        padded = part + "=" * (-len(part) % 4)
        claims: dict[str, Any] = msgspec.json.decode(
            base64.urlsafe_b64decode(padded), type=dict[str, Any]
        )
        return float(claims["exp"])
    except (binascii.Error, msgspec.MsgspecError, ValueError, TypeError, KeyError):
        return 0.0
