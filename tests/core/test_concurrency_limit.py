"""Never more than the limit, whatever the order; and the limit moves as its table says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.concurrency_limit import (
    EXCESS_WINDOWS,
    FADE_S,
    FUTILE_CUTS,
    HOLD_WINDOWS,
    SAMPLES_MIN,
    ConcurrencyLimit,
)
from penstock.core.outcome import FailureKind
from penstock.core.reaction import REACTIONS

OVERLOADED, SERVER_ERROR = FailureKind.OVERLOADED, FailureKind.SERVER_ERROR


@given(st.integers(0, 5), st.lists(st.sampled_from(["acquire", "release", "change"])))
def test_slots_are_counted_and_bounded(limit: int, moves: list[str]) -> None:
    slots = ConcurrencyLimit(limit)
    held = 0
    for move in moves:
        if move == "acquire":
            is_free = slots.is_free
            assert slots.try_acquire() == is_free == (held < slots.limit)
            held += is_free
        elif move == "release" and held:
            slots.release()
            held -= 1
        elif move == "change":  # a reload: those under way stay, fewer may follow
            slots.use((slots.limit + 2) % 5, is_adaptive=False)
        assert slots.in_flight == held


def test_a_slot_that_comes_back_twice_is_an_error() -> None:
    slots = ConcurrencyLimit(1)
    assert slots.try_acquire()
    slots.release()
    with pytest.raises(AssertionError, match="twice"):
        slots.release()


class Busy:
    """An upstream whose slots are all in use, driven one window at a time."""

    def __init__(self, limit_max: int = 100, *, ttft_s: float = 0.5) -> None:
        self.limit = ConcurrencyLimit(limit_max, is_adaptive=True)
        self.now_s = 1000.0
        self.ttft_s = ttft_s
        self.last_s = 0.0
        self.window(SAMPLES_MIN)  # the first ends with the first that are enough

    def window(self, count: int = 25, *, in_use: float = 1.0, times: float = 1.0) -> int:
        """Let a window pass in which so many end well; return the limit."""
        limit = self.limit
        for at in range(count):
            while limit.in_flight < max(1, round(limit.limit * in_use)) and limit.try_acquire():
                pass
            limit.release()
            if at == count - 1:
                self.now_s += max(1.0, self.last_s) + 0.001
            limit.observe(self.ttft_s * times, 100, self.now_s)
        self.last_s = self.ttft_s * times  # the median, which the next window is long at least
        return limit.limit

    def fail(self, kind: FailureKind) -> int:
        """Let one fail; return the limit."""
        self.now_s += 0.01
        self.limit.on_failure(kind, self.now_s)
        return self.limit.limit


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_failure_lowers_the_limit_as_the_table_says(kind: FailureKind) -> None:
    busy = Busy()
    assert busy.fail(kind) == round(100 * REACTIONS[kind].limit_ratio)


def test_there_is_one_decrease_a_window() -> None:
    busy = Busy()
    assert [busy.fail(OVERLOADED) for _ in range(50)] == [70] * 50
    busy.now_s += 1.0
    assert busy.fail(OVERLOADED) == 49
    assert busy.fail(SERVER_ERROR) == 49
    assert busy.limit.decreases == 2


def test_the_limit_stays_between_floor_and_maximum() -> None:
    busy = Busy()
    busy.limit.set_floor(9)
    for _ in range(50):
        busy.now_s += 2.0
        busy.fail(OVERLOADED)
    assert busy.limit.limit == 9
    for _ in range(200):
        busy.window()
    assert busy.limit.limit == 100
    busy.limit.set_floor(500)
    assert busy.limit.limit == 100


def test_background_failures_lower_nothing() -> None:
    busy = Busy()
    busy.window(count=60)
    assert busy.fail(OVERLOADED) == 100
    assert busy.fail(OVERLOADED) == 70


def test_growth_waits_and_then_goes_by_a_twentieth() -> None:
    busy = Busy(1000)
    busy.limit = ConcurrencyLimit(1000, is_adaptive=True)  # never busy before
    busy.limit.on_failure(OVERLOADED, busy.now_s)
    held = [busy.window(count=700) for _ in range(int(HOLD_WINDOWS) - 1)]
    assert held == [700] * len(held)
    assert [busy.window(count=busy.limit.limit) for _ in range(3)] == [735, 771, 810]


def test_what_was_good_before_is_regained_in_longer_steps() -> None:
    busy = Busy(1000)
    busy.limit = ConcurrencyLimit(1000, is_adaptive=True)
    busy.window(count=1000)
    assert busy.fail(OVERLOADED) == 1000, "one in a thousand is background"
    for _ in range(20):
        busy.fail(OVERLOADED)
    assert busy.limit.limit == 700
    grown = [busy.window(count=busy.limit.limit) for _ in range(int(HOLD_WINDOWS) + 3)]
    assert grown[-4:] == [735, 808, 929, 1000]


def test_it_grows_no_further_where_more_in_flight_brings_no_more_answers() -> None:
    grown: list[int] = []
    low = 0
    for brings_more in (False, True):
        busy = Busy(1000)
        busy.limit = ConcurrencyLimit(1000, is_adaptive=True)  # it was never good before
        for _ in range(4):
            busy.now_s += 1.1
            busy.fail(OVERLOADED)
        low = busy.limit.limit
        for _ in range(40):
            busy.window(count=busy.limit.limit if brings_more else low)
        grown.append(busy.limit.limit)
    assert grown[0] <= 2 * low
    assert grown[1] == 1000


def test_a_level_that_was_not_filled_is_not_proven() -> None:
    busy = Busy()
    busy.fail(OVERLOADED)
    while busy.limit.in_flight > 40:
        busy.limit.release()
    while busy.limit.limit < 80:
        busy.window(in_use=0.6)
    risen = busy.limit.limit
    assert busy.fail(OVERLOADED) <= 0.71 * risen


def test_half_of_it_must_be_in_use_to_grow() -> None:
    busy = Busy()
    busy.fail(OVERLOADED)
    for _ in range(20):
        assert busy.window(in_use=0.4) == 70
    busy.now_s += FADE_S
    after = [busy.window(in_use=0.4) for _ in range(3)]
    assert after == [70, 71, 72]  # old news fades
    assert busy.window(in_use=0.6) > 75


def test_a_step_up_that_went_wrong_is_taken_back() -> None:
    busy = Busy()
    busy.fail(OVERLOADED)
    while busy.limit.limit < 80:
        busy.window()
    proven = busy.limit.limit
    risen = busy.window()
    assert risen > proven
    assert busy.fail(OVERLOADED) == proven
    busy.now_s += 1.1
    assert busy.fail(OVERLOADED) == int(0.7 * proven), "it went on: no longer the step's fault"


def test_a_ttft_far_from_normal_lowers_the_limit_in_its_second_window() -> None:
    busy = Busy()
    for _ in range(10):
        assert busy.window() == 100
    limits = [busy.window(times=3.0) for _ in range(EXCESS_WINDOWS)]
    assert limits == [100] * (EXCESS_WINDOWS - 1) + [90]


def test_a_ttft_very_far_from_normal_counts_as_overload() -> None:
    busy = Busy()
    for _ in range(10):
        busy.window()
    assert [busy.window(times=9.0) for _ in range(2)][-1] == 70


def test_what_was_under_way_at_a_decrease_is_not_judged() -> None:
    busy = Busy()
    for _ in range(10):
        busy.window()
    for _ in range(2):
        busy.window(times=3.0)
    assert busy.limit.limit == 90
    assert [busy.window(times=3.0) for _ in range(3)] == [90] * 3
    assert [busy.window(times=3.0) for _ in range(3)][-1] == 81


def test_a_ttft_that_does_not_follow_the_limit_becomes_normal() -> None:
    busy = Busy()
    for _ in range(10):
        busy.window()
    lows = [busy.window(times=3.0) for _ in range(60)]
    assert min(lows) >= int(100 * 0.9**FUTILE_CUTS)
    assert lows[-1] == 100


def test_long_prompts_are_no_overload() -> None:
    limit = ConcurrencyLimit(100, is_adaptive=True)
    now_s = 0.0
    for at in range(2000):
        tokens = 100 if at % 3 else 20_000
        now_s += 0.05
        limit.observe(0.2 + tokens / 10_000, tokens, now_s)
    for _ in range(200):
        now_s += 0.05
        limit.observe(2.2, 20_000, now_s)
    assert limit.limit == 100


def test_an_engine_that_says_it_is_full_is_believed_at_once() -> None:
    busy = Busy()
    busy.limit.on_saturation(0.99, busy.now_s)
    assert busy.limit.limit == 100
    busy.limit.on_saturation(1.0, busy.now_s)
    assert busy.limit.limit == 90
    busy.now_s += 5.0
    busy.limit.on_saturation(5.0, busy.now_s)
    assert busy.limit.limit == 90, "more are under way than may be: that is still the old limit"
    while busy.limit.in_flight > 90:
        busy.limit.release()
    busy.limit.on_saturation(5.0, busy.now_s)
    assert busy.limit.limit == 63


def test_an_itl_over_its_goal_lowers_the_limit() -> None:
    busy = Busy()
    busy.limit.itl_goal_s = 0.05
    for itl_s, limit in ((0.04, 100), (0.06, 90)):
        for _ in range(SAMPLES_MIN):
            busy.limit.observe_itl(itl_s)
        assert busy.window() == limit


def test_where_most_succeed_and_a_lower_limit_does_not_help_it_goes_no_lower() -> None:
    busy = Busy()
    for at in range(600):
        busy.window(count=2)
        if at % 3:
            busy.fail(OVERLOADED)
    assert busy.limit.limit >= 10


def test_fixed_it_learns_nothing() -> None:
    limit = ConcurrencyLimit(10)
    for at in range(100):
        limit.on_failure(OVERLOADED, float(at))
        limit.on_saturation(9.0, float(at))
        limit.observe(float(at), 1, float(at))
    assert limit.limit == 10


def test_other_bounds_keep_what_was_learned() -> None:
    limit = ConcurrencyLimit(100, is_adaptive=True)
    assert limit.use(200, is_adaptive=True)
    assert limit.limit == 200, "it stood at its maximum"
    limit.on_failure(OVERLOADED, 1.0)
    assert not limit.use(300, is_adaptive=True)
    assert limit.limit == 140
    assert not limit.use(100, is_adaptive=True)
    assert limit.limit == 100
    limit.on_failure(OVERLOADED, 9.0)
    assert limit.use(100, is_adaptive=False)
    assert limit.limit == 100


EVENTS = st.one_of(
    st.tuples(st.just("take"), st.integers(1, 20)),
    st.tuples(st.just("end"), st.floats(0.0, 100.0)),
    st.tuples(st.just("fail"), st.sampled_from(list(FailureKind))),
    st.tuples(st.just("full"), st.floats(0.0, 10.0)),
    st.tuples(st.just("floor"), st.integers(1, 40)),
    st.tuples(st.just("use"), st.integers(1, 60)),
    st.tuples(st.just("itl"), st.floats(0.0, 1.0)),
)


class Traffic:
    """Does what it is told to a limit, and knows what that may have changed."""

    def __init__(self) -> None:
        self.limit = ConcurrencyLimit(30, is_adaptive=True)
        self.limit.itl_goal_s = 0.5
        self.now_s = 0.0
        self.held = 0
        self.floor, self.most = 1, 30

    def act(self, what: str, value: float) -> None:
        limit, before = self.limit, self.limit.limit
        if what == "take":
            self.held += sum(limit.try_acquire() for _ in range(int(value)))
        elif what == "end" and self.held:
            self.held -= 1
            limit.release()
            limit.observe(value, 100, self.now_s)
        elif what == "full":
            limit.on_saturation(value, self.now_s)
            assert limit.limit <= before
            assert value >= 1.0 or limit.limit == before
        elif what == "floor":
            self.floor = int(value)
            limit.set_floor(self.floor)
        elif what == "use":
            self.most = int(value)
            assert limit.use(self.most, is_adaptive=True) == (limit.limit > before)
        elif what == "itl":
            limit.observe_itl(value)

    def fail(self, kind: FailureKind) -> None:
        before = self.limit.limit
        self.limit.on_failure(kind, self.now_s)
        assert self.limit.limit <= before
        assert REACTIONS[kind].limit_ratio < 1.0 or self.limit.limit == before


@given(st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.01, 0.3, 1.5])), max_size=200))
def test_in_any_traffic_the_limit_keeps_its_bounds(
    events: list[tuple[tuple[str, float | FailureKind], float]],
) -> None:
    traffic = Traffic()
    for (what, value), wait_s in events:
        traffic.now_s += wait_s
        decreases = traffic.limit.decreases
        if isinstance(value, FailureKind):
            traffic.fail(value)
        else:
            traffic.act(what, value)
        limit = traffic.limit
        assert limit.in_flight == traffic.held
        assert min(traffic.floor, traffic.most) <= limit.limit <= traffic.most
        assert limit.decreases - decreases <= 1
