"""The parts of the simulator: arrivals, clients, modelled upstreams, measures, phases."""

import itertools
import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.running import scenario, traces

from penstock.core.errors import LimitError, PenstockError, ShedError
from penstock.core.outcome import Failure, FailureKind
from penstock.sim import arrivals, measures, phases, table
from penstock.sim.arrivals import Rate
from penstock.sim.clients import HABITS, retry_after_s
from penstock.sim.events import factors
from penstock.sim.scenario import Event, EventKind, Traffic
from penstock.sim.tally import Sample
from penstock.sim.upstreams import (
    BatchServer,
    Buckets,
    Engine,
    Server,
    SlotServer,
    Speed,
    Work,
)
from penstock.sim.world import START_S, Alarm, World

# --- arrivals


@pytest.mark.parametrize(("kind", "scv"), [("poisson", 1.0), ("gamma", 4.0), ("code", 172.9)])
def test_gaps_have_mean_one_and_their_variation(kind: str, scv: float) -> None:
    dice = random.Random(1)
    gaps = {
        "poisson": arrivals.poisson(dice),
        "gamma": arrivals.gamma(dice, 4.0),
        "code": arrivals.replay(traces().code_gaps, dice),
    }[kind]
    drawn = [gaps() for _ in range(8818 * 5)]
    assert statistics.fmean(drawn) == pytest.approx(1.0, rel=0.05)
    assert statistics.pvariance(drawn) == pytest.approx(scv, rel=0.1)


def test_the_cut_lengths_are_those_of_the_whole_trace() -> None:
    """Mean 4.48 s and an SCV of about 0.53 with TIERING's model of a slot."""
    times = [Speed().service_s(*row) for row in traces().conv]
    mean = statistics.fmean(times)
    assert mean == pytest.approx(4.48, rel=0.002)
    assert statistics.pvariance(times) / mean**2 == pytest.approx(0.53, rel=0.03)


@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.sampled_from([0.0, 0.5, 2.0, 10.0])), max_size=4),
    st.floats(0.1, 20),
    st.floats(0.01, 30),
)
def test_a_gap_takes_as_much_of_the_rates_integral(
    steps: list[tuple[float, float]], base: float, gap: float
) -> None:
    changes: list[tuple[float, float]] = []
    at_s = 0.0
    for after_s, factor in steps:
        at_s += after_s
        changes.append((at_s, factor))
    rate = Rate(base, changes)
    end_s = rate.after(0.0, gap)
    if end_s == math.inf:
        assert changes[-1][1] == 0.0
        return
    cuts = sorted({0.0, end_s, *(at for at, _ in changes if at < end_s)})
    whole = sum(rate.at(a) * (b - a) for a, b in itertools.pairwise(cuts))
    assert whole == pytest.approx(gap, rel=1e-6)


def test_a_rate_changes_when_the_events_say() -> None:
    events = (
        Event(what=EventKind.RATE, traffic="free", at_s=10, until_s=30, value=10),
        Event(what=EventKind.RATE, traffic="free", at_s=20, until_s=40, value=2),
    )
    entry = scenario(Traffic(name="free", load_ratio=1), events=events)
    assert factors(entry, "free", 0.0) == [(10, 10), (20, 20), (30, 2), (40, 1)]


# --- clients


def shed(retry_after_s: float) -> ShedError:
    return ShedError("full", retry_after_s=retry_after_s)


def plain(status: int) -> PenstockError:
    error = PenstockError("it broke")
    error.status = status
    return error


LIMITED = LimitError("t", "requests_per_min", 1, 0, retry_after_s=7.0)
RETRIES: list[tuple[str, PenstockError | None, int, float]] = [
    ("patient", shed(3.0), 1, math.inf),
    ("sdk", shed(3.0), 1, 3.0),
    ("sdk", shed(3.0), 3, math.inf),  # twice, no more
    ("sdk", LIMITED, 1, 7.0),
    ("sdk", shed(90.0), 1, math.inf),  # told not to
    ("sdk", plain(400), 1, math.inf),
    ("sdk", plain(500), 1, 0.5 * 0.875),
    ("sdk", plain(500), 2, 1.0 * 0.875),
    ("sdk", None, 1, math.inf),
    ("naive", shed(60.0), 20, 1.0),
    ("naive", shed(60.0), 21, math.inf),
]


