"""A post-mortem's facts, read from the status database.

The span is from MARGIN_S before the begin to the end. The timeline holds each change of a verdict
of the incident's components, what was posted, what people did, and what the provider said; of more
than ENTRIES_MAX lines the watch's are left out first, and how many is said.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from penstock.apps.status.postmortem.facts import Detector, Entry, Impact, PostMortem, Scope
from penstock.apps.status.queries import recorded
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.tables import (
    GRAIN_S,
    audit,
    components,
    deliveries,
    intervals,
    measures,
    posts,
    reports,
    verdicts,
)
from penstock.core import uptime
from penstock.core.rollup import Condition
from penstock.core.uptime import Span
from penstock.notify import outbox
from penstock.watch.assessment import Assessment
from penstock.web.endpoint import ConflictError, MissingError

MARGIN_S: Final = 900.0  # what was seen before it was an incident
ENTRIES_MAX: Final = 300
WORDS_MAX: Final = 300  # of one line


def drafted(
    connection: Connection, incident: str, impact: Impact | None, now_unix_s: float
) -> PostMortem:
    """Return what the record says; raises MissingError, or ConflictError while it is not over."""
    found = recorded.one(connection, incident)
    if found is None or found.view.is_maintenance:
        raise MissingError(f"there is no incident {incident}")
    view, kept = found.view, found.document
    if view.is_open:
        raise ConflictError("the incident is not over")
    rows = connection.execute(select(components.c.id, components.c.name))
    names = {row.id: row.name for row in rows}
    begin_unix_s = view.started_unix_s
    votes, networks = _reports(connection, found)
    probes, failed = _probes(connection, found)
    lines = _timeline(connection, found, names)
    entries, left_out = _bounded(lines)
    return PostMortem(
        id=view.id,
        name=view.name,
        impact_word=view.impact_override or view.impact,
        origin=found.origin,
        started_unix_s=begin_unix_s,
        published_unix_s=kept.published_unix_s or view.created_unix_s,
        identified_unix_s=_first(found, "identified"),
        resolved_unix_s=view.resolved_unix_s,
        made_unix_s=now_unix_s,
        culprit=kept.culprit,
        culprit_name=kept.culprit_name,
        scope=tuple(_scope(connection, found, names)),
        detectors=tuple(
            Detector(
                detector=one.detector,
                at_unix_s=one.at_unix_s,
                after_s=one.at_unix_s - begin_unix_s,
                lead_s=one.lead_s,
                words=one.words,
            )
            for one in kept.detections()
        ),
        provider_posted_unix_s=kept.provider_posted_unix_s,
        provider_words=kept.provider_words,
        provider_link=kept.provider_link,
        reports=votes,
        report_networks=networks,
        probes=probes,
        probes_failed=failed,
        timeline=tuple(entries),
        timeline_left_out=left_out,
        messages=_messages(connection, found),
        impact=impact,
        evidence_sha256=_hash(lines),
    )


def _span(found: Found) -> tuple[float, float]:
    return found.view.started_unix_s - MARGIN_S, found.view.resolved_unix_s


def _first(found: Found, status: str) -> float:
    times = [one.display_unix_s for one in found.view.updates if one.status == status]
    return min(times, default=0.0)


def _scope(connection: Connection, found: Found, names: dict[str, str]) -> Iterator[Scope]:
    """Yield each component with the worst that it was, and how long it was out."""
    end_unix_s = found.view.resolved_unix_s
    for component in dict.fromkeys(part.component for part in found.parts):
        spans = [
            Span(Condition.of(part.state), part.from_unix_s, part.to_unix_s or end_unix_s)
            for part in found.parts
            if part.component == component
        ]
        yield Scope(
            component=component,
            name=names.get(component, component),
            worst=max(one.condition for one in spans).word,
            from_unix_s=min(one.from_unix_s for one in spans),
            to_unix_s=max(one.to_unix_s for one in spans),
            outage_s=_outage_s(connection, component, (found.view.started_unix_s, end_unix_s)),
        )


def _outage_s(connection: Connection, component: str, between: tuple[float, float]) -> float:
    """Return how long it was out, as its uptime has it: an incident goes on while it is well."""
    from_unix_s, end_unix_s = between
    mine = select(intervals).where(
        intervals.c.component == component,
        intervals.c.from_unix_s < end_unix_s,
        (intervals.c.to_unix_s == 0) | (intervals.c.to_unix_s > from_unix_s),
    )
    spans = [
        Span(
            Condition.of(row.state),
            max(from_unix_s, row.from_unix_s),
            min(end_unix_s, row.to_unix_s or end_unix_s),
        )
        for row in connection.execute(mine)
    ]
    return sum(
        one.to_unix_s - one.from_unix_s
        for one in uptime.merged(spans)
        if one.condition >= Condition.PARTIAL
    )


def _timeline(connection: Connection, found: Found, names: dict[str, str]) -> list[Entry]:
    lines = [
        *_verdicts(connection, found, names),
        *_posts(connection, found, names),
        *_people(connection, found),
        *(
            Entry(at_unix_s=one.display_unix_s, who="page", words=f"{one.status}: {one.body}")
            for one in found.view.updates
        ),
    ]
    return sorted(lines, key=lambda one: one.at_unix_s)


def _verdicts(connection: Connection, found: Found, names: dict[str, str]) -> Iterator[Entry]:
    since_unix_s, until_unix_s = _span(found)
    statement = select(verdicts).where(
        verdicts.c.component.in_({part.component for part in found.parts}),
        verdicts.c.at_unix_s >= since_unix_s,
        verdicts.c.at_unix_s <= until_unix_s,
    )
    told: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(statement.order_by(verdicts.c.at_unix_s, verdicts.c.id)):
        says = (row.verdict, row.state, row.culprit, row.culprit_name)
        if told.get(row.component) == says:
            continue  # only its figures have changed
        told[row.component] = says
        reasons = _reasons(row.document)
        words = f"{names.get(row.component, row.component)}: {row.verdict}"
        yield Entry(
            at_unix_s=row.at_unix_s,
            who="watch",
            words=f"{words}; {reasons}" if reasons else words,
        )


def _reasons(document: str) -> str:
    try:
        return "; ".join(msgspec.json.decode(document, type=Assessment).reasons)
    except msgspec.MsgspecError:  # of another version
        return ""


def _posts(connection: Connection, found: Found, names: dict[str, str]) -> Iterator[Entry]:
    since_unix_s, until_unix_s = _span(found)
    statement = select(posts).where(
        posts.c.component.in_({part.component for part in found.parts}),
        posts.c.at_unix_s >= since_unix_s,
        posts.c.at_unix_s <= until_unix_s,
    )
    for row in connection.execute(statement.order_by(posts.c.at_unix_s)):
        about = names.get(row.component, row.component)
        words = f"{row.page} on {about}: {row.state}"
        told = f"{words}; {row.words}" if row.words else words
        yield Entry(at_unix_s=row.posted_unix_s or row.at_unix_s, who="provider", words=told)


def _people(connection: Connection, found: Found) -> Iterator[Entry]:
    statement = select(audit).where(audit.c.kind == "incident", audit.c.object == found.view.id)
    for row in connection.execute(statement.order_by(audit.c.at_unix_s)):
        yield Entry(at_unix_s=row.at_unix_s, who="people", words=f"{row.actor}: {row.action}")


def _bounded(lines: list[Entry]) -> tuple[list[Entry], int]:
    """Return at most ENTRIES_MAX lines; the watch's last ones are left out first."""
    too_many = len(lines) - ENTRIES_MAX
    kept: list[Entry] = []
    left_out = 0
    for one in reversed(lines):
        if left_out < too_many and one.who == "watch":
            left_out += 1
        else:
            kept.append(msgspec.structs.replace(one, words=_short(one.words)))
    return kept[::-1][:ENTRIES_MAX], max(0, too_many)


