"""Live drills: the gateway fails on purpose, for a share of real exchanges, for some minutes.

    POST     begin one: ``[gateway] allow_live_drills``, an operator, a reason. One at a time, none
             while an alert that pages somebody fires. No audit line, no drill
    GET      what is on, and what each worker says of it
    DELETE   stop it: first the stop, then the audit line, which may fail

Control only hands the drill over. The gateway bounds, ends and stops it, whether we live or not;
how that went is noted by ``live_ends.py``, at the latest before another one is begun.
"""

import secrets
from typing import Annotated, Any, Final

import msgspec

from penstock.apps.control import live_ends
from penstock.apps.control.alerting import configured
from penstock.apps.control.call import Call, Change
from penstock.apps.control.queries import now
from penstock.core.errors import PenstockError, StoreError
from penstock.core.live_faults import FAULTS_MAX, LAST_S_MAX
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import (
    KIND,
    ON,
    FaultAsked,
    FaultEntry,
    LiveDrill,
    Share,
    Told,
)
from penstock.telemetry import log
from penstock.web.endpoint import ConflictError, Endpoint, InvalidError, Role

ID_BYTES: Final = 4
MINUTES_MAX: Final = LAST_S_MAX / 60
RADIUS: Final = 0.05  # of all exchanges, if nothing is said
MINUTES: Final = 5.0
PAGE: Final = "page"
HEARD_S: Final = 5.0  # a worker where one is on says so each second

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern="^[^\\x00]*$")]
OutageId = Annotated[str, msgspec.Meta(max_length=100, pattern="^[A-Za-z0-9._-]*$")]


class NotAllowedError(PenstockError):
    """The configuration says that there are no live drills here."""

    status = 403
    code = "live_drills_not_allowed"
    remedy = "Set allow_live_drills = true under [gateway], then reload."


class FaultBody(FaultAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault, when it begins, and how long it lasts."""

    starts_s: Annotated[float, msgspec.Meta(ge=0.0, lt=LAST_S_MAX)] = 0.0  # after the drill's begin
    lasts_s: Annotated[float, msgspec.Meta(gt=0.0, le=LAST_S_MAX)] = MINUTES * 60


class NewDrill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to fail, and how far it may go."""

    faults: Annotated[tuple[FaultBody, ...], msgspec.Meta(min_length=1, max_length=FAULTS_MAX)]
    reason: Reason  # for the audit log
    outage: OutageId = ""  # of which it is the rehearsal: results of one outage make a trend
    blast_radius_ratio: Share = RADIUS  # of all exchanges that a worker begins: no more are struck


class DrillNow(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands."""

    is_allowed: bool
    drill: LiveDrill | None = None  # that is on, as far as control knows
    workers: list[Told] = []  # what each gateway worker says of the last one that it has seen


def show(call: Call) -> DrillNow:
    """Return what is on; answers with the database gone, too."""
    state_dir = call.parts.state_dir
    return DrillNow(
        is_allowed=configured(call.parts.publisher).gateway.allow_live_drills,
        drill=_on(call),
        workers=live_drill.told(state_dir),
    )


def begin(call: Call) -> DrillNow:
    """Begin a drill."""
    body: NewDrill = call.body
    if not configured(call.parts.publisher).gateway.allow_live_drills:
        raise NotAllowedError("live drills are not allowed here")
    if (there := _on(call)) is not None:
        raise ConflictError(f"a drill is on, begun by {there.by}: stop it, or wait for its end")
    drill = _drill(call, body)
    if doubt := live_drill.doubt(drill, call.now_unix_s):
        raise InvalidError(doubt, "body.faults")
    with call.parts.store.writing(is_durable=True) as connection:
        if pages := [one.objective for one in now.alerts(connection) if one.severity == PAGE]:
            raise ConflictError(f"an alert fires ({pages[0]}): nobody drills on top of trouble")
        live_ends.note_all(connection, call.parts.state_dir, call.now_unix_s)
        call.audit(connection, "begin", KIND, drill.id, Change(None, drill))
    live_drill.write(call.parts.state_dir, drill)
    return show(call)


def stop(call: Call) -> DrillNow:
    """Stop what is on; nothing on is no error: the button works whenever it is pressed."""
    there = _lying(call)
    was_there = live_drill.take_away(call.parts.state_dir)
    if was_there:
        try:
            with call.parts.store.writing(is_durable=True) as connection:
                name = there.id if there is not None else ""
                call.audit(connection, "stop", KIND, name, Change(there, None))
        except StoreError as error:
            log.warn("live_drill_stop_not_noted", actor=call.actor.name, reason=error.message)
    return show(call)


def read_body(found: object) -> NewDrill:
    """Return what a form asks for; raises InvalidError."""
    try:
        return msgspec.convert(found, NewDrill)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$.")
        raise InvalidError(words, f"body.{place.rstrip('`')}") from error


def _on(call: Call) -> LiveDrill | None:
    """Return what is on; whether it is past its end says the clock, or a worker that knows better.

    Workers end it by a clock that nobody sets; ours may have been set in the meantime.
    """
    drill = _lying(call)
    if drill is None or call.now_unix_s < drill.ends_unix_s:
        return drill
    said = live_drill.told(call.parts.state_dir)
    is_struck = any(
        (one.drill, one.state) == (drill.id, ON) and call.now_unix_s - one.at_unix_s < HEARD_S
        for one in said
    )
    return drill if is_struck else None


def _lying(call: Call) -> LiveDrill | None:
    try:
        return live_drill.read(call.parts.state_dir)
    except StoreError as error:  # not ours to judge: the gateway refuses it; the stop removes it
        log.warn("live_drill_unreadable", reason=error.message)
        return None


def _drill(call: Call, body: NewDrill) -> LiveDrill:
    began_unix_s = call.now_unix_s
    faults = [
        FaultEntry(
            **_fields(one),
            starts_unix_s=began_unix_s + one.starts_s,
            ends_unix_s=began_unix_s + one.starts_s + one.lasts_s,
        )
        for one in body.faults
    ]
    return LiveDrill(
        id=f"live-{secrets.token_hex(ID_BYTES)}",
        by=call.actor.name,
        reason=body.reason,
        outage=body.outage,
        began_unix_s=began_unix_s,
        blast_radius_ratio=body.blast_radius_ratio,
        faults=tuple(faults),
    )


def _fields(one: FaultBody) -> dict[str, Any]:
    return {name: getattr(one, name) for name in FaultAsked.__struct_fields__}


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/live-drills",
        summary="Show the live drill that is on, and what each worker says of it",
        tag="live drills",
        role=Role.VIEWER,
        handler=show,
        answer=DrillNow,
        needs_store=False,
    ),
    Endpoint(
        method="POST",
        path="/live-drills",
        summary="Let the gateway fail on purpose: a share, a blast radius, at most 15 minutes",
        tag="live drills",
        role=Role.OPERATOR,
        handler=begin,
        body=NewDrill,
        answer=DrillNow,
        status=201,
        raises=(ConflictError, NotAllowedError),
    ),
    Endpoint(
        method="DELETE",
        path="/live-drills",
        summary="Stop the live drill, now, at all workers",
        tag="live drills",
        role=Role.OPERATOR,
        handler=stop,
        answer=DrillNow,
        needs_store=False,
    ),
)
