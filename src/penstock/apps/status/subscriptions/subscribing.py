"""The rows of subscribers: asked for, confirmed, changed, ended.

    pending     e-mail and chat: a message with a link has been ordered, and nothing else is sent
                until its page's button was pressed, within PENDING_S
    confirmed   is told; a webhook is so from the start, its challenge having come back
    quarantined has failed for days: is told nothing until somebody presses a button
    ended       the address is erased at once; the row stays for ENDED_S: the link can say so

Whoever asks is told the same, whether the address was known or not, and all bounds are looked at
before the address. Who is subscribed already gets a message that says so.

    token       one for each subscriber, 256 random bits, behind all of its links; found by its
                SHA-256, and sealed so that mails can carry it
    bounds      SUBSCRIBERS_MAX; ASKED_HOUR_MAX pending ones an hour; ASKED_DAY_MAX messages a day
                to an address
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from penstock.apps.status.subscriptions import sealing as seals
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.apps.status.subscriptions.sealing import Sealing
from penstock.apps.status.tables import deliveries, notices, subscribers
from penstock.core.errors import PenstockError
from penstock.identity.rows import new_id
from penstock.notify import outbox

SUBSCRIBERS_MAX: Final = 20_000  # an update is told to all of them within minutes
ASKED_HOUR_MAX: Final = 500  # what a page's whole public asks for; more is somebody playing
ASKED_DAY_MAX: Final = 3  # one that was lost, and one that was deleted
HOUR_S: Final = 3600.0
DAY_S: Final = 86_400
PENDING_S: Final = 2 * DAY_S
ENDED_S: Final = 30 * DAY_S
DELIVERIES_S: Final = 14 * DAY_S
NOTICES_S: Final = 430 * DAY_S
PURGED_MAX: Final = 5000  # rows a turn: each is a short transaction
CONFIRM: Final = "confirm"
KNOWN: Final = "known"
ENDED: Final = "ended"  # of a delivery: its subscriber is gone


class FullError(PenstockError):
    """There are as many subscribers, or as many that have just asked, as there may be."""

    status = 503
    code = "subscriptions_full"
    remedy = "Try again in an hour, or follow the Atom feed."
    retry_after_s = HOUR_S


class Subscriber(msgspec.Struct, frozen=True, kw_only=True):
    """One row, its address still sealed."""

    id: str
    kind: Kind
    address: str
    token: str
    components: tuple[str, ...] = ()
    asked_unix_s: float = 0.0
    confirmed_unix_s: float = 0.0
    ended_unix_s: float = 0.0
    failing_unix_s: float = 0.0
    quarantined_unix_s: float = 0.0
    failures: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether nobody has confirmed it."""
        return not self.confirmed_unix_s and not self.ended_unix_s


