"""Who calls the chat: a person with a session, the break-glass token, or nobody.

    Authorization: Bearer   the break-glass token of the state directory: may look after accounts
                            (``/api/v1/admin``), and is nobody elsewhere, as it has no account
    cookie                  a session: its account

An actor's role is VIEWER for whoever has an account, guests too, and OWNER for administrators. What
is theirs is found by ``account``. The database away is an error of ours, never a refusal; the
identity provider is not asked. That a session was seen is noted and not waited for: a database that
can only be read keeps nobody out.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request

from penstock.apps.chat.identity import Identity
from penstock.apps.chat.identity import Role as Kind
from penstock.config.model import Config
from penstock.identity import sessions
from penstock.identity.accounts import Account
from penstock.identity.sessions import Session
from penstock.web.address import FORWARDED, client_of, networks
from penstock.web.cookies import cookie_of
from penstock.web.endpoint import Actor, Role

BEARER: Final = "bearer "
BREAK_GLASS: Final = "break-glass"
ADMIN: Final = "/api/v1/admin"

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
Found = tuple[Session, Account]


class Who:
    """Finds out who calls. Owned by one event loop."""

    def __init__(
        self,
        identity: Identity,
        break_glass: str,
        blocking: Blocking,
        now_unix_s: Callable[[], float],
        config: Callable[[], Config],
        note_seen: Callable[[str, float], None],
    ) -> None:
        self._identity = identity
        self._break_glass = break_glass.encode()
        self._blocking = blocking
        self._now_unix_s = now_unix_s
        self._config = config
        self._note_seen = note_seen

    async def __call__(self, request: Request) -> Actor:
        """Return the actor; raises StoreError if that cannot be found out."""
        nobody = Actor(address=self.address_of(request))
        given = request.headers.get("authorization", "")
        if given:
            return self._by_token(request, nobody, given)
        cookie = cookie_of(request, self._identity.cookie)
        if not cookie:
            return nobody
        now_unix_s = self._now_unix_s()
        found: Found | None = await self._blocking(lambda: self._found(cookie, now_unix_s))
        if found is None:
            return nobody
        session, account = found
        if sessions.is_stale(session, now_unix_s):
            self._note_seen(session.id, now_unix_s)
        is_admin = account.role == Kind.ADMIN.value
        return Actor(
            account.name,
            Role.OWNER if is_admin else Role.VIEWER,
            nobody.address,
            account=account.id,
            session=session.id,
            since_unix_s=session.created_unix_s,
        )

    def address_of(self, request: Request) -> str:
        """Return where a request comes from, also behind proxies that are trusted."""
        peer = request.client.host if request.client else ""
        trusted = networks(self._config().chat.trusted_proxies)
        return client_of(peer, request.headers.getlist(FORWARDED), trusted)

    def _by_token(self, request: Request, nobody: Actor, given: str) -> Actor:
        token = given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""
        is_theirs = request.url.path.startswith(f"{ADMIN}/")
        if not is_theirs or not token.isascii():
            return nobody
        if not secrets.compare_digest(token.encode(), self._break_glass):
            return nobody
        return Actor(BREAK_GLASS, Role.OWNER, nobody.address, is_machine=True)

    def _found(self, cookie: str, now_unix_s: float) -> Found | None:
        with self._identity.rows.reading() as connection:
            return sessions.find(connection, cookie, self._identity.terms, now_unix_s)
