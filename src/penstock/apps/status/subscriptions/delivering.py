"""From the outbox to the subscribers.

    a lane      for each kind: mail servers, webhooks and chat systems do not wait for each other.
                At most AT_ONCE of a lane are under way; one that hangs holds one place
    a try       write down that one is made (``outbox.taken``), make it, write down how it went
    again       after FIRST_S, then twice as long each time, for a day (``outbox``)
    ended       a webhook that answers 410 (Gone)
    quarantine  whoever has failed for QUARANTINE_S and QUARANTINE_TRIES times is told nothing until
                somebody presses a button on the page of the subscription; the audit log says so.
                A mail server that fails is no subscriber's fault, an address that it refuses is

What is promised: what was saved is told, at least once, to each whose subscription lasts, unless
its receiver is away for a day or a newer message of the same incident stands in for it. It is told
once, unless we die, or the answer is lost, between a receiver's taking it and our note of that.
Then it is told again under the same id (``webhook-id``, ``Message-ID``), by which the receiver can
tell; a chat system cannot. Order is not promised: a payload has the whole incident.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from penstock.apps.status import viewing
from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions import noticing, sealing, sending, subscribing
from penstock.apps.status.subscriptions.asking import Kind
from penstock.apps.status.subscriptions.sealing import Sealing
from penstock.apps.status.subscriptions.sending import Due, Sending, StaleError, Ways
from penstock.apps.status.tables import audit, deliveries, notices, subscribers
from penstock.apps.status.view import View
from penstock.core.errors import PenstockError
from penstock.ledger.store import Store
from penstock.notify import outbox
from penstock.notify.email import RefusedAddressError
from penstock.notify.outbound import OutboundError
from penstock.notify.outbox import Entry
from penstock.notify.webhook import GoneError
from penstock.telemetry import log
from penstock.web.keeping_up import is_set_within, pause

AT_ONCE: Final = {Kind.EMAIL: 8, Kind.WEBHOOK: 24, Kind.SLACK: 8}  # mail servers count connections
POLL_S: Final = 1.0
PURGE_S: Final = 60.0
FRESH_S: Final = 2.0  # for which a view serves many messages
AFTER_ERROR_S: Final = 5.0
QUARANTINE_S: Final = 3 * 86_400.0  # a long weekend
QUARANTINE_TRIES: Final = 10
OURSELVES: Final = "status"  # in the audit log

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
Chance = Callable[[], float]
Read = Callable[[Connection, Parts, float], View]


class Taken(msgspec.Struct, frozen=True):
    """One delivery, noted as being tried."""

    due: Due
    entry: Entry


class Result(msgspec.Struct, frozen=True):
    """What became of a try. ``error``: why it failed; None: it did not."""

    entry: Entry
    error: PenstockError | None = None

    @property
    def is_receivers(self) -> bool:
        """Whether a failure says something of the receiver."""
        return isinstance(self.error, OutboundError)


class Delivering:
    """Tells subscribers, until it is cancelled. Owned by one event loop."""

    def __init__(
        self,
        parts: Parts,
        blocking: Blocking,
        chance: Chance,
        ways: Ways | None = None,
        read: Read = viewing.read,
    ) -> None:
        self._parts = parts
        self._blocking = blocking
        self._chance = chance
        self._ways = ways or sending.ways()
        self._read = read
        self._sealing: Sealing | None = None
        self._view: tuple[float, View] | None = None
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Go on for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._purging())
            for kind in Kind:
                tasks.create_task(self._lane(kind))

    async def turn(self, kind: Kind) -> list[Result]:
        """Try what is due of a kind, as much as may be under way at once; wait for all of it."""
        taken = await self._take(kind, AT_ONCE[kind])
        return list(await asyncio.gather(*(self.attempt(one) for one in taken)))

    async def _lane(self, kind: Kind) -> None:
        under_way: set[str] = set()
        freed = asyncio.Event()

        async def made(one: Taken) -> None:
            await self.attempt(one)
            under_way.discard(one.due.id)
            freed.set()

        async with asyncio.TaskGroup() as tasks:
            while True:
                freed.clear()
                pause_s = POLL_S
                free = AT_ONCE[kind] - len(under_way)
                try:
                    taken = await self._take(kind, free) if free else []
                except PenstockError as error:
                    log.warn("subscribers_not_told", kind=kind.value, reason=error.message)
                    taken, pause_s = [], AFTER_ERROR_S
                for one in taken:
                    under_way.add(one.due.id)
                    tasks.create_task(made(one))
                if not taken or len(under_way) >= AT_ONCE[kind]:
                    await is_set_within(freed, pause_s)

    async def _purging(self) -> None:
        while True:
            try:
                await self._blocking(self._purge)
            except PenstockError as error:
                log.warn("subscribers_not_purged", reason=error.message)
            await pause(PURGE_S)

    def _purge(self) -> None:
        with self._parts.store.writing() as connection:
            subscribing.purge(connection, self._parts.now_unix_s())

    async def _take(self, kind: Kind, number: int) -> list[Taken]:
        now_unix_s = self._parts.now_unix_s()
        store = self._parts.store
        return await self._blocking(lambda: take_due(store, kind, number, now_unix_s))

    async def attempt(self, taken: Taken) -> Result:
        """Make one try, and write down what became of it."""
        due = taken.due
        result = await self._tried(taken)
        if result.error is not None:
            given_up = result.entry.state == outbox.GIVEN_UP
            event = "subscriber_given_up" if given_up else "subscriber_not_told"
            told = {"kind": due.subscriber.kind.value, "tries": result.entry.tries}
            log.warn(event, subscriber=due.subscriber.id, **told, reason=result.error.code)
        try:
            now_unix_s = self._parts.now_unix_s()
            await self._blocking(lambda: note(self._parts.store, due, result, now_unix_s))
        except PenstockError as error:  # it will be tried again, under the same id
            log.warn("subscriber_not_noted", delivery=due.id, reason=error.message)
        return result

    async def _tried(self, taken: Taken) -> Result:
        due, entry = taken.due, taken.entry
        if due.subscriber.ended_unix_s or _is_late(due, self._parts.now_unix_s()):
            return Result(msgspec.structs.replace(entry, state=subscribing.ENDED))
        try:
            view = await self._seen(due)
            await self._sender().send(due, view)
        except PenstockError as error:
            is_final = isinstance(error, GoneError | StaleError) or (
                isinstance(error, RefusedAddressError) and error.is_final
            )
            now_unix_s = self._parts.now_unix_s()
            failed = outbox.failed(entry, now_unix_s, self._chance, is_final=is_final)
            return Result(failed, error)
        return Result(outbox.sent(entry))

    def _sender(self) -> Sending:
        if self._sealing is None:
            self._sealing = sealing.kept(self._parts.state_dir)
        return Sending(self._parts, self._sealing, self._ways)

    async def _seen(self, due: Due) -> View | None:
        """Return what the page says, at least as new as what is to be told."""
        if due.what in (subscribing.CONFIRM, subscribing.KNOWN):
            return None
        async with self._reading:
            now_unix_s = self._parts.now_unix_s()
            if self._view is not None:
                at_unix_s, view = self._view
                if abs(now_unix_s - at_unix_s) < FRESH_S and _has(view, due):
                    return view
            view = await self._blocking(self._fresh)
            self._view = (now_unix_s, view)
            return view

    def _fresh(self) -> View:
        with self._parts.store.reading() as connection:
            return self._read(connection, self._parts, self._parts.now_unix_s())


def take_due(store: Store, kind: Kind, number: int, now_unix_s: float) -> list[Taken]:
    """Return what is to be sent now, each noted as being tried; raises StoreError."""
    is_due = (
        (deliveries.c.kind == kind.value)
        & (deliveries.c.state == outbox.WAITING)
        & (deliveries.c.next_unix_s <= now_unix_s)
    )
    with store.reading() as connection:  # a look that finds nothing keeps no writer waiting
        if connection.execute(select(deliveries.c.id).where(is_due).limit(1)).first() is None:
            return []
    statement = (
        select(deliveries, notices.c.component, notices.c.document, notices.c.at_unix_s)
        .outerjoin(notices, notices.c.id == deliveries.c.notice)
        .where(is_due)
        .order_by(deliveries.c.next_unix_s)  # as the index has them: nothing is sorted
        .limit(number)
    )
    with store.writing() as connection:
        rows = connection.execute(statement).all()
        ids = {row.subscriber for row in rows}
        found = connection.execute(select(subscribers).where(subscribers.c.id.in_(ids)))
        by_id = {row.id: subscribing.of_row(row) for row in found}
        taken = [
            _taken(row, by_id[row.subscriber], now_unix_s)
            for row in rows
            if row.subscriber in by_id
        ]
        for row in rows:
            if row.subscriber not in by_id:
                subscribing.drop_waiting(connection, row.subscriber, now_unix_s)
        for one in taken:
            connection.execute(_written(one.due.id, one.entry))
    return taken


def note(store: Store, due: Due, result: Result, now_unix_s: float) -> None:
    """Write down what became of a try, and what it says of the receiver; raises StoreError."""
    entry, one = result.entry, due.subscriber
    is_sent = entry.state == outbox.SENT
    with store.writing() as connection:
        statement = _written(due.id, entry)
        if not is_sent:  # what was superseded or ended meanwhile stays so
            statement = statement.where(deliveries.c.state == outbox.WAITING)
        if entry.state != outbox.WAITING:
            statement = statement.values(done_unix_s=now_unix_s)
        connection.execute(statement)
        if is_sent:
            if one.failing_unix_s:
                well = {"failing_unix_s": 0.0, "failures": 0}
                _set(connection, one.id, well)
        elif isinstance(result.error, GoneError):
            _audit(connection, one.id, "subscriber.gone", now_unix_s)
            subscribing.end(connection, one.id, now_unix_s)
        elif _blames(one.kind, result):
            _blame(connection, one.id, now_unix_s)


def _blames(kind: Kind, result: Result) -> bool:
    if kind is Kind.EMAIL:
        return isinstance(result.error, RefusedAddressError)
    return result.is_receivers


def _blame(connection: Connection, subscriber: str, now_unix_s: float) -> None:
    """Count a failure; one too many for too long is quarantine."""
    row = connection.execute(
        select(subscribers.c.failing_unix_s, subscribers.c.failures).where(
            subscribers.c.id == subscriber
        )
    ).one_or_none()
    if row is None:
        return
    since_unix_s, failures = row.failing_unix_s or now_unix_s, row.failures + 1
    values = {"failing_unix_s": since_unix_s, "failures": failures}
    if now_unix_s - since_unix_s >= QUARANTINE_S and failures >= QUARANTINE_TRIES:
        values["quarantined_unix_s"] = now_unix_s
        subscribing.drop_waiting(connection, subscriber, now_unix_s)
        _audit(connection, subscriber, "subscriber.quarantined", now_unix_s)
    _set(connection, subscriber, values)


def _set(connection: Connection, subscriber: str, values: dict[str, float]) -> None:
    connection.execute(update(subscribers).where(subscribers.c.id == subscriber).values(**values))


def _audit(connection: Connection, subscriber: str, action: str, now_unix_s: float) -> None:
    """Leave a line for operators; no address is in it."""
    connection.execute(
        insert(audit).values(
            at_unix_s=now_unix_s,
            actor=OURSELVES,
            action=action,
            kind="subscriber",
            object=subscriber,
        )
    )


def waiting(connection: Connection) -> int:
    """Return how many messages have not gone out yet."""
    counted = select(func.count()).where(deliveries.c.state == outbox.WAITING)
    return connection.execute(counted).scalar_one()


def _taken(row: Any, subscriber: subscribing.Subscriber, now_unix_s: float) -> Taken:
    entry = Entry(row.state, row.tries, row.next_unix_s, row.created_unix_s)
    due = Due(
        id=row.id,
        what=row.what,
        notice=row.notice,
        incident=row.incident,
        component=row.component or "",
        document=row.document or "",
        at_unix_s=row.at_unix_s or row.created_unix_s,
        subscriber=subscriber,
    )
    return Taken(due, outbox.taken(entry, now_unix_s))


def _written(id_: str, entry: Entry) -> Any:
    return (
        update(deliveries)
        .where(deliveries.c.id == id_)
        .values(state=entry.state, tries=entry.tries, next_unix_s=entry.next_unix_s)
    )


def _has(view: View, due: Due) -> bool:
    """Tell whether a view knows of what is to be told."""
    if due.what != noticing.UPDATE:
        return view.rendered_unix_s >= due.at_unix_s
    return any(
        update.id == due.notice
        for one in (*view.incidents, *view.maintenances)
        if one.id == due.incident
        for update in one.updates
    )


def _is_late(due: Due, now_unix_s: float) -> bool:
    """Tell whether a question is answered by now, or nobody can answer it any more."""
    if due.what != subscribing.CONFIRM:
        return False
    one = due.subscriber
    return not one.is_pending or now_unix_s >= one.asked_unix_s + subscribing.PENDING_S
