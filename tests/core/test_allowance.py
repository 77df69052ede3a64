"""Never over a limit, whatever comes in which order; and nothing is lost or made on the way."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.config.tenancy import NO_LIMITS, Limits
from penstock.core.allowance import (
    CONCURRENCY,
    DAY,
    MONTH,
    REQUESTS,
    TOKENS,
    Allowance,
    Purse,
)

BEGAN_UNIX_S = datetime(2026, 1, 30, 23, 0, tzinfo=UTC).timestamp()
ALL = Limits(
    requests_per_min=30,
    tokens_per_min=1_000,
    concurrency=3,
    budget_day_microusd=2_000,
    budget_month_microusd=6_000,
)


class AllowanceUnderTraffic(RuleBasedStateMachine):
    """Exchanges come, are settled and go in any order; a list of all of them is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0
        self.allowance = Allowance(ALL, self.now_s)
        self.out: list[list[int]] = []  # tokens and money that each has reserved
        self.level = 1_000.0
        self.requests = 30.0
        self.paid: list[tuple[datetime, int]] = []

    @property
    def now_unix_s(self) -> float:
        return BEGAN_UNIX_S + self.now_s

    def spent(self, form: str) -> int:
        today = datetime.fromtimestamp(self.now_unix_s, UTC).strftime(form)
        return sum(cost for when, cost in self.paid if when.strftime(form) == today)

    def left(self, form: str, budget: int) -> int:
        return budget - self.spent(form) - sum(cost for _, cost in self.out)

    @rule(wait_s=st.sampled_from([0.0, 0.5, 3.0, 60.0, 3_600.0, 90_000.0]))
    def wait(self, wait_s: float) -> None:
        self.now_s += wait_s
        self.level = min(1_000.0, self.level + wait_s * 1_000 / 60)
        self.requests = min(30.0, self.requests + wait_s * 30 / 60)

    @rule(tokens=st.sampled_from([0, 90, 700, 1_500]), microusd=st.sampled_from([0, 1, 400, 3_000]))
    def enter(self, tokens: int, microusd: int) -> None:
        lacking = set[str]()
        if len(self.out) >= 3:
            lacking.add(CONCURRENCY)
        if self.requests < 1 - 1e-9:
            lacking.add(REQUESTS)
        if self.level < min(tokens, 1_000) - 1e-6:
            lacking.add(TOKENS)
        if self.left("%F", 2_000) <= 0:
            lacking.add(DAY)
        if self.left("%Y-%m", 6_000) <= 0:
            lacking.add(MONTH)
        before = (self.allowance.in_flight, self.allowance.reserved_tokens)
        denial = self.allowance.try_enter(tokens, microusd, self.now_s, self.now_unix_s)
        if denial is None:
            assert not lacking
            self.out.append([tokens, microusd])
            self.level -= tokens
            self.requests -= 1
        else:
            assert denial.dimension in lacking, (denial, lacking)
            assert denial.retry_after_s > 0
            assert 0 <= denial.remaining <= denial.limit
            assert before == (self.allowance.in_flight, self.allowance.reserved_tokens)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), tokens=st.integers(0, 2_000), more=st.integers(-400, 2_500))
    def settle(self, data: st.DataObject, tokens: int, more: int) -> None:
        one = data.draw(st.sampled_from(self.out))
        more = max(more, -one[1])
        self.allowance.settle(one[0], tokens, more, self.now_s)
        self.level = min(1_000.0, self.level + one[0] - tokens)
        one[0] = tokens
        one[1] += more

    @precondition(lambda self: self.out)
    @rule(data=st.data(), tokens=st.integers(0, 2_000), microusd=st.integers(0, 3_000))
    def leave(self, data: st.DataObject, tokens: int, microusd: int) -> None:
        one = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.allowance.leave(one[0], tokens, self.now_s)
        self.allowance.purse.spend(one[1], microusd, self.now_unix_s)
        self.level = min(1_000.0, self.level + one[0] - tokens)
        self.paid.append((datetime.fromtimestamp(self.now_unix_s, UTC), microusd))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        one = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        self.allowance.withdraw(one[0], one[1])
        self.level = min(1_000.0, self.level + one[0])
        self.requests = min(30.0, self.requests + 1)

    @invariant()
    def all_is_accounted_for(self) -> None:
        assert self.allowance.in_flight == len(self.out) <= 3
        assert self.allowance.reserved_tokens == sum(tokens for tokens, _ in self.out)
        assert self.allowance.purse.reserved == sum(cost for _, cost in self.out)
        found = {
            one.dimension: one for one in self.allowance.remaining(self.now_s, self.now_unix_s)
        }
        assert abs(found[TOKENS].remaining - max(0, math.floor(self.level))) <= 1
        assert abs(found[REQUESTS].remaining - max(0, math.floor(self.requests))) <= 1
        assert found[CONCURRENCY].remaining == 3 - len(self.out)
        assert found[DAY].remaining == max(0, self.left("%F", 2_000))
        assert found[MONTH].remaining == max(0, self.left("%Y-%m", 6_000))