@pytest.mark.parametrize(("habit", "error", "tries", "wanted"), RETRIES)
def test_a_client_asks_again_as_its_habit_is(
    habit: str, error: PenstockError | None, tries: int, wanted: float
) -> None:
    assert retry_after_s(HABITS[habit], error, tries, lambda: 0.5) == wanted


# --- upstreams


class Owner:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []
        self.failure: Failure | None = None

    def on_first_token(self, work: Work, now_s: float) -> None:
        assert work.first_at_s == now_s
        self.told.append(("first", round(now_s - START_S, 3)))

    def on_complete(self, work: Work, now_s: float) -> None:
        assert not work.is_live
        self.told.append(("complete", round(now_s - START_S, 3)))

    def on_failed(self, work: Work, failure: Failure, now_s: float) -> None:
        assert not work.is_live
        self.failure = failure
        self.told.append((failure.kind.value, round(now_s - START_S, 3)))


def slots(world: World, count: int = 1) -> SlotServer:
    return SlotServer("gpu", world, lambda: 0.5, count, Speed())


def test_a_slot_is_held_for_as_long_as_the_model_says() -> None:
    world, owner = World(), Owner()
    server = slots(world)
    work = Work(owner, 2000, 50)
    server.start(work, world.now_s)
    world.run(START_S + 0.8)
    assert work.tokens_at(world.now_s) == 26
    world.run(START_S + 10)
    assert owner.told == [("first", 0.3), ("complete", 1.3)]
    assert server.busy(world.now_s) == pytest.approx(1.3)


def test_beyond_its_capacity_a_server_refuses() -> None:
    world, owner = World(), Owner()
    server = slots(world)
    server.overload_status = 529
    server.start(Work(Owner(), 1000, 100), world.now_s)
    server.start(Work(owner, 1000, 100), world.now_s)
    world.run(START_S + 10)
    assert owner.told == [("overloaded", 0.05)]
    assert owner.failure is not None
    assert owner.failure.status == 529


def test_nothing_follows_a_cancelled_attempt() -> None:
    world, owner = World(), Owner()
    server = slots(world)
    work = Work(owner, 1000, 100)
    server.start(work, world.now_s)
    world.at(START_S + 1, lambda now_s: server.cancel(work, now_s))
    world.run(START_S + 10)
    assert owner.told == [("first", 0.25)]
    assert not server.running


def test_an_outage_breaks_what_runs_and_refuses_what_comes() -> None:
    world, running, coming, hung = World(), Owner(), Owner(), Owner()
    server = slots(world)
    server.start(Work(running, 1000, 100), world.now_s)
    world.run(START_S + 1)
    server.is_down = True
    server.break_all(world.now_s)
    server.start(Work(coming, 1000, 100), world.now_s)
    server.is_hanging = True
    server.start(Work(hung, 1000, 100), world.now_s)
    world.run(START_S + 100)
    assert running.told[-1] == ("broken_stream", 1.0)
    assert coming.told == [("unreachable", 1.05)]
    assert hung.told == [("timed_out", 61.0)]


def test_a_quota_says_when_to_come_back_and_what_is_left() -> None:
    buckets = Buckets.of(60.0, 6000.0, 0.0)
    assert buckets.take(6000, 0.0) == 0.0
    assert buckets.take(100, 0.0) == pytest.approx(1.0)
    seen = buckets.seen(0.0)
    assert (seen.tokens.limit, seen.tokens.remaining) == (6000, 0)
    assert (seen.requests.limit, seen.requests.remaining) == (60, 59)
    assert buckets.take(100, 1.0) == 0.0


def test_an_engine_decodes_all_together_and_prefills_in_turn() -> None:
    """One alone: a chunk, then a step per token. Steps of two are longer by b."""
    engine = Engine(a_s=0.01, b_s=0.001, c_s=0.0001, kv_tokens=10_000, seqs_max=4)
    world, one = World(), Owner()
    server = BatchServer("engine", world, lambda: 0.5, engine)
    server.start(Work(one, 1000, 100), world.now_s)
    world.run(START_S + 60)
    assert one.told == [("first", 0.11), ("complete", pytest.approx(0.11 + 1.1, abs=0.02))]


