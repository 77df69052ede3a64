"""A simulated drill: arms see the same people, strikes strike as told, contracts hold."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sim.drills.simulating import (
    ARMS,
    FROM_S,
    TO_S,
    calls,
    counts,
    draws,
    plan,
    played,
    strike,
    traces,
)

from penstock.sim.drills import shapes, simulated, simulated_set_up
from penstock.sim.drills.script import AT_PROVIDER
from penstock.sim.drills.shapes import BOUND, FAILOVER, PENSTOCK
from penstock.sim.drills.simulated_crowd import Bounds
from penstock.sim.drills.simulated_exchange import ContinuingExchange
from penstock.sim.drills.simulated_faults import FAILURES
from penstock.sim.drills.traffic import Traffic

pytestmark = pytest.mark.slow

PAID = ("enterprise", "standard")
KINDS = [*FAILURES, "hang", "slow_ttft", "stream_cut"]
QUICK = ("http_400", "http_529", "stream_cut")
REST = [one for one in KINDS if one not in QUICK]
SLOW = pytest.mark.slow
STEADY = (Traffic(name="apps", tier="enterprise", per_s=2.0),)


@pytest.mark.parametrize("arm", ARMS)
def test_all_is_well_where_nothing_is_struck(arm: str) -> None:
    """Without strikes the paid tiers' calls complete; alone, a burst may find its provider full."""
    one = played(arm)
    for tier in PAID:
        found = counts(one, tier)
        least = 0.97 if arm == BOUND else 1.0
        assert found.complete >= least * (found.calls - found.unfinished) > 100
        assert found.broken == found.truncated == 0


def test_arms_see_the_same_people() -> None:
    """Where nobody asks again, all arms have the same calls with the same answers to make."""
    traffic = tuple(
        msgspec.structs.replace(one, client="patient", turns=1)
        for one in plan().set_up.traffic
        if one.place == "api"
    )
    seen = {calls(played(arm, strike("http_500", 0.4), traffic=traffic)) for arm in ARMS}
    assert len(seen) == 1


@given(share=st.floats(0.2, 0.9), kind=st.sampled_from(["http_500", "http_529", "auth_error"]))
@settings(max_examples=4)
def test_who_is_bound_loses_what_is_struck(share: float, kind: str) -> None:
    """Callers who never ask again lose the stated share of half of the time."""
    traffic = (msgspec.structs.replace(STEADY[0], client="patient", per_s=10.0),)
    found = counts(played(BOUND, strike(kind, share), traffic=traffic, more=1.0), "enterprise")
    assert found.failed / found.calls == pytest.approx(share * 0.5, abs=0.05)
    assert found.failed + found.complete + found.unfinished == found.calls


@pytest.mark.parametrize("kind", [*QUICK, *(pytest.param(one, marks=SLOW) for one in REST)])
def test_with_everything_on_contracts_hold(kind: str) -> None:
    """Whatever strikes, with everything on no enterprise call is lost that may be mended."""
    one = played(PENSTOCK, strike(kind))
    found = counts(one, "enterprise")
    lost = found.calls - found.unfinished - found.complete
    assert one.breach_count == one.contract_sheds == 0
    if kind == "http_400":  # the request is at fault, as far as anybody can tell at first
        assert lost < 0.02 * found.calls
    else:
        assert not lost


def test_a_break_is_an_error_unless_it_goes_on() -> None:
    """A stream that is cut breaks with plain failover; with everything on another finishes it."""
    cut = strike("stream_cut")
    plain, full = (counts(played(arm, cut), "enterprise") for arm in (FAILOVER, PENSTOCK))
    assert plain.broken > 50
    assert not plain.continued
    assert full.continued > 50
    assert not full.broken


def test_sabotage_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where breaks are no longer gone on with, the drill shows broken streams."""
    monkeypatch.setattr(ContinuingExchange, "goes_on", False)
    assert counts(played(PENSTOCK, strike("stream_cut")), "enterprise").broken > 50


def test_a_strike_is_at_its_model_alone() -> None:
    """What strikes one model does not touch who asks for another."""
    one = played(BOUND, strike("http_500", 1.0, model="claude-opus-*"))
    asked, spared = counts(one, "enterprise"), counts(one, "standard")
    assert asked.failed > 20
    assert spared.failed / spared.calls < 0.02  # bursts find the provider full


@pytest.mark.parametrize("kind", ["http_500", "challenge_block"])
def test_a_struck_door_is_nobodys_to_mend(kind: str) -> None:
    """At the chat's own door all arms lose the same share, and the API works."""
    door = strike(kind, 1.0, place="chat", provider="", surface="web")
    for arm in ARMS:
        one = played(arm, door, more=1.0)
        chat, api = counts(one, "", "chat"), counts(one, "enterprise")
        assert 0.2 < chat.failed / chat.calls < 0.8
        assert api.complete > 0.95 * (api.calls - api.unfinished)


