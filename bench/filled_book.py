"""Who stands in the book of a filled ledger: tenants of all tiers, their keys, prices, changes."""

import hashlib
import itertools
import json
from typing import Final, NamedTuple

import filled_world
import msgspec
from filled_world import WAYS
from sqlalchemy import Connection, insert

from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.ledger import tables
from penstock.ledger.book import KeyEntry, PriceList, Rate, SlaTerms, TenantEntry
from penstock.ledger.store import Store
from penstock.snapshot.model import Key

DAY_S: Final = 86400
SIZES: Final = {"enterprise": 8, "standard": 18, "free": 10, "batch": 4}
SHARES: Final = {"enterprise": 5.0, "standard": 3.0, "free": 4.0, "batch": 1.0}
FIRST: Final = ("north", "harbour", "alpine", "city", "green", "river", "delta", "union", "prime",
                "coast")  # fmt: skip
SECOND: Final = ("bank", "clinic", "logistics", "press", "energy", "insurance", "retail")
CHANGES: Final = 2000


class Caller(NamedTuple):
    """Who asks by which route."""

    tenant: str
    key: str
    route: str
    tier: str


def names() -> list[tuple[str, str]]:
    """Return tenants with their tiers."""
    words = (f"{a}-{b}" for b, a in itertools.product(SECOND, FIRST))
    return [(next(words), tier) for tier, size in SIZES.items() for _ in range(size)]


def callers() -> tuple[list[Caller], list[float]]:
    """Return who asks, and the weights, added up: a few tenants ask the most."""
    found: list[Caller] = []
    weights: list[float] = []
    ranks = dict.fromkeys(SIZES, 0)
    for at, (tenant, tier) in enumerate(names()):
        ranks[tier] += 1
        weight = SHARES[tier] / ranks[tier]
        ways = [WAYS[(at + step) % len(WAYS)] for step in range(1 + at % 3)]
        for key, (step, way) in itertools.product(range(1 + at % 3), enumerate(ways)):
            found.append(Caller(tenant, f"{tenant}-{key + 1}", way.name, tier))
            weights.append(weight / (1 + step) / (1 + key))
    return found, list(itertools.accumulate(weights))


def entry(tenant: str, tier: str) -> TenantEntry:
    """Return a tenant as it stands in the book."""
    is_owed = tier == "enterprise"
    limits = Limits(
        requests_per_min={"standard": 600, "free": 60}.get(tier),
        tokens_per_min={"standard": 400_000, "free": 40_000}.get(tier),
        budget_day_microusd=40_000_000 if tier == "standard" else None,
        budget_month_microusd=20_000_000_000 if is_owed else 900_000_000,
    )
    return TenantEntry(
        tenant=Tenant(
            id=tenant,
            tier=TierName(tier),
            weight=2.0 if is_owed else 1.0,
            contract=Contract(tokens_per_min=900_000, concurrency=64) if is_owed else None,
            limits=limits,
        ),
        name=tenant.replace("-", " ").title(),
        sla=SlaTerms(ttft_s=3.0) if is_owed else None,
    )


def prices() -> PriceList:
    """Return what the models cost; the own engine has no price."""
    answerers = {one.model: one for way in WAYS for one in way.answerers}
    costs = tuple(
        Rate(
            model=one.model,
            from_day="2026-01-01",
            input_microusd=one.rates.input,
            output_microusd=one.rates.output,
            cached_microusd=one.rates.cached,
            cache_write_microusd=one.rates.cache_write,
            source="the provider's price page",
        )
        for one in answerers.values()
        if one.rates is not None
    )
    return PriceList(costs=costs, markup_ratio=filled_world.CHARGE_RATIO)


def write(store: Store, connection: Connection, now_unix_s: int) -> None:
    """Write the book of an empty database."""
    del store
    began_s = now_unix_s - 90 * DAY_S
    life = {"created_unix_s": began_s, "updated_unix_s": began_s}
    for tenant, tier in names():
        document = msgspec.json.encode(entry(tenant, tier)).decode()
        connection.execute(insert(tables.tenants).values(id=tenant, document=document, **life))
    for tenant, name in sorted({(one.tenant, one.key) for one in callers()[0]}):
        digest = hashlib.sha256(name.encode()).hexdigest()
        key = KeyEntry(key=Key(id=name, tenant=tenant, sha256=digest), hint=f"ps-{digest[:4]}")
        document = msgspec.json.encode(key).decode()
        connection.execute(
            insert(tables.keys).values(
                id=name, tenant=tenant, sha256=digest, document=document, **life
            )
        )
    listed = msgspec.json.encode(prices()).decode()
    connection.execute(
        insert(tables.price_lists).values(created_unix_s=began_s, actor="owner", document=listed)
    )
    connection.execute(insert(tables.audit), _changes(now_unix_s))


def _changes(now_unix_s: int) -> list[dict[str, object]]:
    tenants = names()
    return [
        {
            "at_unix_s": now_unix_s - (CHANGES - at) * 1800.0,
            "actor": ("owner", "operator-1", "operator-2")[at % 3],
            "role": ("owner", "operator", "operator")[at % 3],
            "address": "127.0.0.1",
            "action": "update",
            "kind": "tenant",
            "object": tenants[at % len(tenants)][0],
            "before": json.dumps({"limits": {"requests_per_min": 100 + at}}),
            "after": json.dumps({"limits": {"requests_per_min": 101 + at}}),
        }
        for at in range(CHANGES)
    ]
