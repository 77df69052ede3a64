"""Probes: which are configured, and how those of each component ended lately."""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.call import Call
from penstock.apps.status.tables import GRAIN_S, components, measures
from penstock.web.endpoint import Endpoint, Role

SPANS: Final = 15  # of GRAIN_S: what a verdict rests on, and a little before
SOURCE: Final = "probes"


class ProbeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A probe of the configuration, without its secrets."""

    name: str
    kind: str
    interval_s: float
    timeout_s: float
    components: list[str]  # names
    asks: str  # route, upstream or address


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """How the probes of a component ended in a minute."""

    start_unix_s: int
    good: int
    slow: int
    failed: int
    wrong: int
    unknown: int
    ttft_p50_s: float | None


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The probes of a component in the last minutes, the newest first."""

    component: str
    name: str
    minutes: list[Minute]


class Probes(msgspec.Struct, frozen=True):
    """All probes."""

    configured: list[ProbeRow]
    components: list[Probed]


def list_probes(call: Call) -> Probes:
    """Return all probes, and how they ended lately."""
    configured = [
        ProbeRow(
            name=one.name,
            kind=one.kind.value,
            interval_s=one.interval_s,
            timeout_s=one.timeout_s,
            components=list(one.components),
            asks=one.route or one.upstream or one.url,
        )
        for one in call.parts.config.probes
    ]
    with call.parts.store.reading() as connection:
        return Probes(configured, probed(connection, call.now_unix_s))


def probed(connection: Connection, now_unix_s: float) -> list[Probed]:
    """Return how the probes of each component ended lately, in the order of the page."""
    c, m = components.c, measures.c
    since_unix_s = int(now_unix_s) - SPANS * GRAIN_S
    minutes: dict[str, list[Minute]] = {}
    statement = select(measures).where(
        m.source == SOURCE, m.grain_s == GRAIN_S, m.start_unix_s > since_unix_s
    )
    for row in connection.execute(statement.order_by(m.start_unix_s.desc())):
        minutes.setdefault(row.component, []).append(
            Minute(
                start_unix_s=row.start_unix_s,
                good=row.good,
                slow=row.slow,
                failed=row.failed,
                wrong=row.wrong,
                unknown=row.unknown,
                ttft_p50_s=row.ttft_p50_s if row.timed else None,
            )
        )
    shown = select(c.id, c.name).where(c.is_gone == 0, c.is_group == 0).order_by(c.position)
    return [
        Probed(component=row.id, name=row.name, minutes=minutes.get(row.id, []))
        for row in connection.execute(shown)
    ]


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/probes",
        summary="List probes, and how those of each component ended lately",
        tag="probes",
        role=Role.VIEWER,
        handler=list_probes,
        answer=Probes,
    ),
)
