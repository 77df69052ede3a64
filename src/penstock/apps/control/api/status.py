"""How control is: what is served, and whether what operators have changed is served already."""

from typing import Final

import msgspec

from penstock.apps.control.call import Call
from penstock.apps.control.publishing import Standing
from penstock.apps.control.reading import ReadingState
from penstock.config import private_file
from penstock.core.errors import PenstockError
from penstock.ledger.probe import Probe
from penstock.web.endpoint import Endpoint, NoQuery, Role

PROBE_S: Final = 2.0  # a database that answers at all does so in milliseconds


class Reader(msgspec.Struct, frozen=True):
    """What a gateway said when it last read the snapshot."""

    name: str
    version: int  # that it serves
    error: str = ""  # why not a newer one


class ControlStatus(msgspec.Struct, frozen=True):
    """How control is."""

    snapshot: Standing
    is_database_reachable: bool
    database_error: str
    reading: ReadingState | None  # of the spool; none where nothing is read
    gateways: list[Reader]  # those that have read a snapshot since they started


def status(call: Call) -> ControlStatus:
    """Return how control is; answers with the database gone or frozen, too."""
    parts = call.parts
    error = (parts.probe or Probe(parts.store)).error(PROBE_S)
    reading = parts.reading.state() if parts.reading else None
    return ControlStatus(parts.publisher.standing, not error, error, reading, _readers(call))


def _readers(call: Call) -> list[Reader]:
    found: list[Reader] = []
    for path in sorted((call.parts.state_dir / "run").glob("gateway*.reload.json")):
        name = path.name.removesuffix(".reload.json")
        try:
            said = msgspec.json.decode(private_file.read(path), type=_Said)
        except (PenstockError, msgspec.MsgspecError):
            continue
        found.append(Reader(name, said.version, said.error))
    return found


class _Said(msgspec.Struct, frozen=True):
    version: int = 0
    error: str = ""


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/status",
        summary="Show what is served, and what stands in the way",
        tag="status",
        role=Role.VIEWER,
        handler=status,
        query=NoQuery,
        answer=ControlStatus,
        needs_store=False,
    ),
)
