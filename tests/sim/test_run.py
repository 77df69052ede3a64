"""Runs: the same seed is the same run, all policies see the same traffic, and nothing gets lost."""

from collections.abc import Callable

import msgspec
import pytest
from tests.sim.running import SLOTS, done, prepared, scenario

from penstock.config.tenancy import Contract, TierName
from penstock.core.circuit_breaker import Permit
from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.sim import policies
from penstock.sim.exchange import Ending
from penstock.sim.measures import measure, overall
from penstock.sim.run import Result, Run
from penstock.sim.scenario import Event, EventKind, Kind, Scenario, Traffic
from penstock.sim.world import START_S

FIRST = Traffic(name="first", tier=TierName.ENTERPRISE, load_ratio=0.3)
FREE = Traffic(name="free", fills_to=2.0, users=10_000)
BOTH = scenario(FIRST, FREE, duration_s=120)


def shown(result: Result) -> bytes:
    return msgspec.json.encode([measure(result), overall(result), result.samples])


def test_a_seed_repeats_a_run_and_another_does_not() -> None:
    assert shown(done(BOTH)) == shown(done(BOTH))
    assert shown(done(BOTH)) != shown(done(BOTH, seed=2))


@pytest.mark.parametrize("policy", policies.NAMES)
def test_every_policy_sees_the_same_traffic_and_keeps_the_invariants(policy: str) -> None:
    result = done(BOTH, policy)
    assert result.breaches == 0, result.breach_words
    assert result.checks > 10
    usual = done(BOTH, "priority")
    for one in result.classes:
        other = next(two for two in usual.classes if two.name == one.name)
        mine = [(tally.offered, tally.offered_s) for tally in one.tallies]
        assert mine == [(tally.offered, tally.offered_s) for tally in other.tallies]


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["penstock", "priority", "fifo"])
@pytest.mark.parametrize("what", list(EventKind))
def test_every_request_has_one_fate_whatever_happens(policy: str, what: EventKind) -> None:
    up = msgspec.structs.replace(SLOTS, is_adaptive=True, tokens_per_min=0, has_metrics=True)
    event = Event(what=what, at_s=50, until_s=70, upstream="gpu", traffic="free", value=0.5)
    traffic = (
        FIRST,
        msgspec.structs.replace(FREE, clients="person"),
        Traffic(name="batch", tier=TierName.BATCH, load_ratio=0.2, clients="naive"),
    )
    entry = scenario(
        *traffic, upstreams=(up,), events=(event,), duration_s=90, drain_s=4000, total_s=200
    )
    result = done(entry, policy)
    assert result.breaches == 0, result.breach_words
    for one in result.classes:
        for tally in one.tallies:
            assert sum(tally.fates.values()) == tally.offered
            assert tally.fates["complete"] == tally.answered
            assert tally.good <= tally.answered
            assert tally.wasted_tokens <= tally.tokens


def test_all_that_was_taken_comes_back_when_the_world_ends() -> None:
    entry = msgspec.structs.replace(BOTH, drain_s=400.0)
    for policy in ("penstock", "priority"):
        run = prepared(entry, policy)
        run.go(1)
        assert not run.plant.live
        assert run.gate.waiting == 0
        assert all(not one.limit.in_flight for one in run.upstreams)
        assert all(not one.running for one in run.servers.values())
        assert run.plant.in_flight == [0] * 5


def test_good_is_what_began_in_time_and_late_is_not() -> None:
    entry = msgspec.structs.replace(BOTH, warmup_s=1.0, drain_s=2000.0)
    for one in done(entry, "fifo").classes:
        (tally,) = one.tallies
        assert tally.answered == len(tally.ttft_s) == len(tally.waits_s)
        assert tally.good == sum(value <= one.goal_s for value in tally.ttft_s)
        assert 0 < tally.good < tally.answered


def test_a_tier_keeps_to_its_part_of_the_slots() -> None:
    result = done(BOTH, "partition")
    share = 1.0 - 0.3 / policies.CONTRACT_RATIO
    most = max(one.in_flight[Tier.FREE] for one in result.samples)
    assert most == round(share * 64)


def test_a_session_ends_with_the_first_turn_that_is_refused() -> None:
    talk = Traffic(name="free", load_ratio=2.0, turns=5, think_s=1, users=10_000)
    entry = scenario(talk, duration_s=120, drain_s=200)
    (one,) = done(entry, "priority").classes
    (tally,) = one.tallies
    assert one.rate_per_s == pytest.approx(2.0 * 64 / 4.48 / 5, rel=0.01)
    assert 0 < tally.sessions_whole < tally.sessions
    begun_before = 5 * 5 * one.rate_per_s  # sessions that go on into the phase, or out of it
    assert tally.sessions_whole * 5 <= tally.answered + begun_before * 5
    assert tally.fates["refused"] >= tally.sessions - tally.sessions_whole - begun_before * 5


