"""What one of several workers may use by itself: every limit divided by how many they are.

    slots, quotas, tenants' and keys' limits, contracts   limit / N, rounded down, at least 1
    the floor of the retry budget, queue places           the same: each worker spends by itself
    what bounds one process's own memory                  as it is

N shares never add up to more than the whole, except where a limit is smaller than N: nobody is
left with nothing (safe capacity: Doorman, TIERING 8). Pure.
"""

from typing import TypeVar

import msgspec

from penstock.config.model import Config, Upstream
from penstock.config.tenancy import Contract, Limits, Tenant
from penstock.snapshot.model import Key, Snapshot

S = TypeVar("S", bound=msgspec.Struct)


def share_of(snapshot: Snapshot, workers: int) -> Snapshot:
    """Return the snapshot with every limit divided; the same one for a single worker."""
    if workers <= 1:
        return snapshot
    return msgspec.structs.replace(
        snapshot,
        config=_config(snapshot.config, workers),
        keys=tuple(_key(one, workers) for one in snapshot.keys),
        tenants=tuple(_tenant(one, workers) for one in snapshot.tenants),
    )


def _config(config: Config, workers: int) -> Config:
    admission = config.admission
    retry = config.retry
    replace = msgspec.structs.replace
    return replace(
        config,
        retry=replace(retry, floor_per_s=retry.floor_per_s / workers),
        admission=_divided(admission, workers, ("queue_max", "reserve", "streams_per_user_max")),
        upstreams=tuple(_upstream(one, workers) for one in config.upstreams),
    )


def _upstream(upstream: Upstream, workers: int) -> Upstream:
    quota = upstream.quota
    minutes = tuple(name for name in quota.__struct_fields__ if name.endswith("_per_min"))
    divided = _divided(upstream, workers, ("concurrency_max",))
    return msgspec.structs.replace(divided, quota=_divided(quota, workers, minutes))


def _key(key: Key, workers: int) -> Key:
    return msgspec.structs.replace(key, limits=_limits(key.limits, workers))


def _tenant(tenant: Tenant, workers: int) -> Tenant:
    contract = tenant.contract
    return msgspec.structs.replace(
        tenant,
        limits=_limits(tenant.limits, workers),
        contract=_divided(contract, workers, Contract.__struct_fields__) if contract else None,
    )


def _limits(limits: Limits, workers: int) -> Limits:
    return _divided(limits, workers, Limits.__struct_fields__)


def _divided(struct: S, workers: int, names: tuple[str, ...]) -> S:
    """Return a struct whose whole numbers of these names are divided; None and 0 stay."""
    fields: dict[str, int] = {}
    for name in names:
        value = getattr(struct, name)
        if value:
            fields[name] = max(1, value // workers)
    return msgspec.structs.replace(struct, **fields)