def _short(words: str) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= WORDS_MAX else f"{flat[: WORDS_MAX - 1]}…"


def _reports(connection: Connection, found: Found) -> tuple[int, int]:
    since_unix_s, until_unix_s = _span(found)
    networks = func.count(func.distinct(reports.c.network))
    row: Any = connection.execute(
        select(func.count(), networks).where(
            reports.c.component.in_({part.component for part in found.parts}),
            reports.c.is_counted == 1,
            reports.c.at_unix_s >= since_unix_s,
            reports.c.at_unix_s <= until_unix_s,
        )
    ).one()
    return int(row[0]), int(row[1])


def _probes(connection: Connection, found: Found) -> tuple[int, int]:
    """Return how many probes were made while it lasted, and how many failed."""
    bad = measures.c.failed + measures.c.wrong
    row: Any = connection.execute(
        select(
            func.coalesce(func.sum(measures.c.good + measures.c.slow + bad), 0),
            func.coalesce(func.sum(bad), 0),
        ).where(
            measures.c.component.in_({part.component for part in found.parts}),
            measures.c.source == "probes",
            measures.c.grain_s == GRAIN_S,
            measures.c.start_unix_s >= found.view.started_unix_s - GRAIN_S,
            measures.c.start_unix_s <= found.view.resolved_unix_s,
        )
    ).one()
    return int(row[0]), int(row[1])


def _messages(connection: Connection, found: Found) -> dict[str, int]:
    """Return how many messages about it were sent, by kind of subscriber."""
    statement = (
        select(deliveries.c.kind, func.count())
        .where(deliveries.c.state == outbox.SENT, deliveries.c.incident == found.view.id)
        .group_by(deliveries.c.kind)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def _hash(lines: Iterable[Entry]) -> str:
    return hashlib.sha256(msgspec.json.encode(list(lines))).hexdigest()
