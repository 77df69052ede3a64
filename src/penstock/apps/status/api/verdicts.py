"""Verdicts: what the watch says of each component now, and what it said before, with evidence."""

import math
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.api.fields import Seq
from penstock.apps.status.call import Call
from penstock.apps.status.tables import components, verdicts
from penstock.watch.assessment import Assessment, Sign, Verdict
from penstock.web.endpoint import Endpoint, Limit, Role, Text

WEIGHT_MAX: Final = 1e9  # JSON has no infinity


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence about a component."""

    kind: str  # reports, probes, telemetry, page
    verdict: str  # that it would give alone
    weight: float  # 1: enough for "problem" alone
    words: str
    since_unix_s: float
    events: int
    bad: int
    is_silent: bool  # the source cannot be reached
    about: str  # failed, slow, wrong


class VerdictRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the watch says of a component at an instant."""

    seq: int  # 0: it has not said anything yet
    component: str
    name: str
    at_unix_s: float
    verdict: str = "none"  # none, possible, problem
    state: str = "unknown"  # that the evidence speaks for
    shown_state: str = ""  # now: what the page says; in the history: empty
    culprit: str = "nobody"
    culprit_name: str = ""
    reasons: list[str] = []
    evidence: list[Evidence] = []
    failing_ratio: float | None = None
    onset_unix_s: float = 0.0  # when it most likely began
    confirmed_unix_s: float = 0.0  # when it became a problem
    detected: dict[str, float] = {}  # kind -> when it first said possible
    carried_by: str = ""


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which verdicts."""

    component: Text = ""  # its id; empty: of all
    before: Seq = 0  # below this number; 0: from the newest
    limit: Limit = 100


class HistoryPage(msgspec.Struct, frozen=True):
    """A part of the history."""

    items: list[VerdictRow]
    next: int = 0  # to be given as ``before``; 0: this is the end


def list_verdicts(call: Call) -> list[VerdictRow]:
    """Return what is said of each component now, in the order of the page."""
    with call.parts.store.reading() as connection:
        return now(connection)


def list_history(call: Call) -> HistoryPage:
    """Return each change of what the watch said, the newest first."""
    query: HistoryQuery = call.query
    with call.parts.store.reading() as connection:
        found = history(connection, query.component, query.before, query.limit + 1)
    items = found[: query.limit]
    return HistoryPage(items, items[-1].seq if len(found) > query.limit else 0)


def now(connection: Connection) -> list[VerdictRow]:
    """Return what is said of each component now, in the order of the page."""
    c = components.c
    statement = (
        select(c.id, c.name, c.state, verdicts.c.id.label("seq"), verdicts.c.document)
        .join(verdicts, verdicts.c.id == c.verdict, isouter=True)
        .where(c.is_gone == 0, c.is_group == 0)
        .order_by(c.position)
    )
    return [
        _row(row.seq or 0, (row.id, row.name), row.document, row.state or "unknown")
        for row in connection.execute(statement)
    ]


def history(connection: Connection, component: str, before: int, limit: int) -> list[VerdictRow]:
    """Return changes of what the watch said, the newest first."""
    v = verdicts.c
    statement = select(v.id, v.component, v.document, components.c.name).join(
        components, components.c.id == v.component, isouter=True
    )
    if component:
        statement = statement.where(v.component == component)
    if before:
        statement = statement.where(v.id < before)
    rows = connection.execute(statement.order_by(v.id.desc()).limit(limit))
    return [_row(row.id, (row.component, row.name or ""), row.document) for row in rows]


def _row(seq: int, component: tuple[str, str], document: str | None, shown: str = "") -> VerdictRow:
    id_, name = component
    said = _read(document or "", id_)
    return VerdictRow(
        seq=seq,
        component=id_,
        name=name,
        at_unix_s=said.at_unix_s,
        verdict=said.verdict.word,
        state=said.state.value,
        shown_state=shown,
        culprit=said.culprit.value,
        culprit_name=said.culprit_name,
        reasons=list(said.reasons),
        evidence=[_evidence(sign) for sign in said.signs],
        failing_ratio=said.failing_ratio,
        onset_unix_s=said.onset_unix_s,
        confirmed_unix_s=said.confirmed_unix_s,
        detected=said.detected,
        carried_by=said.carried_by,
    )


def _read(document: str, component: str) -> Assessment:
    """Return an assessment; an empty one where there is none, or none that we can read."""
    try:
        return msgspec.json.decode(document, type=Assessment)
    except msgspec.MsgspecError:
        return Assessment(component=component, at_unix_s=0.0, verdict=Verdict.NONE)


def _evidence(sign: Sign) -> Evidence:
    weight: Any = sign.weight
    is_number = isinstance(weight, float) and not math.isnan(weight)
    return Evidence(
        kind=sign.kind.value,
        verdict=sign.verdict.word,
        weight=min(WEIGHT_MAX, weight) if is_number else 0.0,
        words=sign.words,
        since_unix_s=sign.since_unix_s,
        events=sign.events,
        bad=sign.bad,
        is_silent=sign.is_silent,
        about=sign.about,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/verdicts",
        summary="Show what the watch says of each component now, with its evidence",
        tag="verdicts",
        role=Role.VIEWER,
        handler=list_verdicts,
        answer=list[VerdictRow],
    ),
    Endpoint(
        method="GET",
        path="/verdicts/history",
        summary="List each change of what the watch said, the newest first",
        tag="verdicts",
        role=Role.VIEWER,
        handler=list_history,
        query=HistoryQuery,
        answer=HistoryPage,
    ),
)
