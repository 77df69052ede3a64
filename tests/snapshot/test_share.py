"""Shares add up to no more than the whole, and nobody is left with nothing."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.model import Admission, Config, DialectName, Quota, Retry, Upstream
from penstock.config.tenancy import Contract, Limits, Tenant
from penstock.snapshot.build import build
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key, Snapshot
from penstock.snapshot.share import share_of

WHOLE = st.none() | st.integers(0, 10_000)
LIMITS = st.builds(Limits, **dict.fromkeys(Limits.__struct_fields__, WHOLE))
CONTRACTS = st.builds(Contract, **dict.fromkeys(Contract.__struct_fields__, WHOLE))


def snapshot_of(size: int, limits: Limits, contract: Contract | None) -> Snapshot:
    upstream = Upstream(
        name="a",
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://a/v1",
        concurrency_max=size,
        quota=Quota(tokens_per_min=size, requests_per_min=None, target_ratio=0.9),
    )
    made = build(
        Config(
            upstreams=(upstream,),
            retry=Retry(floor_per_s=9.0),
            admission=Admission(queue_max=size, reserve=None),
        ),
        [Key(id="k", tenant="t", sha256=sha256("pk"), limits=limits)],
        version=3,
        now_unix_s=0.0,
    )
    tenant = Tenant(id="t", limits=limits, contract=contract)
    return msgspec.structs.replace(made, tenants=(tenant,))


def pairs(whole: msgspec.Struct, part: msgspec.Struct) -> list[tuple[int | None, int | None]]:
    return [(getattr(whole, name), getattr(part, name)) for name in whole.__struct_fields__]


@given(st.integers(2, 9), st.integers(1, 100), LIMITS, st.none() | CONTRACTS)
def test_every_limit_is_divided(
    workers: int, size: int, limits: Limits, contract: Contract | None
) -> None:
    whole = snapshot_of(size, limits, contract)
    part = share_of(whole, workers)
    found = pairs(limits, part.keys[0].limits) + pairs(limits, part.tenants[0].limits)
    if contract is not None:
        assert part.tenants[0].contract is not None
        found += pairs(contract, part.tenants[0].contract)
    upstream = part.config.upstreams[0]
    found += [
        (size, upstream.concurrency_max),
        (size, upstream.quota.tokens_per_min),
        (size, part.config.admission.queue_max),
    ]
    for limit, own in found:
        if not limit:
            assert own == limit
        else:
            assert own is not None
            assert own >= 1
            assert own * workers <= max(limit, workers)
            assert (own + 1) * workers > limit
    assert upstream.quota.requests_per_min is None
    assert upstream.quota.target_ratio == 0.9
    assert part.config.retry.floor_per_s * workers == 9.0
    assert part.version == whole.version


def test_one_worker_has_it_all() -> None:
    whole = snapshot_of(5, Limits(concurrency=1), None)
    assert share_of(whole, 1) is whole
