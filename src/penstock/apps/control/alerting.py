"""Alerts: which objective burns, who is to be told, and that nobody is told twice.

    evaluate   measure all objectives, step each alert (``core.slo``), write what has changed and
               the messages of it in one transaction: after a crash both are there, or neither
    alert      one at a time for each objective; its id is made of objective and beginning
    message    one for each change, and a reminder each ``repeat_hours`` until somebody has
               acknowledged it; to the receivers that asked for the severity, before or after
    removed    an objective that is no longer in the configuration ends its alert, and says so

Alerts that are over are kept for ``ALERTS_KEPT_S``, messages for ``DELIVERIES_KEPT_S``.
What another version has written of an alert is read as far as it is understood.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from penstock.apps.control import telling
from penstock.apps.control.identity import CONSOLE
from penstock.apps.control.publishing import Publisher
from penstock.apps.control.queries import objectives as queries
from penstock.apps.control.queries.objectives import Cause
from penstock.apps.control.telling import Facts
from penstock.config.model import Config
from penstock.config.operations import Objective, Receiver
from penstock.core import slo
from penstock.core.slo import Change, Count, Memory, Reading, Severity
from penstock.ledger.store import Store
from penstock.ledger.tables import alerts, deliveries
from penstock.notify import outbox
from penstock.notify.message import Message
from penstock.web.site import Site

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
EVENTS_MAX: Final = 100  # of one alert that are kept: changes and reminders, the last ones
ALERTS_KEPT_S: Final = 430 * 86_400.0  # as long as the sums that explain them
DELIVERIES_KEPT_S: Final = 30 * 86_400.0


class Happened(msgspec.Struct, frozen=True):
    """One thing that became of an alert."""

    kind: str
    severity: str
    at_unix_s: float
    title: str = ""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of an alert, beside its columns."""

    objective: Objective
    held_unix_s: float
    calm_s: float
    told: int = 0  # messages so far
    told_unix_s: float = 0.0  # of the last one
    severities: tuple[str, ...] = ()  # that it has had
    acknowledged_by: str = ""
    acknowledged_unix_s: float = 0.0
    budget_left_ratio: float | None = None  # when something last became of it
    long_burn: float | None = None
    causes: list[Cause] = []
    events: list[Happened] = []


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert, as the API shows it."""

    id: str
    objective: str
    severity: str
    state: str
    opened_unix_s: float
    resolved_unix_s: float  # 0: it fires
    detail: Document


class Delivery(msgspec.Struct, frozen=True):
    """What is stored of a message to one receiver."""

    message: Message


def configured(publisher: Publisher) -> Config:
    """Return the configuration that is served; an empty one before there is one."""
    plan = publisher.plan()
    return plan.config if plan else Config()


def link_of(config: Config) -> str:
    """Return where the console shows objectives."""
    control = config.control
    if control.hosts:
        return f"{Site(CONSOLE, control.hosts, control.port).origin}/objectives"
    place = f"[{control.host}]" if ":" in control.host else control.host
    return f"http://{place}:{control.port}/objectives"


def evaluate(store: Store, config: Config, now_unix_s: float) -> list[Alert]:
    """Measure all objectives and write what has become of their alerts; return those that changed.

    May be called as often as one likes: at one instant the second call changes nothing.
    """
    with store.reading() as connection:
        counts = queries.windows(connection, config.objectives, now_unix_s)
    with store.writing() as connection:
        firing = {one.objective: one for one in _firing(connection)}
        turn = _Turn(connection, config, firing, now_unix_s)
        changed = [
            alert
            for objective in config.objectives
            if (alert := turn.step(objective, counts[objective.name]))
        ]
        configured_names = {one.name for one in config.objectives}
        gone = [one for name, one in firing.items() if name not in configured_names]
        changed += [turn.end(alert) for alert in gone]
        _forget(connection, now_unix_s)
    return changed


class _Turn:
    """One evaluation, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        config: Config,
        firing: Mapping[str, Alert],
        now_unix_s: float,
    ) -> None:
        self._connection = connection
        self._config = config
        self._firing = firing
        self._now = now_unix_s

    def step(self, objective: Objective, counts: Mapping[int, Count]) -> Alert | None:
        """Step an objective's alert; return it if something became of it."""
        before = self._firing.get(objective.name)
        rules = slo.rules(objective.window_days)
        readings = slo.read(rules, counts, objective.target_ratio, objective.events_min)
        memory, change = slo.step(_memory(before), readings, self._now)
        if before is None and change is None:
            return None
        alert = _remembered(before, objective, memory, self._now)
        kind = change.value if change else self._reminder(alert)
        if kind:
            alert = self._told(alert, kind, before, readings)
        self._write(alert, is_new=before is None)
        return alert if kind else None

    def end(self, alert: Alert) -> Alert:
        """End the alert of an objective that is gone."""
        facts = Facts(
            objective=alert.detail.objective,
            severity=Severity[alert.severity.upper()],
            opened_unix_s=alert.opened_unix_s,
            now_unix_s=self._now,
            link=link_of(self._config),
        )
        ended = msgspec.structs.replace(alert, state=RESOLVED, resolved_unix_s=self._now)
        ended = self._send(ended, telling.REMOVED, facts, alert.detail.severities)
        self._write(ended, is_new=False)
        return ended

    def _reminder(self, alert: Alert) -> str:
        every_s = self._config.alerts.repeat_hours * slo.HOUR_S
        is_due = self._now - alert.detail.told_unix_s >= every_s
        return telling.REMINDER if is_due and not alert.detail.acknowledged_by else ""

    def _told(
        self, alert: Alert, kind: str, before: Alert | None, readings: Sequence[Reading]
    ) -> Alert:
        """Gather what there is to say, and say it."""
        objective = alert.detail.objective
        reading = _most(readings)
        whole = queries.measured(self._connection, [objective], self._now)[objective.name].whole
        left_ratio = slo.budget(whole.count, objective.target_ratio).left_ratio
        causes = queries.causes(self._connection, objective, reading.rule.long_s, self._now)
        facts = Facts(
            objective=objective,
            severity=Severity[alert.severity.upper()],
            opened_unix_s=alert.opened_unix_s,
            now_unix_s=self._now,
            reading=reading,
            causes=causes,
            budget_left_ratio=left_ratio,
            coverage_ratio=whole.coverage_ratio,
            link=link_of(self._config),
        )
        detail = msgspec.structs.replace(
            alert.detail, budget_left_ratio=left_ratio, causes=causes, long_burn=reading.long_burn
        )
        if kind in {Change.RAISED.value, Change.OPENED.value}:
            detail = msgspec.structs.replace(detail, acknowledged_by="", acknowledged_unix_s=0.0)
        concerned = {alert.severity} | ({before.severity} if before else set[str]())
        if kind == RESOLVED:
            concerned = set(detail.severities)
        told = msgspec.structs.replace(alert, detail=detail)
        return self._send(told, kind, facts, tuple(sorted(concerned)))

    def _send(self, alert: Alert, kind: str, facts: Facts, concerned: Iterable[str]) -> Alert:
        """Put a message to each receiver whom it concerns into the outbox."""
        number = alert.detail.told + 1
        message = telling.message(f"{alert.id}-{number}", kind, facts)
        wanted = set(concerned)
        for receiver in self._config.alerts.receivers:
            if wanted.intersection(receiver.severities):
                post(self._connection, receiver, message, self._now)
        happened = Happened(kind, alert.severity, self._now, message.title)
        detail = msgspec.structs.replace(
            alert.detail,
            told=number,
            told_unix_s=self._now,
            events=[*alert.detail.events, happened][-EVENTS_MAX:],
        )
        return msgspec.structs.replace(alert, detail=detail)

    def _write(self, alert: Alert, *, is_new: bool) -> None:
        values = {
            "objective": alert.objective,
            "severity": alert.severity,
            "state": alert.state,
            "opened_unix_s": alert.opened_unix_s,
            "updated_unix_s": self._now,
            "resolved_unix_s": alert.resolved_unix_s,
            "document": msgspec.json.encode(alert.detail).decode(),
        }
        if is_new:
            self._connection.execute(insert(alerts).values(id=alert.id, **values))
        else:
            self._connection.execute(update(alerts).where(alerts.c.id == alert.id).values(**values))


