"""That a drill is on: announced, looked at, and over."""

from typing import Final

import msgspec

from penstock.apps.status import drilling
from penstock.apps.status.api import fields
from penstock.apps.status.api.fields import Instant
from penstock.apps.status.call import Call
from penstock.apps.status.drilling import Announced
from penstock.web.endpoint import Endpoint, MissingError, Role

KIND: Final = "drill"
MISSING: Final = "no drill is on"
PATH: Final = "/drill"


class DrillBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people are told."""

    words: str = ""  # at most 300 characters; empty: that we practise, and what that may mean
    until_unix_s: Instant  # at most four hours away


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that is on."""

    words: str
    from_unix_s: float
    until_unix_s: float  # then the page says no more of it
    author: str
    is_shown: bool  # false where [status] shows_drills is


def get_drill(call: Call) -> Drill:
    """Return the drill that is on."""
    with call.parts.store.reading() as connection:
        found = drilling.now(connection, call.now_unix_s)
    if found is None:
        raise MissingError(MISSING)
    return _told(call, found)


def put_drill(call: Call) -> Drill:
    """Say that a drill is on."""
    wanted: DrillBody = call.body
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        before = drilling.now(connection, call.now_unix_s)
        after = drilling.announce(
            connection, wanted.words, wanted.until_unix_s, call.actor.name, call.now_unix_s
        )
        call.audit(connection, "announce", (KIND, KIND), before, after)
    call.parts.touch()
    return _told(call, after)


def delete_drill(call: Call) -> None:
    """Say that the drill is over."""
    with call.parts.store.writing(is_durable=True) as connection:
        before = drilling.now(connection, call.now_unix_s)
        if before is None:
            raise MissingError(MISSING)
        drilling.end(connection)
        call.audit(connection, "end", (KIND, KIND), before, None)
    call.parts.touch()


def _told(call: Call, found: Announced) -> Drill:
    return Drill(
        words=found.words,
        from_unix_s=found.from_unix_s,
        until_unix_s=found.until_unix_s,
        author=found.author,
        is_shown=call.parts.config.status.shows_drills,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="Show the drill that is on",
        tag="drills",
        role=Role.VIEWER,
        handler=get_drill,
        answer=Drill,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PUT",
        path=PATH,
        summary="Say on every page that a drill is on, until its end",
        tag="drills",
        role=Role.OPERATOR,
        handler=put_drill,
        body=DrillBody,
        answer=Drill,
    ),
    Endpoint(
        method="DELETE",
        path=PATH,
        summary="Say that the drill is over",
        tag="drills",
        role=Role.OPERATOR,
        handler=delete_drill,
        answer=None,
        raises=(MissingError,),
    ),
)