def test_under_the_gate_a_contract_waits_less_than_in_a_line() -> None:
    ours = next(one for one in measure(done(BOTH)) if one.who == "enterprise")
    line = next(one for one in measure(done(BOTH, "fifo")) if one.who == "enterprise")
    assert ours.wait_p99_s < 0.5
    assert line.wait_p99_s > 5.0
    assert ours.refused == 0


def test_what_is_over_a_contract_falls() -> None:
    traffic = (
        msgspec.structs.replace(FIRST, contract=Contract(tokens_per_min=1_000_000)),
        Traffic(
            name="beyond",
            tier=TierName.ENTERPRISE,
            load_ratio=1.0,
            contract=Contract(tokens_per_min=60_000),
        ),
    )
    result = done(scenario(*traffic, duration_s=120))
    by_who = {one.who: one for one in measure(result)}
    assert by_who["first"].wait_p99_s < 1.5 < by_who["beyond"].wait_p99_s
    assert result.contract_sheds == 0


def test_an_engine_in_batches_answers_all_it_can() -> None:
    up = msgspec.structs.replace(SLOTS, kind=Kind.BATCH)
    for load, wanted in ((0.6, 1.0), (2.0, 0.5)):
        traffic = Traffic(name="free", load_ratio=load, users=10_000)
        entry = scenario(traffic, upstreams=(up,), duration_s=200)
        one = measure(done(entry, "priority"))[0]
        assert one.answered_ratio == pytest.approx(wanted, abs=0.1)


def test_a_declared_quota_holds_up_only_those_it_has_no_credit_for() -> None:
    """Short and long requests wait for credit together; none makes the gate go round in circles."""
    hosted = msgspec.structs.replace(SLOTS, name="hosted", tokens_per_min=300_000)
    own = msgspec.structs.replace(SLOTS, name="own", slots=8)
    result = done(scenario(FIRST, FREE, upstreams=(hosted, own), duration_s=90))
    assert result.breaches == 0, result.breach_words
    one = next(one for one in measure(result) if one.who == "enterprise")
    assert one.answered_ratio > 0.95


# --- planted faults


Fault = Callable[[Run, float], None]


def broken(entry: Scenario, fault: Fault, at_s: float = 40.0) -> Result:
    """A run in which something is broken at an instant."""
    run = prepared(entry)
    run.world.at(START_S + at_s, lambda now_s: fault(run, now_s))
    return run.go(1)


def lose_a_slot(run: Run, now_s: float) -> None:
    del now_s
    run.upstreams[0].limit.in_flight -= 1


def grant_beyond_the_limit(run: Run, now_s: float) -> None:
    limit = run.upstreams[0].limit
    limit.limit = 0
    exchange = next(iter(run.plant.live))
    grant = Grant(exchange.targets[0], Permit(0), exchange, now_s)
    run.watch.on_granted(grant, now_s)
    run.watch.on_returned(grant, now_s)
    limit.limit = SLOTS.slots


def return_twice(run: Run, now_s: float) -> None:
    exchange = next(iter(run.plant.live))
    grant = Grant(exchange.targets[0], Permit(0), exchange, now_s)
    run.watch.on_returned(grant, now_s)


def forget_a_waiter(run: Run, now_s: float) -> None:
    del now_s
    next(one for one in run.plant.live if not one.is_waiting).is_waiting = True


def end_while_out(run: Run, now_s: float) -> None:
    exchange = next(one for one in run.plant.live if one.is_out)
    run.watch.on_ended(exchange, Ending.COMPLETE, now_s)


def too_many_wait(run: Run, now_s: float) -> None:
    del now_s
    run.watch.queue_max = -1


FAULTS = [
    lose_a_slot,
    grant_beyond_the_limit,
    return_twice,
    forget_a_waiter,
    end_while_out,
    too_many_wait,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: Fault) -> None:
    entry = msgspec.structs.replace(BOTH, duration_s=41.0, drain_s=0.0)
    assert broken(entry, fault).breaches > 0


def test_a_contract_that_is_shed_is_counted() -> None:
    run = prepared(BOTH)
    exchange = None

    def shed(now_s: float) -> None:
        nonlocal exchange
        exchange = next(one for one in run.plant.live if one.claim.is_in_contract)
        run.watch.on_ended(exchange, Ending.REFUSED, now_s)

    run.world.at(START_S + 40, shed)
    assert run.go(1).contract_sheds == 1