TestAllowanceUnderTraffic = AllowanceUnderTraffic.TestCase


@given(
    st.integers(1, 10_000),
    st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(0, 12_000)), max_size=60),
)
def test_what_is_admitted_stays_within_a_burst_and_the_rate(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    allowance = Allowance(Limits(tokens_per_min=limit), 0.0)
    now_s, taken = 0.0, 0
    for wait_s, tokens in steps:
        now_s += wait_s
        asked = min(tokens, limit)  # a larger one owes the rest, and is another test
        if allowance.try_enter(asked, 0, now_s, now_s) is None:
            taken += asked
            allowance.leave(asked, asked, now_s)
        assert taken <= limit * (1 + now_s / 60) + 1e-6


@given(st.integers(1, 1_000), st.integers(1, 1_000), st.sampled_from([REQUESTS, TOKENS]))
def test_whoever_comes_back_as_told_finds_enough(limit: int, tokens: int, which: str) -> None:
    limits = Limits(**{which: limit})
    allowance = Allowance(limits, 0.0)
    now_s = 0.0
    for _ in range(2 * limit + 3):
        denial = allowance.try_enter(tokens, 0, now_s, now_s)
        if denial is None:
            continue
        assert denial.limit == limit
        early = allowance.try_enter(tokens, 0, now_s + denial.retry_after_s * 0.99, 0.0)
        assert early is not None
        now_s += denial.retry_after_s + 1e-6
        assert allowance.try_enter(tokens, 0, now_s, now_s) is None
        return
    raise AssertionError("nobody was ever denied")


def test_an_exchange_larger_than_the_limit_enters_a_full_bucket_and_owes_the_rest() -> None:
    allowance = Allowance(Limits(tokens_per_min=600), 0.0)
    assert allowance.try_enter(1_200, 0, 0.0, 0.0) is None
    denial = allowance.try_enter(1, 0, 1.0, 0.0)
    assert denial is not None
    assert denial.retry_after_s == pytest.approx(59.1)
    denial = allowance.try_enter(1_200, 0, 1.0, 0.0)
    assert denial is not None
    assert denial.retry_after_s == pytest.approx(119.0)


@pytest.mark.parametrize("which", [DAY, MONTH])
def test_a_budget_admits_while_anything_is_left(which: str) -> None:
    allowance = Allowance(Limits(**{which: 100}), 0.0)
    assert allowance.try_enter(0, 60, 0.0, BEGAN_UNIX_S) is None
    assert allowance.try_enter(0, 39, 0.0, BEGAN_UNIX_S) is None
    assert allowance.try_enter(0, 1, 0.0, BEGAN_UNIX_S) is None
    denial = allowance.try_enter(0, 0, 0.0, BEGAN_UNIX_S)
    assert denial is not None
    assert (denial.dimension, denial.remaining) == (which, 0)
    allowance.leave(0, 0, 0.0)
    allowance.purse.spend(60, 59, BEGAN_UNIX_S)
    assert allowance.try_enter(0, 1_000, 0.0, BEGAN_UNIX_S) is None
    assert allowance.try_enter(0, 0, 0.0, BEGAN_UNIX_S) is not None


@given(st.integers(1, 5), st.integers(1, 10))
def test_no_more_than_so_many_at_once(limit: int, asked: int) -> None:
    allowance = Allowance(Limits(concurrency=limit), 0.0)
    entered = [allowance.try_enter(1, 0, 0.0, 0.0) is None for _ in range(asked)]
    assert sum(entered) == min(limit, asked) == allowance.in_flight
    allowance.leave(1, 1, 0.0)
    assert allowance.try_enter(1, 0, 0.0, 0.0) is None


def test_the_limit_that_takes_longest_is_told() -> None:
    limits = Limits(requests_per_min=6, concurrency=1, budget_day_microusd=1)
    allowance = Allowance(limits, 0.0)
    assert allowance.try_enter(0, 5, 0.0, BEGAN_UNIX_S) is None
    denial = allowance.try_enter(0, 5, 0.0, BEGAN_UNIX_S)
    assert denial is not None
    assert denial.dimension == DAY
    assert denial.retry_after_s == 3_600.0


def test_what_lasts_over_midnight_is_paid_where_it_ends() -> None:
    purse = Purse()
    purse.use(1_000, 10_000)
    purse.reserved = 300
    purse.spend(100, 100, BEGAN_UNIX_S)
    assert purse.day_spent == 100
    assert purse.has_left(BEGAN_UNIX_S + 3_600)
    assert (purse.day_spent, purse.month_spent, purse.reserved) == (0, 100, 200)
    purse.spend(200, 250, BEGAN_UNIX_S + 3_600)
    assert (purse.day_spent, purse.month_spent, purse.reserved) == (250, 350, 0)


@pytest.mark.parametrize(
    ("now", "day_reset_s", "month_reset_s"),
    [
        (datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC), 1.0, 1.0),
        (datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC), 1.0, 86_401.0),  # a leap year
        (datetime(2026, 12, 31, 0, 0, tzinfo=UTC), 86_400.0, 86_400.0),
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), 86_400.0, 31 * 86_400.0),
    ],
)
def test_days_and_months_end_when_the_calendar_says(
    now: datetime, day_reset_s: float, month_reset_s: float
) -> None:
    purse = Purse()
    purse.use(10, 10)
    day, month = purse.remaining(now.timestamp())
    assert day.reset_s == day_reset_s
    assert month.reset_s == month_reset_s


