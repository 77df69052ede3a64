"""Who calls: from a request to an actor.

    Authorization: Bearer   the break-glass token: an owner, with the database away too
                            pt-...: an API token; its role
                            a signed operator's token: an account that is enabled, with its role
    cookie                  a session: an account; only if there is no Authorization

What is not known is nobody, which is no error here. The database away is an error of ours, never
a refusal. That a session or token was seen is written by one at a time, and after a failure not
for ``AGAIN_S``: a database that can only be read makes nobody wait but one in that time.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request

from penstock.apps.control.identity import Identity
from penstock.core.errors import StoreError
from penstock.identity import accounts, sessions, tokens
from penstock.identity.errors import NoAccountError
from penstock.telemetry import log
from penstock.web.cookies import cookie_of
from penstock.web.endpoint import Actor, Role

BEARER: Final = "bearer "
BREAK_GLASS: Final = "break-glass"
ROLES: Final[dict[str, Role]] = {
    role.name.lower(): role for role in Role if role is not Role.NOBODY
}

AGAIN_S: Final = 60.0

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Who:
    """Finds out who calls. Owned by one event loop."""

    def __init__(
        self,
        identity: Identity,
        break_glass: str,
        blocking: Blocking,
        now_unix_s: Callable[[], float],
    ) -> None:
        self._identity = identity
        self._break_glass = break_glass.encode()
        self._blocking = blocking
        self._now_unix_s = now_unix_s
        self._note_from_unix_s = 0.0

    async def __call__(self, request: Request) -> Actor:
        """Return the actor; raises StoreError if that cannot be found out."""
        nobody = Actor(address=request.client.host if request.client else "")
        given = request.headers.get("authorization", "")
        if given:
            token = given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""
            return await self._by_token(nobody, token)
        cookie = cookie_of(request, self._identity.cookie)
        if not cookie:
            return nobody
        found: Actor = await self._blocking(lambda: self._by_cookie(nobody, cookie))
        return found

    async def _by_token(self, nobody: Actor, token: str) -> Actor:
        if not token or not token.isascii():
            return nobody
        if secrets.compare_digest(token.encode(), self._break_glass):
            return Actor(BREAK_GLASS, Role.OWNER, nobody.address, is_machine=True)
        by = self._by_api_token if token.startswith(tokens.BEGINS) else self._by_signature
        found: Actor = await self._blocking(lambda: by(nobody, token))
        return found

    def _by_api_token(self, nobody: Actor, token: str) -> Actor:
        now_unix_s = self._now_unix_s()
        with self._identity.rows.reading() as connection:
            found = tokens.find(connection, token, now_unix_s)
        if found is None:
            return nobody
        if tokens.is_stale(found, now_unix_s):
            self._note(lambda connection: tokens.touch(connection, found.name, now_unix_s))
        role = role_of(found.role)
        return Actor(f"token {found.name}", role, nobody.address, is_machine=True)

    def _by_signature(self, nobody: Actor, token: str) -> Actor:
        signed = self._identity.verified(token, self._now_unix_s())
        if signed is None:
            return nobody
        with self._identity.rows.reading() as connection:
            try:
                account = accounts.by_id(connection, signed.subject)
            except NoAccountError:
                return nobody
        if account.disabled_unix_s:
            return nobody
        role = min(role_of(account.role), role_of(signed.role))  # what was taken away is gone
        return Actor(account.email, role, nobody.address, is_machine=True)

    def _by_cookie(self, nobody: Actor, cookie: str) -> Actor:
        now_unix_s = self._now_unix_s()
        with self._identity.rows.reading() as connection:
            found = sessions.find(connection, cookie, self._identity.terms, now_unix_s)
        if found is None:
            return nobody
        session, account = found
        if sessions.is_stale(session, now_unix_s):
            self._note(lambda connection: sessions.touch(connection, session.id, now_unix_s))
        return Actor(
            account.email,
            role_of(account.role),
            nobody.address,
            account=account.id,
            session=session.id,
            since_unix_s=session.created_unix_s,
        )

    def _note(self, write: Callable[[Any], None]) -> None:
        """Write that something was seen; if that fails, nobody is kept out for it."""
        now_unix_s = self._now_unix_s()
        if now_unix_s < self._note_from_unix_s:
            return
        self._note_from_unix_s = now_unix_s + AGAIN_S
        try:
            with self._identity.rows.writing() as connection:
                write(connection)
        except StoreError as error:
            log.warn("seen_not_written", reason=error.message)
        else:
            self._note_from_unix_s = 0.0


def role_of(text: str) -> Role:
    """Return the role that a word means; nobody, if it means none."""
    return ROLES.get(text, Role.NOBODY)