def test_who_cannot_log_in_does_not_begin() -> None:
    """A struck log-in loses conversations, at their begin."""
    one = played(PENSTOCK, strike("hang", 1.0, place="login", provider="", surface="login"))
    chat = counts(one, "", "chat")
    assert chat.left
    assert chat.sessions_complete < chat.sessions


def test_consumers_give_way() -> None:
    """Survivors that hold only the paid tiers refuse free and batch, and keep the contracts."""
    crowd = (
        Traffic(name="paid", tier="enterprise", per_s=1.0),
        Traffic(name="apps", tier="standard", per_s=1.0),
        Traffic(name="free", tier="free", per_s=6.0, users=500, client="person"),
    )
    one = played(PENSTOCK, strike("http_503"), traffic=crowd, more=3.0)
    paid, free = counts(one, "enterprise"), counts(one, "free")
    assert paid.complete == paid.calls - paid.unfinished
    assert free.refused > 100
    assert free.added_p50_s is not None
    assert paid.added_p99_s is not None
    assert paid.added_p99_s < 1.0  # so small an installation pools badly


def test_the_same_seed_is_the_same_drill() -> None:
    """Two plays of a seed are equal to the last figure; another seed is another drill."""
    first, again, other = (
        played(PENSTOCK, strike("http_529", 0.5), seed=seed, more=1.0) for seed in (3, 3, 4)
    )
    assert first.recorder.counts(PENSTOCK) == again.recorder.counts(PENSTOCK)
    assert first.recorder.series(PENSTOCK) == again.recorder.series(PENSTOCK)
    assert first.recorder.counts(PENSTOCK) != other.recorder.counts(PENSTOCK)


@given(share=st.floats(0.0, 1.0), seed=st.integers(0, 5))
@settings(max_examples=4)
def test_every_call_has_one_end(share: float, seed: int) -> None:
    """Counts add up: ends are calls, tiers and windows are the whole, steps are the calls."""
    one = played(PENSTOCK, strike("http_5xx", share), seed=seed, more=1.0)
    every = one.recorder.counts(PENSTOCK)
    for each in every:
        assert sum(getattr(each, end) for end in shapes.ENDS) == each.calls
        assert sum(each.answered.values()) == each.complete
        assert each.sessions_complete <= each.sessions
    for place in ("api", "chat"):
        mine = [each for each in every if each.place == place and each.window < 0]
        whole = next(each for each in mine if not each.tier)
        assert whole.calls == sum(each.calls for each in mine if each.tier)
        steps = next(
            row
            for row in one.recorder.series(PENSTOCK)
            if (row.place, row.tier, row.what) == (place, "", "calls")
        )
        assert sum(step or 0.0 for step in steps.values) == whole.calls


def test_the_customer_sees_the_time_of_the_strike() -> None:
    """The customer's view is of the calls at the API while it was struck."""
    one = played(BOUND, strike("http_500"))
    (whole, *tiers) = one.recorder.customer(BOUND)
    assert whole.calls == sum(each.calls for each in tiers)
    assert whole.failed > 0.9 * whole.calls > 0
    share = whole.calls / counts(one).calls
    assert share == pytest.approx((TO_S - FROM_S) / 200.0, abs=0.15)


def test_kinds_of_failure_are_those_of_a_provider() -> None:
    """Every kind that is played at an emulated provider is known here, or is read by nobody."""
    assert set(AT_PROVIDER) - set(KINDS) == {"wrong_content", "corrupt_tokens"}


def test_a_run_that_is_cut_counts_who_is_left() -> None:
    """Who hangs when the drill ends is unfinished, and nobody is lost."""
    hang = strike("hang", 1.0, from_s=100.0, to_s=200.0)
    run = simulated.ArmRun(plan(hang, more=1.0), BOUND, traces(), draws(1))
    one = run.go()
    assert counts(one).unfinished > 20
    assert not [each for each in run.plant.live if each.is_waiting]


@pytest.mark.parametrize("home", ["claude", "gpt", "gemini"])
def test_survivors_carry_what_is_paid_for_and_not_much_more(home: str) -> None:
    """Whoever fails: enterprise and standard use the others, as fast as they are, to 85 %."""
    traffic = plan().set_up.traffic
    made = simulated_set_up.sized(traffic, traces(), home, frozenset({home}), 20.0)
    paid = [one for one in traffic if one.tier in PAID]
    carried = 0.0
    for provider in made.providers:
        if provider.name != home:
            each = [
                one.per_s * 20.0 * provider.speed.service_s(round(taken), out)
                for one in paid
                for taken, out in [Bounds(one, traces()).means]
            ]
            carried += provider.slots / sum(each)
    assert carried == pytest.approx(1 / 0.85, abs=0.02)
