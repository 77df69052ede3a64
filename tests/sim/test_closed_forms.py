"""The world against formulas: where there is one, the simulator has to agree with it."""

from functools import partial

import msgspec
import pytest
from tests.sim.running import SLOTS, done, scenario

from penstock.config.tenancy import TierName
from penstock.core import reserve
from penstock.sim.measures import Measure, measure
from penstock.sim.scenario import ArrivalKind, LengthKind, Scenario, Traffic

# Service times of mean 4 s that are exponential but for rounding: 200 tokens of 20 ms.
exponential = partial(Traffic, lengths=LengthKind.EXPONENTIAL, input_tokens=0, output_tokens=200)
POOL = msgspec.structs.replace(SLOTS, slots=16, ttft_s=0.0)
SERVICE_S = 4.0


def measured(entry: Scenario, policy: str, who: str) -> list[Measure]:
    """A tier's measures with three seeds."""
    found: list[Measure] = []
    for seed in (1, 2, 3):
        result = done(entry, policy, seed)
        assert result.breaches == 0, result.breach_words
        found.extend(one for one in measure(result) if one.who == who)
    return found


def mean(found: list[Measure], name: str) -> float:
    return sum(float(getattr(one, name)) for one in found) / len(found)


def test_the_wait_in_one_line_is_that_of_erlang() -> None:
    """M/M/k: quantiles of the wait, at the load that was drawn."""
    traffic = exponential(name="all", load_ratio=0.85)
    entry = scenario(traffic, upstreams=(POOL,), duration_s=4000)
    found = measured(entry, "fifo", "free")
    load = mean(found, "load_ratio")
    for share, name in ((0.9, "wait_p90_s"), (0.99, "wait_p99_s")):
        wanted = reserve.wait_preempting_s(share, 16, load, SERVICE_S)  # the same formula
        assert mean(found, name) == pytest.approx(wanted, rel=0.2)


@pytest.mark.parametrize("rho", [pytest.param(0.3, marks=pytest.mark.slow), 0.6])
def test_the_first_tiers_wait_is_exponential_above_others_who_fill_all(rho: float) -> None:
    """Strict priority without preemption: TIERING 9's first formula, whatever the load below."""
    traffic = (
        exponential(name="first", tier=TierName.ENTERPRISE, load_ratio=rho),
        exponential(name="rest", fills_to=1.8),
    )
    entry = scenario(*traffic, upstreams=(POOL,), duration_s=1500)
    found = measured(entry, "priority", "enterprise")
    for share, name in ((0.5, "wait_p50_s"), (0.9, "wait_p90_s"), (0.99, "wait_p99_s")):
        wanted = reserve.wait_s(share, 16, rho, SERVICE_S)
        assert mean(found, name) == pytest.approx(wanted, rel=0.15)


def test_an_oracle_waits_as_if_nobody_were_below() -> None:
    traffic = (
        exponential(name="first", tier=TierName.ENTERPRISE, load_ratio=0.85),
        exponential(name="rest", fills_to=5),
    )
    entry = scenario(*traffic, upstreams=(POOL,), duration_s=3000)
    found = measured(entry, "oracle", "enterprise")
    wanted = reserve.wait_preempting_s(0.9, 16, mean(found, "load_ratio"), SERVICE_S)
    assert mean(found, "wait_p90_s") == pytest.approx(wanted, rel=0.25)


def test_lower_tiers_get_what_the_first_leaves() -> None:
    traffic = (
        Traffic(name="first", tier=TierName.ENTERPRISE, load_ratio=0.3),
        Traffic(name="rest", fills_to=2, users=100_000),
    )
    found = measured(scenario(*traffic, duration_s=300), "priority", "free")
    ideal = reserve.consumer_ideal(0.3, 1.7)
    assert mean(found, "ideal_ratio") == pytest.approx(ideal, rel=0.08)
    assert mean(found, "work_ratio") == pytest.approx(1.0, abs=0.03)


def test_bursts_wait_longer() -> None:
    """Allen and Cunneen: the mean wait grows with the SCV of the gaps."""

    def wait_s(arrivals: ArrivalKind) -> float:
        traffic = exponential(name="all", load_ratio=0.8, arrivals=arrivals, scv=4.0)
        entry = scenario(traffic, upstreams=(POOL,), duration_s=1500)
        return mean(measured(entry, "fifo", "free"), "wait_p99_s")

    assert wait_s(ArrivalKind.GAMMA) > 1.5 * wait_s(ArrivalKind.POISSON)
