"""From the outbox to the receivers; and the loop that keeps objectives watched.

    try        write down that one is made (``outbox.taken``), make it, write down what became of
               it. At most AT_ONCE_MAX at a time
    secrets    a receiver's URL, its secret and the mail server's password are read for each try,
               and are in no message, row or log
    receiver   that is no longer in the configuration gets nothing more

    each EVALUATE_S   all objectives are evaluated
    each DELIVER_S    what is due in the outbox is sent

A database that is away is met with a line in the log; the next turn tries again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from sqlalchemy import select, update

from penstock.apps.control.alerting import Delivery, configured, evaluate
from penstock.apps.control.parts import Parts
from penstock.config import load
from penstock.config.model import Config
from penstock.config.operations import Receiver, ReceiverKind
from penstock.core.errors import PenstockError
from penstock.ledger.store import Store
from penstock.ledger.tables import deliveries
from penstock.notify import email, outbox, slack, webhook
from penstock.notify.message import Message
from penstock.notify.outbound import Outbound
from penstock.notify.outbox import Entry
from penstock.notify.webhook import GoneError
from penstock.telemetry import log
from penstock.web.keeping_up import pause

EVALUATE_S: Final = 30.0
DELIVER_S: Final = 5.0
AT_ONCE_MAX: Final = 10

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
Chance = Callable[[], float]


class Due(msgspec.Struct, frozen=True):
    """One message that is to be sent now."""

    id: str
    receiver: str
    entry: Entry
    message: Message


async def send(config: Config, receiver: Receiver, message: Message, now_unix_s: float) -> None:
    """Tell a receiver; raises OutboundError or StoreError."""
    outbound = Outbound(may_be_private=receiver.may_be_private)
    match receiver.kind:
        case ReceiverKind.WEBHOOK:
            url = load.referenced(receiver.url_env, receiver.url_file, "a receiver's URL")
            what = "a receiver's secret"
            secret = load.referenced(receiver.secret_env, receiver.secret_file, what)
            await webhook.send(outbound, url, secret, message, now_unix_s)
        case ReceiverKind.SLACK:
            url = load.referenced(receiver.url_env, receiver.url_file, "a receiver's URL")
            await slack.send(outbound, url, message)
        case ReceiverKind.EMAIL:
            smtp = config.alerts.smtp
            what = "the mail server's password"
            password = load.referenced(smtp.password_env, smtp.password_file, what)
            refused = await email.send(email.Server(smtp, password), receiver.to, message)
            if refused:
                log.warn("addresses_refused", receiver=receiver.name, number=refused)


def take_due(store: Store, now_unix_s: float) -> list[Due]:
    """Return what is to be sent now, each noted as being tried."""
    statement = (
        select(deliveries)
        .where(deliveries.c.state == outbox.WAITING, deliveries.c.next_unix_s <= now_unix_s)
        .order_by(deliveries.c.next_unix_s, deliveries.c.id)
        .limit(AT_ONCE_MAX)
        .with_for_update()
    )
    with store.writing() as connection:
        found = [_due(row, now_unix_s) for row in connection.execute(statement)]
        for one in found:
            connection.execute(_written(one.id, one.entry))
    return found


def note(store: Store, due: Due, entry: Entry) -> None:
    """Write down what became of a try."""
    with store.writing() as connection:
        connection.execute(_written(due.id, entry))


async def deliver(
    parts: Parts, config: Config, blocking: Blocking, chance: Chance
) -> list[tuple[Due, Entry]]:
    """Send what is due; return each with what became of it."""
    now_unix_s = parts.now_unix_s()
    due = await blocking(lambda: take_due(parts.store, now_unix_s))
    by_name = {one.name: one for one in config.alerts.receivers}

    async def attempt(one: Due) -> tuple[Due, Entry]:
        entry = await _tried(config, by_name.get(one.receiver), one, parts, chance)
        try:
            await blocking(lambda: note(parts.store, one, entry))
        except PenstockError as error:  # it will be tried again, under the same id
            log.warn("message_not_noted", receiver=one.receiver, reason=error.message)
        return one, entry

    return list(await asyncio.gather(*(attempt(one) for one in due)))


async def _tried(
    config: Config, receiver: Receiver | None, due: Due, parts: Parts, chance: Chance
) -> Entry:
    if receiver is None:
        log.warn("message_given_up", receiver=due.receiver, reason="no such receiver any more")
        return msgspec.structs.replace(due.entry, state=outbox.GIVEN_UP)
    try:
        await send(config, receiver, due.message, parts.now_unix_s())
    except PenstockError as error:
        is_final = isinstance(error, GoneError)
        entry = outbox.failed(due.entry, parts.now_unix_s(), chance, is_final=is_final)
        event = "message_given_up" if entry.state == outbox.GIVEN_UP else "message_not_sent"
        log.warn(event, receiver=due.receiver, tries=entry.tries, reason=error.message)
        return entry
    return outbox.sent(due.entry)


class Watching:
    """Keeps objectives watched and receivers told, until it is cancelled."""

    def __init__(self, parts: Parts, blocking: Blocking, chance: Chance) -> None:
        self._parts = parts
        self._blocking = blocking
        self._chance = chance
        self._evaluated_unix_s = 0.0

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            await self.turn()
            await pause(DELIVER_S)

    async def turn(self) -> None:
        """Do what is due now."""
        now_unix_s = self._parts.now_unix_s()
        try:
            config = await self._blocking(lambda: configured(self._parts.publisher))
            if abs(now_unix_s - self._evaluated_unix_s) >= EVALUATE_S:
                self._evaluated_unix_s = now_unix_s
                store = self._parts.store
                changed = await self._blocking(lambda: evaluate(store, config, now_unix_s))
                for alert in changed:
                    last = alert.detail.events[-1]
                    log.info("alert", objective=alert.objective, became=last.kind, id=alert.id)
            await deliver(self._parts, config, self._blocking, self._chance)
        except PenstockError as error:
            log.warn("not_watched", reason=error.message)


def _due(row: Any, now_unix_s: float) -> Due:
    entry = Entry(row.state, row.tries, row.next_unix_s, row.created_unix_s)
    message = msgspec.json.decode(row.document, type=Delivery).message
    return Due(row.id, row.receiver, outbox.taken(entry, now_unix_s), message)


def _written(id_: str, entry: Entry) -> Any:
    return (
        update(deliveries)
        .where(deliveries.c.id == id_)
        .values(state=entry.state, tries=entry.tries, next_unix_s=entry.next_unix_s)
    )