def test_a_clock_that_is_set_back_opens_no_new_day() -> None:
    purse = Purse()
    purse.use(10, None)
    purse.spend(0, 10, BEGAN_UNIX_S + 7_200)
    assert not purse.has_left(BEGAN_UNIX_S + 7_200)
    assert not purse.has_left(BEGAN_UNIX_S)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.sampled_from([0.0, 3_600.0, 86_400.0 * 2]))
def test_a_restart_keeps_what_was_spent_and_reserved(
    spent: int, reserved: int, passed_s: float
) -> None:
    purse = Purse()
    purse.spend(0, spent, BEGAN_UNIX_S)
    purse.reserved += reserved
    other = Purse()
    other.restore(purse.state(BEGAN_UNIX_S), BEGAN_UNIX_S + passed_s)
    same_day, same_month = passed_s == 0.0, passed_s <= 3_600.0
    assert other.day_spent == (spent + reserved if same_day else 0)
    assert other.month_spent == (spent + reserved if same_month else 0)
    assert other.reserved == 0


def test_a_limit_that_comes_later_knows_what_is_under_way() -> None:
    allowance = Allowance(NO_LIMITS, 0.0)
    assert allowance.try_enter(800, 50, 0.0, 0.0) is None
    assert not allowance.is_limited
    allowance.use(Limits(tokens_per_min=1_000, concurrency=1, budget_day_microusd=50), 0.0)
    dimensions = {one.dimension: one.remaining for one in allowance.remaining(0.0, 0.0)}
    assert dimensions == {TOKENS: 200, CONCURRENCY: 0, DAY: 0}
    allowance.leave(800, 300, 0.0)
    allowance.purse.spend(50, 10, 0.0)
    dimensions = {one.dimension: one.remaining for one in allowance.remaining(0.0, 0.0)}
    assert dimensions == {TOKENS: 700, CONCURRENCY: 1, DAY: 40}
    allowance.use(Limits(tokens_per_min=100), 0.0)
    assert allowance.remaining(0.0, 0.0)[0].remaining == 100
    allowance.use(NO_LIMITS, 0.0)
    assert allowance.remaining(0.0, 0.0) == []