def test_an_engine_takes_no_more_than_its_cache_holds() -> None:
    world = World()
    engine = Engine(kv_tokens=3000, seqs_max=64)
    server = BatchServer("engine", world, lambda: 0.5, engine)
    owners = [Owner() for _ in range(6)]
    for owner in owners:
        server.start(Work(owner, 1000, 200), world.now_s)
    world.run(START_S + 0.1)
    assert server.load().running == 2
    assert server.load().waiting == 4
    assert server.saturation() == 2.0
    world.run(START_S + 100)
    assert all(owner.told[-1][0] == "complete" for owner in owners)
    assert server.load().kv_ratio == 0.0


def test_an_engine_is_as_fast_as_its_closed_form_says() -> None:
    world = World()
    server: Server = BatchServer("engine", world, lambda: 0.5, Engine(seqs_max=32))
    ended = 0

    class Again(Owner):
        def on_complete(self, work: Work, now_s: float) -> None:
            nonlocal ended
            assert work.first_at_s
            ended += 1
            server.start(Work(Again(), 500, 200), now_s)

    for _ in range(32):
        server.start(Work(Again(), 500, 200), world.now_s)
    world.run(START_S + 200)
    assert ended / 200 == pytest.approx(server.rate_of(500, 200), rel=0.1)


# --- world


def test_an_alarm_rings_once_at_the_last_instant_that_was_set() -> None:
    world = World()
    rung: list[float] = []
    alarm = Alarm(world, lambda now_s: rung.append(now_s - START_S))
    for at_s in (5.0, 3.0, 4.0):
        alarm.wake_at(START_S + at_s)
    world.run(START_S + 10)
    assert rung == [4.0]
    alarm.wake_at(START_S + 11)
    alarm.drop()
    world.run(START_S + 20)
    assert rung == [4.0]


# --- measures


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_that_is_not_exceeded(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = measures.quantile(ordered, share)
    assert sum(one <= found for one in ordered) >= share * len(ordered) - 1e-9
    below = [one for one in ordered if one < found]
    assert len(below) < share * len(ordered) + 1e-9


def sample(at_s: float, limit: float, capacity: float = 32.0, level: int = 0) -> Sample:
    return Sample(at_s, [0, 10, 0, 20, 0], [0] * 5, limit, capacity, level)


def test_a_limit_has_settled_when_it_stays_near() -> None:
    limits = [64, 45, 33, 40, 34, 33, 32, 31, *[32] * 30]
    samples = [sample(at, limit) for at, limit in enumerate(limits)]
    assert measures.settling_s(samples, 0.0) == 4.0
    assert measures.settling_s(samples[:3], 0.0) == 2.0
    assert measures.settling_s([sample(0, 64)], 0.0) == math.inf


def test_moves_of_the_ladder_are_counted_in_ten_seconds() -> None:
    samples = [
        sample(at, 1, level=level) for at, level in enumerate([0, 1, 1, 2, 2, 2, *[2] * 9, 1])
    ]
    assert measures.moves_max(samples) == 2
    assert measures.variation([sample(0, 90), sample(1, 110)], 0, 2) == pytest.approx(0.1)
    assert measures.use_from([sample(0, 1), sample(5, 1, 31.0)], 0.0, 0.95) == 5.0


def test_phases_end_where_events_do_and_know_their_capacity() -> None:
    events = (
        Event(what=EventKind.CAPACITY, upstream="gpu", at_s=100, until_s=200, value=0.5),
        Event(what=EventKind.OUTAGE, upstream="other", at_s=150, until_s=160),
    )
    entry = scenario(Traffic(name="free", load_ratio=1), events=events, duration_s=300, cuts=(250,))
    found = phases.cut(entry, {"gpu": 0.75, "other": 0.25})
    assert [one.from_s for one in found] == [30, 100, 150, 160, 200, 250]
    ratios = [one.capacity_s / (one.to_s - one.from_s) for one in found]
    assert ratios == pytest.approx([1, 0.625, 0.375, 0.625, 1, 1])
    phase_at = phases.finder(found, 1000.0)
    assert [phase_at(1000.0 + at) for at in (0, 30, 99, 100, 300, 301)] == [-1, 0, 0, 1, 5, -1]


def test_words_of_the_table() -> None:
    assert [table.seconds(one) for one in (0.001, 0.25, 99.5, 250.2)] == [
        "0",
        "0.25 s",
        "99.50 s",
        "250 s",
    ]
    assert table.share(0.1234) == "12.3 %"
    assert FailureKind.QUOTA.value == "quota"
