"""Components: how each is and who says so; people's own word on one, until they release it."""

from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import Connection, select, update

from penstock.apps.status.api.fields import ChosenState
from penstock.apps.status.call import Call
from penstock.apps.status.incidents import states
from penstock.apps.status.tables import components, intervals
from penstock.watch.component import State
from penstock.web.endpoint import Endpoint, MissingError, Role

KIND: Final = "component"


class ComponentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One component."""

    id: str
    name: str
    group: str
    description: str
    layer: str
    surface: str
    provider: str
    state: str  # what the page says
    source: str  # who says so: watch, operator, maintenance
    since_unix_s: float
    watch_state: str
    operator_state: str  # empty: people have said nothing
    incident: str  # of which the state comes
    updated_unix_s: float


class NewState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people say of a component."""

    state: ChosenState


class NewDescription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a component below its name; empty: what the configuration says."""

    description: Annotated[str, msgspec.Meta(max_length=300, pattern="^[^\\x00]*$")]


def list_components(call: Call) -> list[ComponentRow]:
    """Return all components, in the order of the page."""
    with call.parts.store.reading() as connection:
        return listed(connection)


def get_component(call: Call) -> ComponentRow:
    """Return one component."""
    with call.parts.store.reading() as connection:
        return one(connection, call.path["id"])


def put_state(call: Call) -> ComponentRow:
    """Say how a component is; it holds until it is released."""
    wanted: NewState = call.body
    return _override(call, "override", State(wanted.state))


def release_state(call: Call) -> ComponentRow:
    """Leave a component to the watch, and to incidents, again."""
    return _override(call, "release", None)


def put_description(call: Call) -> ComponentRow:
    """Describe a component in one's own words."""
    wanted: NewDescription = call.body
    with call.parts.store.writing(is_durable=True) as connection:
        before = one(connection, call.path["id"])
        words = wanted.description.strip()
        mine = components.c.id == before.id
        values = {"operator_description": words, "updated_unix_s": call.now_unix_s}
        connection.execute(update(components).where(mine).values(**values))
        after = one(connection, before.id)
        call.audit(
            connection, "describe", (KIND, before.name), before.description, after.description
        )
    call.parts.touch()
    return after


def listed(connection: Connection) -> list[ComponentRow]:
    """Return all components, in the order of the page."""
    c = components.c
    rows = connection.execute(select(components).where(c.is_gone == 0).order_by(c.position)).all()
    groups = {row.id: row.name for row in rows if row.is_group}
    running = {
        row.component: row
        for row in connection.execute(select(intervals).where(intervals.c.to_unix_s == 0))
    }
    return [_row(row, groups, running.get(row.id)) for row in rows if not row.is_group]


def one(connection: Connection, id_: str) -> ComponentRow:
    """Return one component; raises MissingError."""
    found = next((row for row in listed(connection) if row.id == id_), None)
    if found is None:
        raise MissingError(f"there is no component {id_[:64]!r}")
    return found


def _override(call: Call, action: str, state: State | None) -> ComponentRow:
    with call.parts.store.writing(is_durable=True) as connection:
        before = one(connection, call.path["id"])
        states.override(connection, call.parts, before.id, state, call.now_unix_s)
        after = one(connection, before.id)
        call.audit(connection, action, (KIND, before.name), before.state, after.state)
    call.parts.touch()
    return after


def _row(row: Any, groups: dict[str, str], running: Any) -> ComponentRow:
    return ComponentRow(
        id=row.id,
        name=row.name,
        group=groups.get(row.group_id, ""),
        description=row.operator_description or row.description,
        layer=row.layer,
        surface=row.surface,
        provider=row.provider,
        state=row.state or State.UNKNOWN.value,
        source=running.source if running else states.Source.WATCH.value,
        since_unix_s=running.from_unix_s if running else 0.0,
        watch_state=row.watch_state,
        operator_state=row.operator_state,
        incident=running.incident if running else "",
        updated_unix_s=row.updated_unix_s,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/components",
        summary="List components with their states, and who says so",
        tag="components",
        role=Role.VIEWER,
        handler=list_components,
        answer=list[ComponentRow],
    ),
    Endpoint(
        method="GET",
        path="/components/{id}",
        summary="Show a component",
        tag="components",
        role=Role.VIEWER,
        handler=get_component,
        answer=ComponentRow,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PUT",
        path="/components/{id}/state",
        summary="Say how a component is; it holds until it is released",
        tag="components",
        role=Role.OPERATOR,
        handler=put_state,
        body=NewState,
        answer=ComponentRow,
        raises=(MissingError,),
    ),
    Endpoint(
        method="DELETE",
        path="/components/{id}/state",
        summary="Release a component: it is as the watch and incidents say",
        tag="components",
        role=Role.OPERATOR,
        handler=release_state,
        answer=ComponentRow,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PUT",
        path="/components/{id}/description",
        summary="Describe a component in one's own words; empty: in the configuration's",
        tag="components",
        role=Role.OPERATOR,
        handler=put_description,
        body=NewDescription,
        answer=ComponentRow,
        raises=(MissingError,),
    ),
)
