"""Results of drills: kept, listed, shown. Nothing here starts a drill."""

from typing import Final

import msgspec

from penstock.apps.control import drills
from penstock.apps.control.call import Call, Change, page_of
from penstock.apps.control.drills import Kept
from penstock.sim.drills import sound
from penstock.sim.drills.page import page
from penstock.sim.drills.shapes import Result
from penstock.web.endpoint import (
    ConflictError,
    Endpoint,
    File,
    InvalidError,
    Limit,
    MissingError,
    Page,
    Role,
    Text,
)
from penstock.web.page import render


class DrillsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which results; those that began last come first."""

    drill: Text = ""  # its id
    mode: Text = ""  # emulated, simulated, live, chaos
    after: Text = ""
    limit: Limit = 100


def list_drills(call: Call) -> Page[Kept]:
    """Return a line for each result."""
    query: DrillsQuery = call.query
    with call.parts.store.reading() as connection:
        found = drills.listed(
            connection, query.limit + 1, drill=query.drill, mode=query.mode, before=query.after
        )
    return page_of(found, query.limit, lambda one: one.digest.name)


def keep_drill(call: Call) -> Kept:
    """Keep a result."""
    result: Result = call.body
    wrong = sound.problems(result)
    if wrong:
        place, words = wrong[0]
        raise InvalidError(f"{place}: {words}", place)
    raw = msgspec.json.encode(result)
    with call.parts.store.writing(is_durable=True) as connection:
        if drills.is_kept(connection, result.name):
            raise ConflictError(f"there is a result named {result.name!r}; none is ever changed")
        kept = drills.keep(connection, result, raw, call.actor.name, call.now_unix_s)
        after = {
            "drill": kept.digest.drill,
            "mode": kept.digest.mode,
            "is_passed": kept.digest.is_passed,
        }
        call.audit(connection, "keep", "drill", result.name, Change(after=after))
    return kept


def show_drill(call: Call) -> Result:
    """Return a whole result."""
    name = call.path["name"]
    with call.parts.store.reading() as connection:
        found = drills.whole(connection, name)
    if found is None:
        raise MissingError(f"there is no result named {name[:100]!r}")
    return found


def report(call: Call) -> File:
    """Return a result as a page to read and print."""
    result = show_drill(call)
    return File(f"drill-{result.name}.html", "text/html", render("drill.html", **page(result)))


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/drills",
        summary="List results of drills, those that began last first",
        tag="drills",
        role=Role.VIEWER,
        handler=list_drills,
        query=DrillsQuery,
        answer=Page[Kept],
    ),
    Endpoint(
        method="POST",
        path="/drills",
        summary="Keep the result of a drill",
        tag="drills",
        role=Role.OPERATOR,
        handler=keep_drill,
        body=Result,
        answer=Kept,
        status=201,
        raises=(ConflictError, InvalidError),
    ),
    Endpoint(
        method="GET",
        path="/drills/{name}",
        summary="Show the whole result of a drill",
        tag="drills",
        role=Role.VIEWER,
        handler=show_drill,
        answer=Result,
        raises=(MissingError,),
    ),
    Endpoint(
        method="GET",
        path="/drills/{name}/report",
        summary="The result of a drill as a page to read and print",
        tag="drills",
        role=Role.VIEWER,
        handler=report,
        answer=File,
        raises=(MissingError,),
    ),
)
