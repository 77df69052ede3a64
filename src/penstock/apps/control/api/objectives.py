"""Objectives: how they stand, how they stood, and indicators of everything."""

import math
from typing import Annotated, Final

import msgspec

from penstock.apps.control.alerting import configured
from penstock.apps.control.call import Call
from penstock.apps.control.queries import slis as indicators
from penstock.apps.control.queries import standing
from penstock.apps.control.queries.slis import Dimension, Indicators, Period
from penstock.apps.control.queries.standing import History, Standing
from penstock.config.model import Config
from penstock.config.operations import Objective
from penstock.web.endpoint import Endpoint, InvalidError, MissingError, Role

HOURS_MAX: Final = 90 * 24


def list_objectives(call: Call) -> list[Standing]:
    """Return how all objectives of the configuration stand now."""
    config = configured(call.parts.publisher)
    with call.parts.store.reading() as connection:
        return standing.standings(connection, config.objectives, call.now_unix_s)


def show_history(call: Call) -> History:
    """Return the window of one objective, hour by hour, with what was left of its budget."""
    found = named(configured(call.parts.publisher), call.path["name"])
    with call.parts.store.reading() as connection:
        return standing.history(connection, found, call.now_unix_s)


def named(config: Config, name: str) -> Objective:
    """Return an objective of the configuration; raises MissingError."""
    for one in config.objectives:
        if one.name == name:
            return one
    raise MissingError(f"there is no objective named {name!r}")


class SliQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which indicators; the period ends now."""

    by: Dimension = "tier"
    hours: Annotated[float, msgspec.Meta(gt=0, le=HOURS_MAX)] = 24.0


def list_indicators(call: Call) -> list[Indicators]:
    """Return availability, TTFT and speed by tenant, tier, route or upstream."""
    query: SliQuery = call.query
    if not math.isfinite(query.hours):
        raise InvalidError("this is not a number of hours", "query.hours")
    period = Period(call.now_unix_s - query.hours * 3600.0, call.now_unix_s)
    with call.parts.store.reading() as connection:
        return indicators.slis(connection, query.by, period)


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/objectives",
        summary="List objectives with their SLI, error budget, burn rates and coverage",
        tag="objectives",
        role=Role.VIEWER,
        handler=list_objectives,
        answer=list[Standing],
    ),
    Endpoint(
        method="GET",
        path="/objectives/{name}/history",
        summary="Show an objective's window by hours, and its budget burning down",
        tag="objectives",
        role=Role.VIEWER,
        handler=show_history,
        answer=History,
        raises=(MissingError,),
    ),
    Endpoint(
        method="GET",
        path="/slis",
        summary="List availability, TTFT and speed by tenant, tier, route or upstream",
        tag="objectives",
        role=Role.VIEWER,
        handler=list_indicators,
        query=SliQuery,
        answer=list[Indicators],
    ),
)
