"""Each rule of ``ledger.costing``: who pays what for which end of an exchange."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.calendar import DAY_S
from penstock.dialects.operation import Operation
from penstock.exchange.record import AttemptRecord, Record
from penstock.ledger.book import PriceList, Rate, Versioned
from penstock.ledger.costing import Costing, day_of
from penstock.ledger.costs import Costs

DAY: Final = "2026-03-02"
AT_UNIX_S: Final = day_of(DAY) * DAY_S + 3600.0


def rate(model: str, dollars: int, *, upstream: str = "", from_day: str = "1970-01-01") -> Rate:
    """Return a rate: input so many dollars a million, output five times as much."""
    return Rate(
        model=model,
        upstream=upstream,
        from_day=from_day,
        input_microusd=dollars * 1_000_000,
        output_microusd=dollars * 5_000_000,
        cached_microusd=dollars * 100_000,
        cache_write_microusd=dollars * 1_250_000,
    )


def attempt(outcome: str = "success", **more: Any) -> AttemptRecord:
    values: dict[str, Any] = {
        "upstream": "a", "model": "m", "dialled_s": 0.0, "duration_s": 1.0,
        "status": 200, "ttft_s": 0.5, "input_tokens": 100, "output_tokens": 10,
    }  # fmt: skip
    return AttemptRecord(outcome=outcome, **(values | more))


def record(outcome: str, *attempts: AttemptRecord, hops: int = 0, **more: Any) -> Record:
    values: dict[str, Any] = {
        "id": "x", "at_unix_s": AT_UNIX_S, "duration_s": 1.0, "tenant": "t", "key": "k",
        "route": "r", "model": "asked", "dialect": "openai_chat", "is_stream": True, "status": 200,
        "tier": "standard",
    }  # fmt: skip
    return Record(outcome=outcome, hops=hops, attempts=list(attempts), **(values | more))


def paid(costing: Costing, case: Record) -> tuple[int, int]:
    """Return cost and charge."""
    costs = costing.of(case)
    return costs.cost_microusd, costs.charge_microusd


LIST: Final = PriceList(costs=(rate("m", 1), rate("n", 10)))
COSTING: Final = Costing(Versioned(3, LIST))
FAILED: Final = attempt("overloaded", status=529, ttft_s=0.0, input_tokens=0, output_tokens=0)
BEGUN: Final = attempt("timed_out", ttft_s=0.0, output_tokens=0, is_estimated=True)
CUT: Final = attempt("cut", output_tokens=4, is_estimated=True)
LEFT: Final = attempt("ignored", output_tokens=4, is_estimated=True)
OTHER: Final = attempt(upstream="b", model="n", output_tokens=6, input_tokens=107)
LOST: Final = attempt("lost", status=0, ttft_s=0.0, output_tokens=0, is_estimated=True)
EMPTY: Final = attempt(input_tokens=0, output_tokens=0)


@pytest.mark.parametrize(
    ("case", "cost", "charge"),
    [
        (record("complete", attempt()), 150, 150),
        (record("complete", FAILED, OTHER), 1070 + 300, 1070 + 300),
        (record("complete", BEGUN, OTHER), 100 + 1370, 1370),
        (record("failed", FAILED), 0, 0),
        (record("failed", BEGUN), 100, 0),
        (record("refused"), 0, 0),
        (record("hung_up", LEFT), 120, 120),
        (record("hung_up", attempt("ignored", ttft_s=0.0, output_tokens=0)), 100, 100),
        (record("hung_up", BEGUN), 100, 0),
        (record("hung_up", attempt("ignored", status=0, input_tokens=0, output_tokens=0)), 0, 0),
        (record("hung_up"), 0, 0),
        (record("broken", CUT), 120, 120),
        (record("broken", CUT, BEGUN, hops=1), 120 + 100, 120),
        (record("complete", CUT, OTHER, hops=1), 120 + 1370, 120 + 300),
        (record("complete", CUT, FAILED, OTHER, hops=1), 120 + 1370, 120 + 300),
        (record("hung_up", CUT, LEFT, hops=1), 240, 120 + 20),
        (record("lost", LOST), 100, 0),
        (record("complete", EMPTY), 0, 0),
        (record("complete", attempt(output_tokens=0), operation=Operation.EMBED), 100, 100),
        (record("complete", attempt(), operation=Operation.COUNT_TOKENS), 0, 0),
        (record("complete", attempt(cached_tokens=90)), 10 + 9 + 50, 69),
        (record("complete", attempt(cached_tokens=80, cache_write_tokens=20)), 8 + 25 + 50, 83),
        (record("complete", attempt(model="n"), degraded=("model",)), 1500, 1500),
    ],
)  # fmt: skip
def test_every_end_has_its_cost_and_its_charge(case: Record, cost: int, charge: int) -> None:
    costs = COSTING.of(case)
    assert (costs.cost_microusd, costs.charge_microusd) == (cost, charge)
    assert sum(costs.by_attempt) == costs.cost_microusd
    assert len(costs.by_attempt) == len(case.attempts)
    assert costs.price_version == 3
    assert not costs.is_unpriced


def test_fees_are_charged_once_and_paid_for_each_answer_that_began() -> None:
    fee = Rate(model="*", request_microusd=7)
    costs = Costing(Versioned(1, PriceList(costs=(fee,)))).of(
        record("complete", FAILED, CUT, OTHER, hops=1)
    )
    assert costs.by_attempt == (0, 7, 7)
    assert costs.charge_microusd == 7


def test_reasoning_has_a_rate_of_its_own_if_the_list_says_so() -> None:
    thought = record("complete", attempt(reasoning_tokens=8))
    assert COSTING.of(thought).cost_microusd == 150
    dear = Rate(model="m", output_microusd=5_000_000, reasoning_microusd=20_000_000)
    assert Costing(Versioned(1, PriceList(costs=(dear,)))).of(thought).cost_microusd == 10 + 160


def test_a_tier_pays_its_share_of_both() -> None:
    half = Rate(model="m", input_microusd=3_000_000, tier_ratios={"batch": 0.5}, request_microusd=9)
    costing = Costing(Versioned(1, PriceList(costs=(half,))))
    assert paid(costing, record("complete", attempt(), tier="batch")) == (150 + 5, 150 + 5)
    assert paid(costing, record("complete", attempt(), tier="standard")) == (309, 309)


def test_the_tenant_pays_the_charge_and_without_one_the_cost_with_its_markup() -> None:
    own = Rate(model="m", upstream="b", input_microusd=9_000_000)
    costing = Costing(
        Versioned(1, PriceList(costs=(rate("m", 1),), charges=(own,), markup_ratio=1.2))
    )
    assert paid(costing, record("complete", attempt())) == (150, 180)
    assert paid(costing, record("complete", attempt(upstream="b"))) == (150, 900)


def test_a_model_without_a_price_costs_nothing_and_is_marked() -> None:
    unknown = record("complete", attempt(model="own"))
    assert COSTING.of(unknown) == Costs(0, 0, 3, (0,), is_unpriced=True)
    assert not COSTING.of(
        record(
            "failed", attempt("refused", model="own", status=503, input_tokens=0, output_tokens=0)
        )
    ).is_unpriced
    free = Costing(Versioned(4, PriceList(costs=(Rate(model="own"),))))
    assert free.of(unknown) == Costs(0, 0, 4, (0,), is_unpriced=False)


def test_the_operators_list_comes_before_the_one_that_ships() -> None:
    both = Costing(Versioned(2, PriceList(costs=(rate("m*", 2),))), LIST)
    assert paid(both, record("complete", attempt())) == (300, 300)
    assert paid(both, record("complete", attempt(model="n"))) == (1500, 1500)
    assert both.of(record("complete", attempt(model="n"))).price_version == 2


def test_upstream_then_name_then_day() -> None:
    listed = PriceList(
        costs=(
            rate("*", 1),
            rate("claude-*", 2),
            rate("claude-sonnet-*", 3),
            rate("claude-sonnet-9", 4),
            rate("claude-sonnet-9", 5, from_day="2026-03-01"),
            rate("claude-sonnet-9", 6, from_day="2026-03-03"),
            rate("claude-haiku-1", 7, from_day="2027-01-01"),
            rate("claude-*", 8, upstream="b"),
            rate("m", 9),
            rate("m", 10),
        )
    )
    costing = Costing(Versioned(1, listed))

    def dollars(model: str, upstream: str = "a", day: str = DAY) -> int:
        found = costing.priced(upstream, model, day_of(day))
        assert found is not None
        return found.rates.input // 1_000_000

    assert dollars("gpt") == 1
    assert dollars("claude-opus-1") == 2
    assert dollars("claude-sonnet-1") == 3
    assert [
        dollars("claude-sonnet-9", day=f"2026-{day}") for day in ("02-28", "03-01", "03-02")
    ] == [4, 5, 5]
    assert [dollars("claude-sonnet-9", day=f"2026-03-{day}") for day in ("03", "04")] == [6, 6]
    assert dollars("claude-haiku-1") == 2
    assert dollars("claude-sonnet-9", "b") == 8
    assert dollars("m") == 10


def test_costs_go_by_the_attempts_day_and_charges_by_the_exchanges() -> None:
    listed = PriceList(costs=(rate("m", 1), rate("m", 2, from_day="2026-03-03")))
    late = record("complete", attempt(dialled_s=2.0), at_unix_s=day_of("2026-03-03") * DAY_S - 1.0)
    assert paid(Costing(Versioned(1, listed)), late) == (300, 150)


TOKENS: Final = st.integers(0, 10_000_000)


@given(
    st.lists(
        st.builds(
            attempt,
            st.sampled_from(["success", "ignored", "cut", "timed_out"]),
            status=st.sampled_from([0, 200, 529]),
            ttft_s=st.sampled_from([0.0, 0.5]),
            input_tokens=TOKENS,
            output_tokens=TOKENS,
            cached_tokens=TOKENS,
            reasoning_tokens=TOKENS,
        ),
        max_size=4,
    ),
    st.sampled_from(["complete", "broken", "hung_up", "failed", "refused", "lost"]),
)
def test_at_equal_rates_nobody_pays_more_than_it_cost(
    attempts: list[AttemptRecord], outcome: str
) -> None:
    hops = sum(1 for one in attempts[:-1] if one.ttft_s)
    costs = COSTING.of(record(outcome, *attempts, hops=hops))
    assert 0 <= costs.charge_microusd <= costs.cost_microusd == sum(costs.by_attempt)
    if outcome in {"failed", "refused", "lost"}:
        assert costs.charge_microusd == 0


def test_what_is_found_again_is_bounded() -> None:
    costing = Costing(Versioned(1, PriceList(costs=(rate("*", 1),))))
    for at in range(5_000):
        assert paid(costing, record("complete", attempt(model=f"m{at}"))) == (150, 150)
        assert costing.found <= 4_096