def post(connection: Connection, receiver: Receiver, message: Message, now_unix_s: float) -> None:
    """Put a message to one receiver into the outbox."""
    connection.execute(
        insert(deliveries).values(
            id=f"{message.id}-{receiver.name}",
            receiver=receiver.name,
            state=outbox.WAITING,
            tries=0,
            next_unix_s=now_unix_s,
            created_unix_s=now_unix_s,
            document=msgspec.json.encode(Delivery(message)).decode(),
        )
    )


def alert_of(row: Any) -> Alert:
    """Return an alert from its row."""
    return Alert(
        id=row.id,
        objective=row.objective,
        severity=row.severity,
        state=row.state,
        opened_unix_s=row.opened_unix_s,
        resolved_unix_s=row.resolved_unix_s,
        detail=_detail_of(row),
    )


def _detail_of(row: Any) -> Document:
    """Return what is stored of an alert.

    Another version may have written it: what is missing or not understood is as if it had not been
    said. One alert that cannot be read would end all that is told of the others.
    """
    try:
        return msgspec.json.decode(row.document, type=Document)
    except msgspec.MsgspecError:
        return Document(**{**_least(row), **_understood(row.document)})


def _least(row: Any) -> dict[str, Any]:
    """Return what must be said of an alert, from its columns."""
    return {
        "objective": Objective(name=row.objective),
        "held_unix_s": row.updated_unix_s,
        "calm_s": slo.CALM_S_MAX,
        "severities": (row.severity,),
        "told": int(row.updated_unix_s),  # no message of it has had this number
    }


