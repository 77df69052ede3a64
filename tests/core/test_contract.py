"""Who keeps to the contract is in it, who does not is in it for its share, and nothing is lost."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.config.tenancy import Contract
from penstock.core.contract import BURST_EXCHANGES, HEADROOM, ContractMeter

MEAN_TOKENS = 1_200
EXCHANGES = 20_000


def gaps(chance: random.Random, per_s: float, scv: float) -> float:
    """Return one gap: exponential, or of two exponentials with the same mean and this SCV."""
    if scv == 1.0:
        return chance.expovariate(per_s)
    share = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2
    is_short = chance.random() < share
    return chance.expovariate(2 * per_s * (share if is_short else 1 - share))


def size(chance: random.Random) -> int:
    """Return a size in tokens, log-normal with an SCV of 0.6, as conversations have it."""
    sigma2 = math.log(1.6)
    return round(chance.lognormvariate(math.log(MEAN_TOKENS) - sigma2 / 2, math.sqrt(sigma2)))


def within_ratio(per_min: int, speed: float, scv: float, contract: Contract) -> float:
    """Return the share within the contract of a tenant at ``speed`` times its contracted rate."""
    chance = random.Random(f"{per_min} {speed} {scv}")
    meter = ContractMeter(contract, 0.0)
    now_s, within = 0.0, 0
    for _ in range(EXCHANGES):
        now_s += gaps(chance, per_min / 60 * speed, scv)
        tokens = size(chance)
        reserved = tokens + chance.randint(-300, 900)  # an estimate, high in the mean
        if meter.try_enter(reserved, now_s):
            within += 1
            meter.leave(reserved, tokens, now_s)
    return within / EXCHANGES


def by_tokens(per_min: int) -> Contract:
    return Contract(tokens_per_min=per_min * MEAN_TOKENS)


@pytest.mark.parametrize("scv", [1.0, 4.0])
@pytest.mark.parametrize("per_min", [100, 600, 3_000])
def test_who_stays_at_the_contracted_rate_is_within(per_min: int, scv: float) -> None:
    assert within_ratio(per_min, 1.0, scv, by_tokens(per_min)) > 0.999
    assert within_ratio(per_min, 1.0, scv, Contract(requests_per_min=per_min)) > 0.999


@pytest.mark.parametrize("per_min", [60, 600])
def test_who_takes_ten_times_as_much_is_within_for_a_tenth(per_min: int) -> None:
    for contract in (by_tokens(per_min), Contract(requests_per_min=per_min)):
        assert 0.1 < within_ratio(per_min, 10.0, 1.0, contract) < 0.14


def test_large_exchanges_are_not_pushed_aside_by_small_ones() -> None:
    chance = random.Random(7)
    meter = ContractMeter(Contract(tokens_per_min=60_000), 0.0)
    asked = {100: 0, 5_000: 0}
    within = {100: 0, 5_000: 0}
    for at in range(20_000):
        tokens = chance.choice((100, 5_000))
        asked[tokens] += 1
        if meter.try_enter(tokens, at * 0.25):
            within[tokens] += 1
            meter.leave(tokens, tokens, at * 0.25)
    ratios = [within[tokens] / asked[tokens] for tokens in asked]
    assert min(ratios) > 0.9 * max(ratios)


class MeterUnderTraffic(RuleBasedStateMachine):
    """What was taken is what is reserved or used, to the token; the rest is there."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.meter = ContractMeter(
            Contract(tokens_per_min=6_000, requests_per_min=60, concurrency=4), self.now_s
        )
        self.out: list[int] = []
        self.came_in = 0.0  # tokens since the beginning
        self.used = 0.0

    @rule(wait_s=st.sampled_from([0.0, 0.1, 1.0, 20.0]))
    def wait(self, wait_s: float) -> None:
        self.now_s += wait_s
        self.came_in += wait_s * 100 * HEADROOM

    @rule(tokens=st.integers(0, 3_000))
    def enter(self, tokens: int) -> None:
        before = self.meter.levels(self.now_s)
        is_within = self.meter.try_enter(tokens, self.now_s)
        has_room = len(self.out) < 4 and before["tokens"] > 0 and before["requests"] >= 1
        assert is_within == has_room
        after = self.meter.levels(self.now_s)
        if is_within:
            self.out.append(tokens)
            assert after["tokens"] == pytest.approx(before["tokens"] - tokens)
            assert after["requests"] == pytest.approx(before["requests"] - 1)
        else:
            assert after == before

    @precondition(lambda self: self.out)
    @rule(data=st.data(), tokens=st.integers(0, 4_000))
    def settle(self, data: st.DataObject, tokens: int) -> None:
        at = data.draw(st.integers(0, len(self.out) - 1))
        self.meter.settle(self.out[at], tokens, self.now_s)
        self.out[at] = tokens

    @precondition(lambda self: self.out)
    @rule(data=st.data(), tokens=st.integers(0, 4_000))
    def leave(self, data: st.DataObject, tokens: int) -> None:
        reserved = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.meter.leave(reserved, tokens, self.now_s)
        self.used += tokens

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        before = self.meter.levels(self.now_s)["requests"]
        self.meter.withdraw(self.out.pop(data.draw(st.integers(0, len(self.out) - 1))))
        after = self.meter.levels(self.now_s)["requests"]
        assert after == pytest.approx(min(BURST_EXCHANGES, before + 1))

    @invariant()
    def nothing_is_made(self) -> None:
        assert self.meter.in_flight == len(self.out)
        level = self.meter.levels(self.now_s)["tokens"]
        burst = 6_000 * 5  # the most that it ever holds
        assert level <= burst + 1e-6
        assert level <= burst + self.came_in - self.used - sum(self.out) + 1e-3


