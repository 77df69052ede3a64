"""Who noticed an incident when, and how long before the provider's own first post.

noticed    the first sign of each detector of a component of the incident, from the watch: reports,
           probes, telemetry, page; people for one that they opened
posted     the provider's own first post of trouble with a component of the incident, from BEFORE_S
           before it began until it is over; providers post late, so it is looked for until AFTER_S
           after the end, and a post that a page dates earlier stands instead
lead       posted less noticed; below 0 the provider was first

Kept in the incident's document.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.incidents import saying
from penstock.apps.status.queries import charts, document, recorded
from penstock.apps.status.queries.document import Document, Noticed
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.tables import incidents, posts
from penstock.core.calendar import DAY_S
from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.evidence import PageState

BEFORE_S: Final = 3_600.0  # a post longer before is about something else
AFTER_S: Final = float(DAY_S)
NOTICED_S: Final = 3_600.0  # a sign longer before the begin belongs to something else


def notice(connection: Connection, said: Mapping[str, Assessment]) -> bool:
    """Add what detectors have noticed to the open incidents; tell whether anything is new."""
    is_open = (incidents.c.kind == "incident") & incidents.c.status.not_in(saying.CLOSED)
    is_changed = False
    for one in recorded.listed(connection, is_open):
        after = _noticed(one, said)
        if after != one.document:
            document.write(connection, one.view.id, after)
            is_changed = True
    return is_changed


def turn(connection: Connection, now_unix_s: float) -> bool:
    """Look for providers' posts, and keep charts that change no more; tell what has changed."""
    mine = (incidents.c.kind == "incident") & (
        incidents.c.status.not_in(saying.CLOSED)
        | (incidents.c.resolved_unix_s > now_unix_s - AFTER_S)
    )
    is_changed = False
    for one in recorded.listed(connection, mine):
        after = _posted(connection, one, now_unix_s)
        if after.evidence is None and charts.is_final(one.view, now_unix_s):
            drawn = charts.drawn(connection, one.view, now_unix_s)
            after = msgspec.structs.replace(after, evidence=drawn)
        if after != one.document:
            document.write(connection, one.view.id, after)
            is_changed = True
    return is_changed


def _noticed(one: Found, said: Mapping[str, Assessment]) -> Document:
    found = {noticed.detector: noticed for noticed in one.document.noticed}
    for part in one.parts:
        assessment = said.get(part.component)
        if part.to_unix_s or assessment is None or assessment.verdict is Verdict.NONE:
            continue
        for kind, at_unix_s in assessment.detected.items():
            before = found.get(kind)
            is_first = before is None or at_unix_s < before.at_unix_s
            if is_first and at_unix_s >= one.view.started_unix_s - NOTICED_S:
                words = _words(assessment, kind) or (before.words if before else "")
                found[kind] = Noticed(detector=kind, at_unix_s=at_unix_s, words=words)
    return msgspec.structs.replace(one.document, noticed=tuple(found.values()))


def _words(said: Assessment, kind: str) -> str:
    return next((sign.words for sign in said.signs if sign.kind.value == kind), "")


def _posted(connection: Connection, one: Found, now_unix_s: float) -> Document:
    """Return the document with the provider's first post, if it is found or now an earlier one."""
    view, kept = one.view, one.document
    end_unix_s = view.resolved_unix_s or now_unix_s
    statement = select(posts).where(
        posts.c.component.in_(view.components),
        posts.c.state == PageState.TROUBLE.value,
        posts.c.at_unix_s >= view.started_unix_s - BEFORE_S,
    )
    found = [
        (row.posted_unix_s or row.at_unix_s, row.words, row.link)
        for row in connection.execute(statement)
    ]
    mine = [
        post for post in found if view.started_unix_s - BEFORE_S <= post[0] <= end_unix_s + AFTER_S
    ]
    if not mine:
        return kept
    posted_unix_s, words, link = min(mine)
    if kept.provider_posted_unix_s and kept.provider_posted_unix_s <= posted_unix_s:
        return kept
    return msgspec.structs.replace(
        kept, provider_posted_unix_s=posted_unix_s, provider_words=words, provider_link=link
    )
