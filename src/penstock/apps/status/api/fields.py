"""What bodies and answers of the operator API have in common."""

import contextlib
from collections.abc import Generator
from typing import Annotated, Final, Literal

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.tables import components
from penstock.web.endpoint import InvalidError

INSTANT_MAX: Final = 4_102_444_800.0  # 2100; what lies beyond is milliseconds
SEQ_MAX: Final = 2**53
Instant = Annotated[float, msgspec.Meta(ge=0.0, le=INSTANT_MAX)]  # Unix time in seconds
Seq = Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]
Impact = Literal["", "none", "minor", "major", "critical"]
# What people may say of a component: all but "unknown".
ChosenState = Literal[
    "operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"
]


@contextlib.contextmanager
def of_body() -> Generator[None]:
    """Name a field that the domain refuses by its place in the body."""
    try:
        yield
    except InvalidError as error:
        if error.param and "." not in error.param:
            error.param = f"body.{error.param}"
        raise


def names(connection: Connection) -> dict[str, str]:
    """Return what components are called, also those that are gone."""
    return {row.id: row.name for row in connection.execute(select(components))}
