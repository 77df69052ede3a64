"""Each contradiction of tenants and limits is found, at its place."""

import pytest

from penstock.config import check_tenancy
from penstock.config.tenancy import Contract, Limits, Tenant, TierName

WRONG: list[tuple[list[Tenant], str]] = [
    ([Tenant(id="a"), Tenant(id="a")], "tenants.a"),
    ([Tenant(id="a b")], "tenants"),
    ([Tenant(id="")], "tenants"),
    ([Tenant(id="a", weight=0.0)], "tenants.a.weight"),
    ([Tenant(id="a", weight=float("inf"))], "tenants.a.weight"),
    ([Tenant(id="a", weight=float("nan"))], "tenants.a.weight"),
    ([Tenant(id="a", ttft_timeout_s=0.0)], "tenants.a.ttft_timeout_s"),
    ([Tenant(id="a", ttft_timeout_s=float("nan"))], "tenants.a.ttft_timeout_s"),
    ([Tenant(id="a", contract=Contract(concurrency=0))], "tenants.a.contract.concurrency"),
    ([Tenant(id="a", limits=Limits(requests_per_min=-1))], "tenants.a.limits.requests_per_min"),
    ([Tenant(id="a", limits=Limits(tokens_per_min=10**16))], "tenants.a.limits.tokens_per_min"),
]


@pytest.mark.parametrize(("tenants", "place"), WRONG)
def test_what_is_wrong_is_found(tenants: list[Tenant], place: str) -> None:
    assert {one.place for one in check_tenancy.problems(tenants, {})} == {place}


def test_limits_of_keys_are_looked_at_too() -> None:
    found = check_tenancy.problems([], {"k": Limits(budget_day_microusd=0), "good": Limits()})
    assert [one.place for one in found] == ["keys.k.limits.budget_day_microusd"]


def test_what_is_right_is_not_refused() -> None:
    good = Tenant(
        id="Acme-1.x_y",
        tier=TierName.ENTERPRISE,
        weight=0.5,
        contract=Contract(tokens_per_min=1),
        limits=Limits(concurrency=1),
        ttft_timeout_s=2.0,
    )
    assert list(check_tenancy.problems([good], {})) == []
    assert list(check_tenancy.warnings([good])) == []


def test_a_contract_that_says_nothing_is_doubted() -> None:
    tenant = Tenant(id="a", tier=TierName.FREE, contract=Contract(concurrency=1))
    (doubt,) = check_tenancy.warnings([tenant])
    assert doubt.place == "tenants.a.contract"
    assert "free" in doubt.message
