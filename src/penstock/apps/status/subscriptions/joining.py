"""From a request to a subscription: the same for the form and for Statuspage's API.

    who asks    ADDRESS_HOUR times an hour from one address, NETWORK_HOUR from one network; then a
                429. A mailbox is asked MAILBOX_DAY times a day, whoever asks and whatever follows
                its plus: then nothing is sent, and the answer is the same
    e-mail      an order in the outbox: no mail server is waited for, so the time that an answer
    and chat    takes tells nothing
    a webhook   is asked for its challenge at once, HOST_HOUR times an hour for one host, and
                CHALLENGES_MAX at a time: we are nobody's means to flood somebody

An address is in no log, and in no error but the answer to who gave it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import select
from starlette.requests import Request

from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions import sealing, subscribing
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.apps.status.subscriptions.rates import Rates
from penstock.apps.status.subscriptions.sealing import Sealing
from penstock.apps.status.subscriptions.sending import Ways
from penstock.apps.status.tables import components
from penstock.core.errors import PenstockError
from penstock.notify import webhook
from penstock.notify.outbound import OutboundError
from penstock.telemetry import log
from penstock.web import address
from penstock.web.endpoint import InvalidError

ADDRESS_HOUR: Final = 20  # a company behind one address subscribes its webhooks
NETWORK_HOUR: Final = 60
MAILBOX_DAY: Final = 5
HOST_HOUR: Final = 30
CHALLENGES_MAX: Final = 8
HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
CHALLENGE_BYTES: Final = 32

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class TooOftenError(PenstockError):
    """Somebody asks more often than anybody needs to."""

    status = 429
    code = "too_often"
    remedy = "Wait an hour, then ask again."
    retry_after_s = HOUR_S


class ClosedError(PenstockError):
    """This page takes no subscriptions, or none of this kind."""

    status = 403
    code = "no_subscriptions"
    remedy = "Follow the Atom feed."


class Joined(msgspec.Struct, frozen=True):
    """What came of it; ``token`` and ``secret`` of a webhook that is new are told once."""

    asked: Asked
    public_id: str
    token: str = ""
    secret: str = ""


class Joining:
    """Takes people on. Owned by one event loop."""

    def __init__(self, parts: Parts, blocking: Blocking, ways: Ways) -> None:
        self._parts = parts
        self._blocking = blocking
        self._ways = ways
        self._sealing: Sealing | None = None
        self._challenges = asyncio.Semaphore(CHALLENGES_MAX)
        self._by_address = Rates(ADDRESS_HOUR, HOUR_S)
        self._by_network = Rates(NETWORK_HOUR, HOUR_S)
        self._by_mailbox = Rates(MAILBOX_DAY, DAY_S)
        self._by_host = Rates(HOST_HOUR, HOUR_S)

    async def known(self) -> Mapping[str, Sequence[str]]:
        """Return the members by id of all that can be chosen; of a component: none."""
        return await self._blocking(self._known)

    def _known(self) -> Mapping[str, Sequence[str]]:
        statement = select(components.c.id, components.c.group_id).where(components.c.is_gone == 0)
        with self._parts.store.reading() as connection:
            rows = connection.execute(statement).all()
        found: dict[str, list[str]] = {row.id: [] for row in rows}
        for row in rows:
            if row.group_id in found:
                found[row.group_id].append(row.id)
        return found

    async def sealing(self) -> Sealing:
        """Return what seals; raises StoreError."""
        found = self._sealing
        if found is None:
            found = await self._blocking(lambda: sealing.kept(self._parts.state_dir))
            self._sealing = found
        return found

    def check_open(self) -> None:
        """Raise ClosedError if this page takes no subscriptions."""
        if not self._parts.config.status.takes_subscriptions:
            raise ClosedError("this page takes no subscriptions")

    def check_rates(self, request: Request) -> None:
        """Count a request of somebody's; raises TooOftenError."""
        peer = request.client.host if request.client else ""
        trusted = address.networks(self._parts.config.status.trusted_proxies)
        client = address.client_of(peer, request.headers.getlist(address.FORWARDED), trusted)
        now_unix_s = self._parts.now_unix_s()
        is_address_fine = self._by_address.allows(client, now_unix_s)
        is_network_fine = self._by_network.allows(address.network_of(client), now_unix_s)
        if not (is_address_fine and is_network_fine):
            raise TooOftenError("there have been too many requests from your network")

    async def join(self, asked: Asked) -> Joined:
        """Take somebody on; raises a PenstockError in words for who asks."""
        seals = await self.sealing()
        public_id = seals.public_id(asked.kind.value, asked.key)
        if asked.kind is Kind.WEBHOOK:
            return await self._add(seals, asked, public_id)
        if asked.kind is Kind.EMAIL and not self._parts.config.alerts.smtp.host:
            raise ClosedError("this page sends no mail")
        now_unix_s = self._parts.now_unix_s()
        host = self._host(asked)
        if asked.kind is Kind.SLACK and not self._by_host.allows(host, now_unix_s):
            raise TooOftenError(f"{host} has been asked too often")
        is_fine = asked.kind is Kind.SLACK or self._by_mailbox.allows(asked.mailbox, now_unix_s)
        await self._blocking(lambda: self._ask(seals, asked, is_fine=is_fine))
        log.info("subscription_asked", kind=asked.kind.value)
        return Joined(asked, public_id)

    def _ask(self, seals: Sealing, asked: Asked, *, is_fine: bool) -> None:
        now_unix_s = self._parts.now_unix_s()
        with self._parts.store.writing(is_durable=True) as connection:
            if is_fine:
                subscribing.ask(connection, seals, asked, now_unix_s)
            else:
                subscribing.check_bounds(connection, now_unix_s)

    async def _add(self, seals: Sealing, asked: Asked, public_id: str) -> Joined:
        """Take a webhook on that sends its challenge back."""
        await self._blocking(self._check_room)
        now_unix_s = self._parts.now_unix_s()
        host = self._host(asked)
        if not self._by_host.allows(host, now_unix_s) or self._challenges.locked():
            raise TooOftenError(f"{host} has been asked too often, or too many webhooks are asked")
        async with self._challenges:
            await self._challenge(asked)

        def add() -> tuple[str, str] | None:
            with self._parts.store.writing(is_durable=True) as connection:
                return subscribing.add(connection, seals, asked, now_unix_s)

        added = await self._blocking(add)
        if added is None:
            return Joined(asked, public_id)
        id_, token = added
        log.info("subscription_confirmed", kind=asked.kind.value, subscriber=id_)
        return Joined(asked, public_id, token, seals.webhook_secret(id_))

    def _check_room(self) -> None:
        with self._parts.store.reading() as connection:
            subscribing.check_bounds(connection, self._parts.now_unix_s())

    async def _challenge(self, asked: Asked) -> None:
        may_be_private = self._parts.config.status.subscribers_may_be_private
        challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
        try:
            outbound = self._ways.outbound(may_be_private)
            is_theirs = await webhook.confirm(outbound, asked.address, challenge)
        except OutboundError as error:
            words = f"the webhook cannot be asked: {error.message}"
            raise InvalidError(words, "address") from error
        if not is_theirs:
            words = (
                "the webhook did not send the challenge back: it must answer 2xx with the value of"
                ' "challenge" that it was sent'
            )
            raise InvalidError(words, "address")

    def _host(self, asked: Asked) -> str:
        return urlsplit(asked.address).hostname or ""