def ask(connection: Connection, sealing: Sealing, asked: Asked, now_unix_s: float) -> None:
    """Order the message that asks whether an address wants this; raises FullError."""
    check_bounds(connection, now_unix_s)
    hashed = sealing.address_hash(asked.kind.value, asked.key)
    row = connection.execute(
        select(subscribers).where(subscribers.c.address_hash == hashed)
    ).one_or_none()
    day = int(now_unix_s // DAY_S)
    if row is None:
        first = {"asked_day": day, "asked_times": 1}
        id_, _ = _add(connection, sealing, asked, first, now_unix_s)
        _order(connection, id_, asked.kind, f"{CONFIRM}-{day}-1", now_unix_s)
        return
    times = row.asked_times + 1 if row.asked_day == day else 1
    if times > ASKED_DAY_MAX:
        return
    values: dict[str, Any] = {"asked_day": day, "asked_times": times}
    if not row.confirmed_unix_s:
        values["components"] = _json(asked.components)
        if now_unix_s >= row.asked_unix_s + PENDING_S:
            values |= _fresh(sealing, row.id) | {"asked_unix_s": now_unix_s}
    connection.execute(update(subscribers).where(subscribers.c.id == row.id).values(**values))
    what = KNOWN if row.confirmed_unix_s else CONFIRM
    _order(connection, row.id, asked.kind, f"{what}-{day}-{times}", now_unix_s)


def is_known(connection: Connection, sealing: Sealing, asked: Asked) -> bool:
    """Tell whether an address has a row."""
    hashed = sealing.address_hash(asked.kind.value, asked.key)
    statement = select(subscribers.c.id).where(subscribers.c.address_hash == hashed)
    return connection.execute(statement).one_or_none() is not None


def add(
    connection: Connection, sealing: Sealing, asked: Asked, now_unix_s: float
) -> tuple[str, str] | None:
    """Add one that has been confirmed: return its id and token; None if the address is known."""
    check_bounds(connection, now_unix_s)
    if is_known(connection, sealing, asked):
        return None
    return _add(connection, sealing, asked, {"confirmed_unix_s": now_unix_s}, now_unix_s)


def look(connection: Connection, token: str, now_unix_s: float) -> Subscriber | None:
    """Return whose a link is; None if there is nobody, or one who waited for too long."""
    statement = select(subscribers).where(subscribers.c.token_hash == seals.token_hash(token))
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    found = of_row(row)
    is_late = now_unix_s >= found.asked_unix_s + PENDING_S
    return None if found.is_pending and is_late else found


def confirm(connection: Connection, one: Subscriber, now_unix_s: float) -> None:
    """Note that whoever reads what comes to an address wants it."""
    if one.is_pending:
        _set(connection, one.id, confirmed_unix_s=now_unix_s)


def change(connection: Connection, one: Subscriber, components: tuple[str, ...]) -> None:
    """Note of which components somebody wants to be told."""
    _set(connection, one.id, components=_json(components))


def resume(connection: Connection, one: Subscriber) -> None:
    """Take one out of quarantine."""
    _set(connection, one.id, quarantined_unix_s=0.0, failing_unix_s=0.0, failures=0)


def end(connection: Connection, subscriber: str, now_unix_s: float) -> None:
    """End a subscription: the address is erased, what waits for it is not sent."""
    erased = {"address": "", "token": "", "components": "[]", "address_hash": f"ended-{subscriber}"}
    _set(connection, subscriber, ended_unix_s=now_unix_s, **erased)
    drop_waiting(connection, subscriber, now_unix_s)


def drop_waiting(connection: Connection, subscriber: str, now_unix_s: float) -> None:
    """Send nothing of what waits for a subscriber."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.subscriber == subscriber, deliveries.c.state == outbox.WAITING)
        .values(state=ENDED, done_unix_s=now_unix_s)
    )


def purge(connection: Connection, now_unix_s: float) -> int:
    """Remove what need not be remembered any more; return how many rows that were."""
    pending = (subscribers.c.confirmed_unix_s == 0) & (subscribers.c.ended_unix_s == 0)
    ended = (subscribers.c.ended_unix_s > 0) & (subscribers.c.ended_unix_s < now_unix_s - ENDED_S)
    late = pending & (subscribers.c.asked_unix_s < now_unix_s - PENDING_S - DAY_S)
    is_done = (deliveries.c.state != outbox.WAITING) & (
        deliveries.c.created_unix_s < now_unix_s - DELIVERIES_S
    )
    is_old = notices.c.at_unix_s < now_unix_s - NOTICES_S
    removed = 0
    for table, which in ((subscribers, ended | late), (deliveries, is_done), (notices, is_old)):
        some = select(table.c.id).where(which).limit(PURGED_MAX)
        removed += connection.execute(delete(table).where(table.c.id.in_(some))).rowcount
    return removed


def of_row(row: Any) -> Subscriber:
    """Return a subscriber from its row."""
    values = {name: getattr(row, name) for name in Subscriber.__struct_fields__}
    values["kind"] = Kind(row.kind)
    values["components"] = tuple(msgspec.json.decode(row.components or "[]", type=list[str]))
    return Subscriber(**values)


def check_bounds(connection: Connection, now_unix_s: float) -> None:
    """Raise FullError if there is no room for anybody."""
    is_fresh = (subscribers.c.asked_unix_s > now_unix_s - HOUR_S) & (
        subscribers.c.confirmed_unix_s == 0
    )
    counted = select(func.count(), func.count().filter(is_fresh)).where(
        subscribers.c.ended_unix_s == 0
    )
    total, fresh = connection.execute(counted).one()
    if total >= SUBSCRIBERS_MAX or fresh >= ASKED_HOUR_MAX:
        raise FullError("more people have asked to be told than this page can take on now")


def _add(
    connection: Connection,
    sealing: Sealing,
    asked: Asked,
    more: Mapping[str, float],
    now_unix_s: float,
) -> tuple[str, str]:
    id_ = new_id("")
    fresh = _fresh(sealing, id_)
    connection.execute(
        insert(subscribers).values(
            id=id_,
            kind=asked.kind.value,
            address=sealing.seal(asked.address, id_),
            address_hash=sealing.address_hash(asked.kind.value, asked.key),
            components=_json(asked.components),
            created_unix_s=now_unix_s,
            asked_unix_s=now_unix_s,
            **fresh,
            **more,
        )
    )
    return id_, sealing.opened(fresh["token"], id_)


def _fresh(sealing: Sealing, subscriber: str) -> dict[str, str]:
    token = seals.new_token()
    return {"token": sealing.seal(token, subscriber), "token_hash": seals.token_hash(token)}


def _order(
    connection: Connection, subscriber: str, kind: Kind, notice: str, now_unix_s: float
) -> None:
    """Put a message that is only for one subscriber into the outbox."""
    connection.execute(
        insert(deliveries)
        .prefix_with("OR IGNORE")
        .values(
            id=f"{notice}-{subscriber}",
            subscriber=subscriber,
            kind=kind.value,
            state=outbox.WAITING,
            what=notice.partition("-")[0],
            notice=notice,
            next_unix_s=now_unix_s,
            created_unix_s=now_unix_s,
        )
    )


def _set(connection: Connection, subscriber: str, **values: object) -> None:
    connection.execute(update(subscribers).where(subscribers.c.id == subscriber).values(**values))


def _json(components: tuple[str, ...]) -> str:
    return msgspec.json.encode(components).decode()
