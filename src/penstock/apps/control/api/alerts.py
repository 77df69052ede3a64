"""Alerts, who looks after them, and whether receivers are reached."""

import asyncio
from typing import Annotated, Final, Literal

import msgspec
from sqlalchemy import func, select

from penstock.apps.control import alerting, telling
from penstock.apps.control.alerting import Alert, configured
from penstock.apps.control.call import Call, Change
from penstock.apps.control.delivering import send
from penstock.core.errors import StoreError
from penstock.ledger.tables import alerts, deliveries
from penstock.notify import outbox
from penstock.notify.outbound import OutboundError
from penstock.web.endpoint import Endpoint, MissingError, Role

LIMIT_MAX: Final = 500
WITHIN_S: Final = 8.0  # less than a call of the API may take


class AlertQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which alerts, the newest first."""

    state: Literal["", "firing", "resolved"] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)] = 100


class Told(msgspec.Struct, frozen=True):
    """What became of a test message; an error is the receiver's, or of its address."""

    receiver: str
    is_sent: bool
    error: str = ""
    remedy: str = ""


class Outbox(msgspec.Struct, frozen=True):
    """Messages by what has become of them, of the last thirty days."""

    waiting: int = 0
    sent: int = 0
    given_up: int = 0


class Alerts(msgspec.Struct, frozen=True):
    """Alerts, and how telling people goes."""

    alerts: list[Alert]
    outbox: Outbox


def list_alerts(call: Call) -> Alerts:
    """Return alerts, those that fire first."""
    query: AlertQuery = call.query
    statement = select(alerts).order_by(
        (alerts.c.state == alerting.FIRING).desc(), alerts.c.opened_unix_s.desc(), alerts.c.id
    )
    if query.state:
        statement = statement.where(alerts.c.state == query.state)
    counted = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    with call.parts.store.reading() as connection:
        found = [alerting.alert_of(row) for row in connection.execute(statement.limit(query.limit))]
        by_state = {str(row[0]): int(row[1]) for row in connection.execute(counted)}
    states = (outbox.WAITING, outbox.SENT, outbox.GIVEN_UP)
    return Alerts(found, Outbox(*(by_state.get(state, 0) for state in states)))


def acknowledge_alert(call: Call) -> Alert:
    """Note who looks after an alert: no reminders come any more."""
    with call.parts.store.writing(is_durable=True) as connection:
        id_ = call.path["id"]
        alert = alerting.acknowledge(connection, id_, call.actor.name, call.now_unix_s)
        if alert is None:
            raise MissingError(f"there is no alert {id_!r}")
        call.audit(
            connection, "acknowledge", "alert", id_, Change(after={"objective": alert.objective})
        )
    return alert


def try_receiver(call: Call) -> Told:
    """Send one message to a receiver, now and once, and return what became of it."""
    name = call.path["name"]
    config = configured(call.parts.publisher)
    receiver = next((one for one in config.alerts.receivers if one.name == name), None)
    if receiver is None:
        raise MissingError(f"there is no receiver named {name!r}")
    id_ = f"test-{name}-{int(call.now_unix_s * 1000)}"
    message = telling.tested(name, id_, call.now_unix_s, alerting.link_of(config))
    with call.parts.store.writing(is_durable=True) as connection:
        call.audit(connection, "test", "receiver", name, Change())

    async def tell() -> None:
        async with asyncio.timeout(WITHIN_S):
            await send(config, receiver, message, call.now_unix_s)

    try:
        asyncio.run(tell())
    except OutboundError as error:
        return Told(name, is_sent=False, error=error.message, remedy=error.remedy)
    except StoreError as error:  # its URL or secret is not there
        remedy = "Set it for the control process, then ask again."
        return Told(name, is_sent=False, error=error.message, remedy=remedy)
    except TimeoutError:
        error_words = f"it has not answered within {WITHIN_S:g} s"
        return Told(name, is_sent=False, error=error_words, remedy=OutboundError.remedy)
    return Told(name, is_sent=True)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/alerts",
        summary="List alerts, those that fire first, and how telling people goes",
        tag="objectives",
        role=Role.VIEWER,
        handler=list_alerts,
        query=AlertQuery,
        answer=Alerts,
    ),
    Endpoint(
        method="POST",
        path="/alerts/{id}/acknowledge",
        summary="Say that somebody looks after an alert, so that reminders end",
        tag="objectives",
        role=Role.OPERATOR,
        handler=acknowledge_alert,
        answer=Alert,
        raises=(MissingError,),
    ),
    Endpoint(
        method="POST",
        path="/receivers/{name}/test",
        summary="Send a test message to a receiver of the configuration",
        tag="objectives",
        role=Role.OPERATOR,
        handler=try_receiver,
        answer=Told,
        raises=(MissingError,),
    ),
)