TestMeterUnderTraffic = MeterUnderTraffic.TestCase


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 4_000)), max_size=12))
def test_every_debit_is_conserved_while_the_burst_has_room(some: list[tuple[int, int]]) -> None:
    meter = ContractMeter(Contract(tokens_per_min=100_000), 0.0)
    full = meter.levels(0.0)["tokens"]
    taken = [reserved for reserved, _ in some if meter.try_enter(reserved, 0.0)]
    assert meter.levels(0.0)["tokens"] == pytest.approx(full - sum(taken))
    for reserved, actual in some:
        meter.settle(reserved, actual, 0.0)
    expected = full - sum(actual for _, actual in some)
    assert meter.levels(0.0)["tokens"] == pytest.approx(expected)


def test_the_burst_is_a_minute_of_many_and_256_of_few() -> None:
    def burst_after(tokens: int) -> float:
        meter = ContractMeter(Contract(tokens_per_min=60_000), 0.0)
        for at in range(100):
            assert meter.try_enter(tokens, at * 100.0)
            meter.leave(tokens, tokens, at * 100.0)
        return meter.levels(1e6)["tokens"]

    assert burst_after(10) == 60_000
    assert burst_after(500) == 500 * BURST_EXCHANGES
    assert burst_after(10_000) == 5 * 60_000


def test_what_is_not_owed_is_not_bounded() -> None:
    meter = ContractMeter(Contract(), 0.0)
    assert all(meter.try_enter(10**9, 0.0) for _ in range(1_000))
    assert meter.levels(0.0) == {}
    meter.use(Contract(concurrency=1_000), 0.0)
    assert not meter.try_enter(1, 0.0)
    meter.leave(1, 1, 0.0)
    assert meter.try_enter(1, 0.0)


def test_new_terms_give_nothing_away() -> None:
    meter = ContractMeter(Contract(tokens_per_min=1_000), 0.0)
    assert meter.try_enter(5_400, 0.0)
    meter.use(Contract(tokens_per_min=60_000), 0.0)
    assert meter.levels(0.0)["tokens"] == -400.0
    assert not meter.try_enter(1, 0.3)
    assert meter.try_enter(1, 0.5)
    meter.use(Contract(tokens_per_min=60), 0.5)
    assert meter.levels(1e9)["tokens"] == 300.0


def test_a_restart_finds_the_levels_and_what_has_flowed_in_since() -> None:
    contract = Contract(tokens_per_min=6_000, requests_per_min=60)
    meter = ContractMeter(contract, 0.0)
    assert meter.try_enter(40_000, 0.0)
    other = ContractMeter(contract, 5_000.0)
    other.restore(meter.levels(0.0), 60.0, 5_000.0)
    assert other.levels(5_000.0) == {
        "tokens": pytest.approx(30_000 - 40_000 + 6_000 * HEADROOM),
        "requests": pytest.approx(meter.levels(60.0)["requests"]),
    }
    other.restore({"tokens": 7.0}, -5.0, 5_000.0)
    assert other.levels(5_000.0)["tokens"] == 7.0
