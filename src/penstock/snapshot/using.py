"""A snapshot put in use by whoever owns a gate: routes, limits, tenants and prices at once."""

from penstock.exchange.gate import LocalGate
from penstock.snapshot.model import Snapshot
from penstock.snapshot.routing import Routing


def put_in_use(
    snapshot: Snapshot, routing: Routing, gate: LocalGate, now_s: float, now_unix_s: float
) -> None:
    """Use a checked snapshot from now on; what was learned stays."""
    routing.apply(snapshot, now_s)
    gate.use(snapshot.config.admission, routing.upstreams.values())
    gate.tenancy.use(
        snapshot.tenants,
        {key.id: key.limits for key in snapshot.keys},
        snapshot.prices,
        now_s,
        now_unix_s - now_s,
    )
