"""A small November for tests of reports: what is in the ledger, and what must come out of it."""

import msgspec
from sqlalchemy import insert
from tests.apps.control.sums import put

from penstock.config.model import DialectName, Upstream
from penstock.config.tenancy import Tenant
from penstock.core.calendar import DAY_S
from penstock.ledger import tables
from penstock.ledger.book import SlaTerms, TenantEntry
from penstock.ledger.store import Store, migrate

NOVEMBER_S = 1_793_491_200  # 2026-11-01 00:00 UTC
NOW_S = NOVEMBER_S + 40 * DAY_S
UPSTREAMS = (
    Upstream(
        name="east", dialect=DialectName.OPENAI_CHAT, base_url="http://x", sla="aws-bedrock",
        concurrency_max=10,
    ),
    Upstream(
        name="west", dialect=DialectName.OPENAI_CHAT, base_url="http://x", sla="openai-scale"
    ),
    Upstream(name="own", dialect=DialectName.OPENAI_CHAT, base_url="http://x"),
)  # fmt: skip
TERMS = {
    "acme": SlaTerms(ttft_s=2.0, fee_microusd=1_000_000_000),
    "zeta": SlaTerms(calculator="interval_mean", target_ratio=0.999),
    "idle": SlaTerms(),
    "guest": None,
}


def traffic(store: Store, at: int, who: tuple[str, str], **counts: int) -> None:
    """Add exchanges of a tenant and tier in the step ``at`` of November."""
    key = {"tenant": who[0], "tier": who[1], "route": "r", "upstream": "east", "model": "m"}
    put(store, tables.traffic, NOVEMBER_S + 300 * at, **key, **counts)


def attempts(store: Store, at: int, where: tuple[str, str, int], **counts: float) -> None:
    """Add attempts at an upstream, by outcome and status, in the step ``at`` of November."""
    key = {"upstream": where[0], "model": "gpt-4o", "outcome": where[1], "status": where[2]}
    put(store, tables.attempts, NOVEMBER_S + 300 * at, **key, **counts)


def fill(store: Store) -> None:
    """Fill the ledger.

    acme   3 steps: 100 served; 90 served, 6 failed, 4 shed; 10 served, all of them after an
           upstream had failed. TTFT: 95 at most 2 s, 5 above. limited ones do not count
    zeta   2 steps: 1000 served; 1 failed
    guest  1 step: 5 served; it has no terms. idle: nothing
    east   900 good, 60 of 503, 40 throttled, 10 unreachable
    west   100 good at 100 tokens/s; no failure
    """
    migrate(store)
    with store.writing() as connection:
        for name, terms in TERMS.items():
            entry = TenantEntry(tenant=Tenant(id=name), sla=terms)
            document = msgspec.json.encode(entry).decode()
            connection.execute(insert(tables.tenants).values(id=name, document=document))
    fast, slow = tables.TTFT[4], tables.TTFT[20]
    acme, zeta = ("acme", "enterprise"), ("zeta", "standard")
    traffic(store, 0, acme, exchanges=100, served=100, charge_microusd=7, **{fast: 95})
    traffic(store, 1, acme, exchanges=120, served=90, failed=6, shed=4, limited=20, **{slow: 5})
    traffic(store, 2, acme, exchanges=10, served=10, failovers=10)
    traffic(store, 3, zeta, exchanges=1000, served=1000, charge_microusd=5_000_000)
    traffic(store, 4, zeta, exchanges=1, lost=1)
    traffic(store, 5, ("guest", "free"), exchanges=5, served=5)
    good, quick = ("east", "success", 200), {tables.SPEED[11]: 100}
    attempts(store, 0, good, attempts=900, cost_microusd=90_000_000, duration_s=900)
    attempts(store, 1, ("east", "overloaded", 503), attempts=60, duration_s=6)
    attempts(store, 1, ("east", "quota", 429), attempts=40)
    attempts(store, 2, ("east", "unreachable", 0), attempts=10)
    attempts(store, 0, ("west", "success", 200), attempts=100, cost_microusd=1_000_000, **quick)
    with store.writing() as connection:
        for at in range(60):
            connection.execute(
                insert(tables.failures).values(
                    exchange=f"req_{at}", number=0, at_us=(NOVEMBER_S + 300 + at) * 1_000_000,
                    tenant="acme", upstream="east", model="m", outcome="overloaded", status=503,
                    request_id=f"up_{at}", detail="=cmd()" if at == 0 else "overloaded, sorry",
                )
            )  # fmt: skip