def _understood(document: str) -> dict[str, Any]:
    """Return those fields of a document that are there and make sense."""
    try:
        raw = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return {}
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Document):
        with suppress(KeyError, msgspec.MsgspecError):
            found[field.name] = msgspec.json.decode(raw[field.name], type=field.type)
    return found


def acknowledge(connection: Connection, alert_id: str, who: str, now_unix_s: float) -> Alert | None:
    """Note that somebody looks after an alert: no more reminders. None: there is no such alert."""
    row = connection.execute(
        select(alerts).where(alerts.c.id == alert_id).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    alert = alert_of(row)
    detail = alert.detail
    if alert.state != FIRING or detail.acknowledged_by:
        return alert
    happened = Happened("acknowledged", alert.severity, now_unix_s, f"by {who}")
    detail = msgspec.structs.replace(
        detail,
        acknowledged_by=who,
        acknowledged_unix_s=now_unix_s,
        events=[*detail.events, happened][-EVENTS_MAX:],
    )
    connection.execute(
        update(alerts)
        .where(alerts.c.id == alert_id)
        .values(document=msgspec.json.encode(detail).decode(), updated_unix_s=now_unix_s)
    )
    return msgspec.structs.replace(alert, detail=detail)


def _firing(connection: Connection) -> list[Alert]:
    statement = select(alerts).where(alerts.c.state == FIRING).with_for_update()
    return [alert_of(row) for row in connection.execute(statement)]


def _memory(alert: Alert | None) -> Memory:
    if alert is None:
        return slo.QUIET
    severity = Severity[alert.severity.upper()]
    return Memory(severity, alert.opened_unix_s, alert.detail.held_unix_s, alert.detail.calm_s)


def _remembered(
    before: Alert | None, objective: Objective, memory: Memory, now_unix_s: float
) -> Alert:
    """Return the alert as its state machine left it."""
    if before is None:
        return Alert(
            id=_id(objective.name, memory.opened_at_s),
            objective=objective.name,
            severity=memory.severity.word,
            state=FIRING,
            opened_unix_s=memory.opened_at_s,
            resolved_unix_s=0.0,
            detail=Document(
                objective=objective,
                held_unix_s=memory.held_at_s,
                calm_s=memory.calm_s,
                severities=(memory.severity.word,),
            ),
        )
    if memory.severity is Severity.NONE:
        return msgspec.structs.replace(before, state=RESOLVED, resolved_unix_s=now_unix_s)
    had = before.detail.severities
    detail = msgspec.structs.replace(
        before.detail,
        objective=objective,
        held_unix_s=memory.held_at_s,
        calm_s=memory.calm_s,
        severities=had if memory.severity.word in had else (*had, memory.severity.word),
    )
    return msgspec.structs.replace(before, severity=memory.severity.word, detail=detail)


def _most(readings: Sequence[Reading]) -> Reading:
    """Return the reading that says most: what begins an alert, what keeps one, what is quickest."""
    return max(
        readings,
        key=lambda one: (
            one.is_burning, one.is_lasting, one.rule.severity, -one.rule.long_s,
        ),
    )  # fmt: skip


def _id(objective: str, opened_unix_s: float) -> str:
    return hashlib.sha256(f"{objective}\n{opened_unix_s:.3f}".encode()).hexdigest()[:16]


def _forget(connection: Connection, now_unix_s: float) -> None:
    connection.execute(
        delete(deliveries).where(
            deliveries.c.state != outbox.WAITING,
            deliveries.c.created_unix_s < now_unix_s - DELIVERIES_KEPT_S,
        )
    )
    connection.execute(
        delete(alerts).where(
            alerts.c.state == RESOLVED, alerts.c.resolved_unix_s < now_unix_s - ALERTS_KEPT_S
        )
    )
