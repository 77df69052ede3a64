"""Who is admitted, in which tier, and what is left: whatever happens in which order."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.config.tenancy import Contract, Limits, Price, Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.errors import LimitError
from penstock.core.price import Used
from penstock.core.standing import UNLIMITED, Level, Standing
from penstock.core.tier import Tier
from penstock.exchange.tenancy import UNPRICED_MAX, Tenancy

DAY_S = 86_400.0
NOON_UNIX_S = 20_000 * DAY_S + DAY_S / 2
PRICES = (
    Price(model="m", input_microusd=1_000_000, output_microusd=2_000_000, cached_microusd=100_000),
    Price(model="dear*", output_microusd=50_000_000, request_microusd=7),
)
ACME = Tenant(
    id="acme",
    tier=TierName.ENTERPRISE,
    weight=3.0,
    contract=Contract(tokens_per_min=6_000, concurrency=4),
)


def tenancy(
    *tenants: Tenant,
    keys: Mapping[str, Limits] | None = None,
    prices: Iterable[Price] = PRICES,
) -> Tenancy:
    made = Tenancy()
    made.use(tenants, keys or {}, prices, 0.0, NOON_UNIX_S)
    return made


def claim(tenant: str = "acme", key: str = "k", tier: Tier = Tier.ENTERPRISE, **more: Any) -> Claim:
    made = Claim(tenant, key, tier, more.pop("input_tokens", 100), 0.0)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def refused(error: LimitError | None) -> LimitError:
    assert error is not None
    return error


def test_within_the_contract_it_is_served_there_and_beyond_one_tier_lower() -> None:
    made = tenancy(ACME)
    some = [claim(output_tokens_max=100) for _ in range(6)]
    assert [made.admit(one, "m", 0.0) for one in some] == [None] * 6
    assert [one.is_in_contract for one in some] == [True] * 4 + [False] * 2
    assert [one.served for one in some] == [Tier.ENTERPRISE] * 4 + [Tier.STANDARD] * 2
    level = made.state(0.0)["contracts"]["acme"]["tokens"]
    made.settle(some[4], Used(100, 5_000), "m", 0.0, is_final=True)
    assert made.state(0.0)["contracts"]["acme"]["tokens"] == level  # overage takes nothing
    made.settle(some[0], Used(100, 20), "m", 0.0, is_final=True)
    assert made.state(0.0)["contracts"]["acme"]["tokens"] == level + 80
    again = claim()
    assert made.admit(again, "m", 0.0) is None
    assert again.is_in_contract


def test_who_is_withdrawn_begins_anew() -> None:
    made = tenancy(ACME)
    some = [claim() for _ in range(5)]
    for one in some:
        assert made.admit(one, "m", 0.0) is None
    for one in (some[0], some[4]):
        made.withdraw(one, 0.0)
        assert (one.served, one.is_in_contract) == (Tier.ENTERPRISE, False)
    assert made.admit(some[4], "m", 0.0) is None
    assert (some[4].served, some[4].is_in_contract) == (Tier.ENTERPRISE, True)


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.FREE, Tier.BATCH, Tier.CONTROL])
def test_only_enterprise_has_contracts(tier: Tier) -> None:
    made = tenancy(ACME)
    before = made.state(0.0)["contracts"]
    for _ in range(10):
        one = claim(tier=tier)
        assert made.admit(one, "m", 0.0) is None
        assert one.served is tier
        assert not one.is_in_contract
    assert made.state(0.0)["contracts"] == before
    standard = Tenant(id="s", tier=TierName.STANDARD, contract=Contract(concurrency=1))
    assert tenancy(standard).state(0.0)["contracts"] == {}


def test_without_a_contract_nothing_is_ever_beyond_it() -> None:
    made = tenancy(msgspec.structs.replace(ACME, contract=None))
    for _ in range(100):
        one = claim(input_tokens=10**9)
        assert made.admit(one, "m", 0.0) is None
        assert one.is_in_contract
        assert one.served is Tier.ENTERPRISE


def test_a_claim_is_admitted_once_and_settled_once() -> None:
    made = tenancy(ACME)
    one = claim()
    for _ in range(3):
        assert made.admit(one, "m", 0.0) is None
    assert made.in_flight("acme") == 1
    for _ in range(3):
        made.settle(one, Used(100, 50), "m", 0.0, is_final=True)
        made.withdraw(one, 0.0)
    assert made.in_flight("acme") == 0
    never = claim()
    made.settle(never, Used(100, 50), "m", 0.0, is_final=True)
    assert made.in_flight("acme") == 0


def test_what_the_tenant_refuses_the_key_gets_back() -> None:
    tenant = Tenant(id="acme", limits=Limits(requests_per_min=1))
    made = tenancy(tenant, keys={"k": Limits(requests_per_min=5, tokens_per_min=10_000)})
    assert made.admit(claim(), "m", 0.0) is None
    before = made.remaining("nobody", "k", 0.0)
    error = refused(made.admit(claim(), "m", 0.0))
    assert (error.whose, error.dimension, error.limit) == ("This tenant", "requests_per_min", 1)
    assert error.retry_after_s == pytest.approx(60.0)
    assert error.status == 429
    assert made.remaining("nobody", "k", 0.0) == before
    assert made.in_flight("acme") == 1


def test_the_key_is_asked_first_and_the_contract_last() -> None:
    made = tenancy(ACME, keys={"k": Limits(concurrency=1)})
    assert made.admit(claim(), "m", 0.0) is None
    before = made.state(0.0)
    error = refused(made.admit(claim(), "m", 0.0))
    assert error.whose == "This key"
    assert made.state(0.0) == before


def test_a_budget_goes_one_exchange_below_zero_and_then_stops_until_midnight() -> None:
    made = tenancy(keys={"k": Limits(budget_day_microusd=1_000)})
    one = claim(output_tokens_max=50)
    assert made.admit(one, "m", 0.0) is None
    assert one.reserved_microusd == 100 + 2 * 50
    made.settle(one, Used(100, 10_000), "m", 0.0, is_final=True)
    error = refused(made.admit(claim(), "m", 5.0))
    assert (error.dimension, error.remaining) == ("budget_day_microusd", 0)
    assert error.retry_after_s == DAY_S / 2 - 5.0
    assert error.should_retry is False
    assert made.admit(claim(), "m", DAY_S / 2) is None


def test_what_streams_beyond_its_reserve_is_charged_as_it_comes() -> None:
    made = tenancy(keys={"k": Limits(tokens_per_min=1_000, budget_day_microusd=10_000)})
    one = claim(output_tokens_max=200)
    assert made.admit(one, "m", 0.0) is None

    def left() -> dict[str, int]:
        return {one.dimension: one.remaining for one in made.remaining("acme", "k", 0.0)}

    reserved = left()
    assert reserved == {"tokens_per_min": 700, "budget_day_microusd": 9_500}
    made.settle(one, Used(100, 30), "m", 0.0, is_final=False)
    assert left() == reserved
    made.settle(one, Used(100, 500), "m", 0.0, is_final=False)
    assert left() == {"tokens_per_min": 400, "budget_day_microusd": 8_900}
    made.settle(one, Used(100, 400), "m", 0.0, is_final=True)
    assert left() == {"tokens_per_min": 500, "budget_day_microusd": 9_100}


def test_what_a_cache_serves_costs_less_and_takes_no_tokens() -> None:
    made = tenancy(keys={"k": Limits(tokens_per_min=1_000, budget_day_microusd=10_000)})
    one = claim(output_tokens_max=10)
    assert made.admit(one, "m", 0.0) is None
    made.settle(one, Used(1_000, 10, 900), "m", 0.0, is_final=True)
    left = {one.dimension: one.remaining for one in made.remaining("acme", "k", 0.0)}
    assert left == {"tokens_per_min": 890, "budget_day_microusd": 10_000 - 100 - 90 - 20}


def test_the_price_is_that_of_the_model_that_answered() -> None:
    made = tenancy(keys={"k": Limits(budget_month_microusd=10_000)})
    one = claim()
    assert made.admit(one, "m", 0.0) is None
    made.settle(one, Used(100, 10), "dear-model", 0.0, is_final=True)
    assert made.remaining("acme", "k", 0.0)[0].remaining == 10_000 - 500 - 7
    free = claim()
    assert made.admit(free, "m", 0.0) is None
    made.settle(free, Used(), "dear-model", 0.0, is_final=True)
    assert made.remaining("acme", "k", 0.0)[0].remaining == 10_000 - 500 - 7


def test_what_has_no_price_costs_nothing_and_is_counted() -> None:
    made = tenancy(keys={"k": Limits(budget_day_microusd=1)})
    for at in range(UNPRICED_MAX + 10):
        one = claim()
        assert made.admit(one, "m", 0.0) is None or at
        assert made.admit(one, "unknown", 0.0) is None
        made.settle(one, Used(1, 1), f"unknown {at}", 0.0, is_final=True)
    assert len(made.unpriced) == UNPRICED_MAX + 1
    assert sum(made.unpriced.values()) == UNPRICED_MAX + 10


def test_the_estimate_learns_and_is_shared_by_many() -> None:
    made = tenancy()
    for _ in range(600):
        one = claim()
        assert made.admit(one, "m", 0.0) is None
        made.settle(one, Used(100, 40), "m", 0.0, is_final=True)
    some = [claim() for _ in range(64)]
    for one in some:
        assert made.admit(one, "m", 0.0) is None
        assert one.reserved_tokens == one.output_tokens + 100
    assert some[0].output_tokens > some[-1].output_tokens >= 40


def test_the_tighter_of_both_limits_is_told() -> None:
    tenant = Tenant(id="acme", limits=Limits(requests_per_min=10, concurrency=9))
    made = tenancy(tenant, keys={"k": Limits(requests_per_min=60, tokens_per_min=600)})
    assert made.admit(claim(output_tokens_max=50), "m", 0.0) is None
    told = {one.dimension: one for one in made.remaining("acme", "k", 0.0)}
    assert (told["requests_per_min"].limit, told["requests_per_min"].remaining) == (10, 9)
    assert told["requests_per_min"].reset_s == pytest.approx(6.0)
    assert (told["tokens_per_min"].remaining, told["concurrency"].remaining) == (450, 8)
    assert told["tokens_per_min"].reset_s == pytest.approx(15.0)
    limits = (told["requests_per_min"], told["tokens_per_min"])
    expected = (Level(one.limit, one.remaining, one.reset_s) for one in limits)
    assert made.standing("acme", "k", 0.0) == Standing(*expected)
    assert made.standing("acme", "other", 0.0).tokens is None
    assert made.remaining("x", "y", 0.0) == []
    assert made.standing("x", "y", 0.0) is UNLIMITED


def test_a_reload_keeps_what_was_learned_spent_and_under_way() -> None:
    made = tenancy(ACME, keys={"k": Limits(budget_day_microusd=10_000)})
    some = [claim(output_tokens_max=100) for _ in range(4)]
    for one in some:
        assert made.admit(one, "m", 0.0) is None
    made.settle(some[0], Used(100, 100), "m", 0.0, is_final=True)
    spent = made.remaining("acme", "k", 0.0)
    level = made.state(0.0)["contracts"]
    made.use([ACME], {"k": Limits(budget_day_microusd=10_000)}, PRICES, 0.0, NOON_UNIX_S)
    assert made.remaining("acme", "k", 0.0) == spent
    assert made.state(0.0)["contracts"] == level
    made.use([], {}, PRICES, 0.0, NOON_UNIX_S)
    assert made.remaining("acme", "k", 0.0) == []
    assert made.weight_of("acme") == 1.0
    assert made.state(0.0)["contracts"] == {}
    for one in some[1:]:
        made.settle(one, Used(100, 100), "m", 0.0, is_final=True)
    assert made.in_flight("acme") == 0
    made.use([ACME], {"k": Limits(budget_day_microusd=10_000)}, PRICES, 0.0, NOON_UNIX_S)
    assert made.remaining("acme", "k", 0.0)[0].remaining == 10_000 - 4 * 300
    one = claim()
    assert made.admit(one, "m", 0.0) is None
    assert one.is_in_contract


def test_names_that_are_gone_and_idle_are_forgotten() -> None:
    made = tenancy(prices=())
    for at in range(100):
        one = claim(tenant=f"t{at}", key=f"k{at}")
        assert made.admit(one, "m", 0.0) is None
        made.settle(one, Used(1, 1), "m", 0.0, is_final=True)
    made.use([], {}, (), 0.0, NOON_UNIX_S)
    assert not made.tenants
    assert not made.keys


@given(st.floats(0.0, 600.0))
def test_a_restart_keeps_money_and_contracts(passed_s: float) -> None:
    keys = {"k": Limits(budget_day_microusd=10_000, budget_month_microusd=20_000)}
    made = tenancy(ACME, keys=keys)
    one = claim(output_tokens_max=2_000, input_tokens=8_000)
    assert made.admit(one, "m", 0.0) is None
    made.settle(one, Used(8_000, 500), "m", 0.0, is_final=True)
    under_way = claim(output_tokens_max=100)
    assert made.admit(under_way, "m", 0.0) is None
    saved = json.loads(json.dumps(made.state(0.0)))
    other = Tenancy()
    other.use([ACME], keys, PRICES, 77.0, NOON_UNIX_S + passed_s - 77.0)
    other.restore(saved, 77.0)
    assert [one.remaining for one in other.remaining("acme", "k", 77.0)] == [700, 10_700]
    before = made.state(0.0)["contracts"]["acme"]["tokens"]
    after = other.state(77.0)["contracts"]["acme"]["tokens"]
    burst = 6_000 * 5
    assert after == pytest.approx(min(burst, before + passed_s * 105))


def test_a_state_that_says_nothing_is_borne() -> None:
    made = tenancy(ACME)
    made.restore({}, 0.0)
    assert made.admit(claim(), "m", 0.0) is None


def test_weights_are_the_tenants() -> None:
    made = tenancy(ACME)
    assert made.weight_of("acme") == 3.0
    assert made.weight_of("nobody") == 1.0


class TenancyUnderTraffic(RuleBasedStateMachine):
    """Three keys of two tenants, reloads between: what is reserved is what is out, always."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.made = Tenancy()
        self.out: list[Claim] = []
        self.spent: dict[str, int] = {"k0": 0, "k1": 0, "k2": 0}
        self.has_prices = True
        self.reload(None, 2, has_prices=True)

    @rule(
        tokens=st.sampled_from([None, 500, 50_000]),
        concurrency=st.sampled_from([None, 1, 2, 5]),
        has_prices=st.booleans(),
    )
    def reload(self, tokens: int | None, concurrency: int | None, *, has_prices: bool) -> None:
        limits = Limits(tokens_per_min=tokens, budget_month_microusd=10**12)
        contract = Contract(tokens_per_min=tokens, concurrency=concurrency) if tokens else None
        acme = Tenant(
            id="acme",
            tier=TierName.ENTERPRISE,
            contract=contract,
            limits=Limits(concurrency=concurrency and concurrency * 3, tokens_per_min=tokens),
        )
        keys = {"k0": limits, "k1": Limits(concurrency=concurrency), "k2": Limits()}
        self.has_prices = has_prices
        prices = PRICES if has_prices else ()
        self.made.use([acme], keys, prices, self.now_s, NOON_UNIX_S)

    @rule(
        key=st.sampled_from(["k0", "k1", "k2"]),
        tier=st.sampled_from([Tier.ENTERPRISE, Tier.STANDARD]),
        tokens=st.integers(0, 700),
        reserves=st.booleans(),
    )
    def admit(self, key: str, tier: Tier, tokens: int, *, reserves: bool) -> None:
        one = claim("other" if key == "k2" else "acme", key, tier, input_tokens=tokens)
        if self.made.admit(one, "m", self.now_s, reserves=reserves) is None:
            assert one.is_admitted
            assert one.served in {tier, Tier.STANDARD}
            assert one.is_in_contract == (tier is one.served is Tier.ENTERPRISE)
            self.out.append(one)
        else:
            assert not one.is_admitted
            assert one.reserved_tokens == one.reserved_microusd == 0

    @precondition(lambda self: self.out)
    @rule(
        data=st.data(),
        used=st.builds(
            Used,
            st.integers(0, 900),
            st.integers(0, 5_000),
            st.integers(0, 100),
            st.just(0),
            st.just(0),
        ),
        how=st.sampled_from(["progress", "end", "withdraw"]),
    )
    def move(self, data: st.DataObject, used: Used, how: str) -> None:
        at = data.draw(st.integers(0, len(self.out) - 1))
        one = self.out[at]
        if how == "progress":
            before = (one.reserved_tokens, one.reserved_microusd)
            self.made.settle(one, used, "m", self.now_s, is_final=False)
            assert one.reserved_tokens >= before[0]
            assert one.reserved_microusd >= before[1]
            return
        self.out.pop(at)
        if how == "withdraw":
            self.made.withdraw(one, self.now_s)
            assert one.served is one.tier
            return
        self.made.settle(one, used, "m", self.now_s, is_final=True)
        given, output, cached, *_ = used
        fresh = max(0, given - cached)
        cost = math.ceil((fresh * 10 + cached + output * 20) / 10) if given or output else 0
        self.spent[one.key] += cost if self.has_prices else 0

    @rule(wait_s=st.sampled_from([0.1, 7.0, 120.0]))
    def wait(self, wait_s: float) -> None:
        self.now_s += wait_s

    @invariant()
    def all_is_accounted_for(self) -> None:
        for key, allowance in self.made.keys.items():
            mine = [one for one in self.out if one.key == key]
            assert allowance.in_flight == len(mine)
            assert allowance.reserved_tokens == sum(one.reserved_tokens for one in mine)
            assert allowance.purse.reserved == sum(one.reserved_microusd for one in mine)
            assert allowance.purse.month_spent == self.spent[key]
        for name, account in self.made.tenants.items():
            mine = [one for one in self.out if one.tenant == name]
            assert account.allowance.in_flight == len(mine)
            assert account.meter.in_flight == sum(one.is_in_contract for one in mine)
            assert account.allowance.reserved_tokens == sum(one.reserved_tokens for one in mine)


TestTenancyUnderTraffic = TenancyUnderTraffic.TestCase
