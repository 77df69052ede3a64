"""Reads the view that the site is rendered from, in one transaction.

A few queries a table, however many components and incidents there are. Drafts are not read. A group
is as its members are together, the worst wins; what the watch says of a component is the last of
its verdicts, unless it can no longer say anything. The charts of an incident are drawn anew until
they are kept in its document, or its measures are gone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status import drilling, keeping, tables
from penstock.apps.status.parts import Parts
from penstock.apps.status.queries import charts, figures, recorded
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.view import ComponentView, Figures, IncidentView, Point, View
from penstock.core import rollup
from penstock.core.uptime import Span
from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.component import State

SILENT: Final = "silent"  # a kept list of words: what cannot be reached


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the components are read with: each by component."""

    now_unix_s: float
    spans: Mapping[str, list[Span]]
    verdicts: Mapping[str, Assessment]
    exchanges: Mapping[str, float]
    response: Mapping[str, tuple[Point, ...]]
    votes: Mapping[str, tuple[int, tuple[int, ...]]]
    touched: Mapping[str, list[tuple[str, float, float]]]  # incident, from, to


def read(connection: Connection, parts: Parts, now_unix_s: float) -> View:
    """Return everything that the site shows, as of now."""
    status = parts.config.status
    found = recorded.listed(connection, tables.incidents.c.is_draft == 0)
    components = _components(connection, found, now_unix_s)
    incidents = [one.view for one in found if not one.view.is_maintenance]
    maintenances = [one.view for one in found if one.view.is_maintenance]
    times = [one.updated_unix_s for one in (*components, *incidents, *maintenances)]
    return View(
        page_id=parts.page.id,
        name=status.name,
        url=parts.url,
        time_zone=status.time_zone,
        intake_url=parts.reached_url if status.public_url else "",
        rendered_unix_s=now_unix_s,
        updated_unix_s=max([parts.page.created_unix_s, *times]),
        created_unix_s=parts.page.created_unix_s,
        components=components,
        incidents=tuple(_with_charts(connection, incidents, now_unix_s)),
        maintenances=tuple(maintenances),
        takes_reports=status.takes_reports,
        takes_subscriptions=status.takes_subscriptions,
        takes_mail=bool(parts.config.alerts.smtp.host),
        is_emulated=parts.is_emulated,
        drill=drilling.now(connection, now_unix_s) if status.shows_drills else None,
        sources_silent=keeping.read(connection, SILENT, tuple[str, ...]) or (),
    )


def _with_charts(
    connection: Connection, incidents: Iterable[IncidentView], now_unix_s: float
) -> Iterable[IncidentView]:
    for one in incidents:
        if one.evidence is None and charts.is_drawn(one, now_unix_s):
            evidence = charts.drawn(connection, one, now_unix_s)
            yield msgspec.structs.replace(one, evidence=evidence)
        else:
            yield one


def _components(
    connection: Connection, found: Sequence[Found], now_unix_s: float
) -> tuple[ComponentView, ...]:
    table = tables.components
    rows = connection.execute(
        select(table).where(table.c.is_gone == 0).order_by(table.c.position)
    ).all()
    some = [row.id for row in rows if not row.is_group]
    touched: dict[str, list[tuple[str, float, float]]] = {}
    for one in found:
        for part in one.parts:
            span = (one.view.id, part.from_unix_s, part.to_unix_s)
            touched.setdefault(part.component, []).append(span)
    ground = Ground(
        now_unix_s=now_unix_s,
        spans=figures.spans(connection, now_unix_s),
        verdicts=_verdicts(connection),
        exchanges=figures.exchanges(connection, some, now_unix_s),
        response=figures.response(connection, some, now_unix_s),
        votes=figures.votes(connection, now_unix_s),
        touched=touched,
    )
    members: dict[str, list[Any]] = {}
    for row in rows:
        members.setdefault(row.group_id, []).append(row)
    return tuple(
        _group(row, members.get(row.id, []), ground) if row.is_group else _component(row, ground)
        for row in rows
    )


def _component(row: Any, ground: Ground) -> ComponentView:
    said = ground.verdicts.get(row.id)
    if said is None or row.state == State.UNKNOWN.value:
        said = Assessment(component=row.id, at_unix_s=0.0)
    votes, hours = ground.votes.get(row.id, (0, ()))
    return msgspec.structs.replace(
        _shared(row, [row], ground),
        state=State(row.state or State.UNKNOWN.value),
        api_state=State(row.api_state or State.OPERATIONAL.value),
        verdict=said.verdict.word,
        reasons=said.reasons if said.verdict is not Verdict.NONE else (),
        culprit=said.culprit.value,
        carried_by=said.carried_by,
        response=ground.response.get(row.id, ()),
        reports_hour=votes,
        report_hours=hours or (0,) * figures.HOURS,
    )


def _group(row: Any, members: Sequence[Any], ground: Ground) -> ComponentView:
    shown = [one.api_state or State.OPERATIONAL.value for one in members]
    return msgspec.structs.replace(
        _shared(row, members, ground),
        state=State(rollup.worst(one.state or State.UNKNOWN.value for one in members)),
        api_state=State(rollup.worst([State.OPERATIONAL.value, *shown])),
        is_group=True,
        members=tuple(one.id for one in members),
    )


def _shared(row: Any, members: Sequence[Any], ground: Ground) -> ComponentView:
    """Return what groups and components have alike, from the components that are meant."""
    now_unix_s = ground.now_unix_s
    start_unix_s = min((one.start_unix_s for one in members), default=row.start_unix_s)
    spans = [span for one in members for span in ground.spans.get(one.id, ())]
    parts = [part for one in members for part in ground.touched.get(one.id, ())]
    days, ratios = figures.days(spans, start_unix_s, now_unix_s, figures.touched(parts, now_unix_s))
    return ComponentView(
        id=row.id,
        name=row.name,
        description=row.operator_description or row.description,
        group_id=row.group_id,
        position=row.position,
        only_show_if_degraded=bool(row.only_show_if_degraded),
        layer=row.layer,
        surface=row.surface,
        provider=row.provider,
        created_unix_s=row.created_unix_s,
        updated_unix_s=max([row.updated_unix_s, *(one.updated_unix_s for one in members)]),
        start_unix_s=start_unix_s,
        days=days,
        figures=Figures(
            weighted_ratio=ratios.weighted,
            clear_ratio=ratios.clear,
            exchanges_ratio=None if row.is_group else ground.exchanges.get(row.id),
            known_ratio=ratios.known,
        ),
    )


def _verdicts(connection: Connection) -> dict[str, Assessment]:
    """Return the last verdict of each component; one that we cannot read any more is none."""
    table, said = tables.components, tables.verdicts
    statement = select(said.c.component, said.c.document).join(table, table.c.verdict == said.c.id)
    found: dict[str, Assessment] = {}
    for component, document in connection.execute(statement):
        try:
            found[component] = msgspec.json.decode(document, type=Assessment)
        except msgspec.MsgspecError:
            continue
    return found
