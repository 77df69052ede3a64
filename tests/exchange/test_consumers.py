"""Consumers: each line of the header, and streams, tickets and caps against a naive model."""

import json
from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from penstock.config.model import Admission, Ladder
from penstock.core.claim import Claim
from penstock.core.errors import ShedError
from penstock.core.penalty_box import BOX_S
from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers, user_of


def made(entry: Admission | None = None, salt: bytes = b"salt") -> Consumers:
    """Consumers at time 0."""
    return Consumers(entry or Admission(), salt, 1.7e9, lambda: 0.4, 0.0)


def claim_of(user: str = "", key: str = "k", tier: Tier = Tier.FREE, tenant: str = "t") -> Claim:
    """A claim as the gateway makes it."""
    claim = Claim(tenant, key, tier, 100, 0.0)
    claim.user = user
    return claim


def at_level(level: int, entry: Admission | None = None, salt: bytes = b"salt") -> Consumers:
    """Consumers whose ladder has been at a level for a while; at 5 without room for anybody."""
    consumers = made(entry, salt)
    state = consumers.state(0.0)
    state["level"] = level
    if level == 5:
        state["share"] |= {"new_ratio": 0.0, "kept_ratio": 1.0}
    consumers.restore(state, 0.0)
    return consumers


def let_in(consumers: Consumers, users: Iterable[str], now_s: float) -> set[str]:
    """Those of the users who get in, each for a moment."""
    inside: set[str] = set()
    for user in users:
        claim = claim_of(user)
        if consumers.admit(claim, now_s) is None:
            consumers.leave(claim, now_s, cost_tokens=100.0)
            inside.add(user)
    return inside


def code_of(refusal: ShedError | None) -> str:
    """The code of a refusal; empty for none."""
    return "" if refusal is None else refusal.code


def with_new(consumers: Consumers, new_ratio: float, now_s: float) -> None:
    """Set the share of new users."""
    state = consumers.state(now_s)
    state["share"]["new_ratio"] = new_ratio
    consumers.restore(state, now_s)


USERS = [f"user-{at}" for at in range(1000)]


@pytest.mark.parametrize(
    ("level", "cap", "words", "streams"),
    [
        (0, 0, (), 8),
        (1, 0, (), 8),
        (2, 256, ("max_tokens",), 8),
        (3, 128, ("max_tokens", "model"), 1),
        (4, 128, ("max_tokens", "model"), 1),
    ],
)
def test_each_level_takes_more(level: int, cap: int, words: tuple[str, ...], streams: int) -> None:
    consumers = at_level(level)
    first = claim_of("a")
    assert consumers.admit(first, 1.0) is None
    assert (first.output_tokens_cap, first.degraded) == (cap, words)
    assert first.load_level == level
    count = 1
    while (refusal := consumers.admit(claim_of("a"), 1.0)) is None:
        count += 1
    assert count == streams
    assert refusal.code == "user_streams"
    assert consumers.may_retry(first) is (level == 0)
    assert consumers.may_retry(claim_of(tier=Tier.STANDARD))
    assert consumers.may_degrade(first) is (level >= 3)
    standard = claim_of(tier=Tier.STANDARD)
    assert not consumers.may_degrade(standard)
    standard.may_degrade_model = True
    assert consumers.may_degrade(standard) is (level >= 3)


def test_who_asks_for_less_than_the_cap_is_not_degraded() -> None:
    consumers = at_level(2)
    for most, cap in ((0, 256), (255, 0), (256, 0), (257, 256)):
        claim = claim_of(f"asks-{most}")
        claim.output_tokens_max = most
        assert consumers.admit(claim, 1.0) is None
        assert claim.output_tokens_cap == cap
        assert claim.degraded == (("max_tokens",) if cap else ())


def test_caps_can_be_turned_off() -> None:
    consumers = at_level(3, Admission(ladder=Ladder(output_tokens_caps=(256, 0))))
    claim = claim_of()
    assert consumers.admit(claim, 1.0) is None
    assert (claim.output_tokens_cap, claim.degraded) == (0, ("model",))


def test_level_5_refuses_new_sessions_and_batch_and_keeps_holders() -> None:
    consumers = at_level(4)
    assert let_in(consumers, ["in"], 1.0) == {"in"}
    state = consumers.state(1.0)
    state["level"] = 5
    state["share"]["new_ratio"] = 0.0
    consumers.restore(state, 1.0)
    assert let_in(consumers, ["in"], 200.0) == {"in"}
    assert let_in(consumers, ["in"], 499.0) == {"in"}  # renewed
    assert code_of(consumers.admit(claim_of("new"), 499.0)) == "no_new_sessions"
    assert code_of(consumers.admit(claim_of("job", tier=Tier.BATCH), 499.0)) == "tier_capacity"
    assert let_in(consumers, ["in"], 800.0) == set()


def test_a_ticket_needs_an_answer() -> None:
    consumers = at_level(4)
    first, second = claim_of("a"), claim_of("b")
    assert consumers.admit(first, 1.0) is None
    assert consumers.admit(second, 1.0) is None
    assert consumers.tickets == 2
    consumers.leave(first, 2.0, is_served=False)
    consumers.leave(second, 2.0)
    assert consumers.tickets == 1
    again = claim_of("b")
    assert consumers.admit(again, 3.0) is None
    consumers.leave(again, 4.0, is_served=False)
    assert consumers.tickets == 1


def test_the_share_of_new_users_gets_in_and_the_same_ones_again() -> None:
    consumers = at_level(5)
    with_new(consumers, 0.2, 0.0)
    inside = let_in(consumers, USERS, 1.0)
    assert 160 <= len(inside) <= 240
    fresh = at_level(5)
    with_new(fresh, 0.2, 0.0)
    assert let_in(fresh, USERS, 1.0) == inside
    other = at_level(5, salt=b"another")
    with_new(other, 0.2, 0.0)
    assert len(let_in(other, USERS, 1.0) & inside) < 80
    later = at_level(5)
    with_new(later, 0.2, 0.0)
    assert len(let_in(later, USERS, 61.0) & inside) >= 0.9 * len(inside)


def test_heavy_users_are_the_first_to_go() -> None:
    consumers = at_level(4)
    for user in USERS:
        claim = claim_of(user)
        assert consumers.admit(claim, 1.0) is None
        tokens = 20_000.0 if int(user.removeprefix("user-")) % 20 == 0 else 100.0
        consumers.leave(claim, 1.0, cost_tokens=tokens)
    heavy = set(USERS[::20])
    state = consumers.state(1.0)
    state["tickets"] = {}
    state["level"] = 5
    state["share"]["new_ratio"] = 0.6
    consumers.restore(state, 1.0)
    inside = let_in(consumers, USERS, 2.0)
    assert len(inside & heavy) <= 0.35 * len(heavy)
    assert len(inside - heavy) >= 0.55 * (len(USERS) - len(heavy))


def test_holders_who_go_are_gone_whole() -> None:
    consumers = at_level(4)
    let_in(consumers, USERS, 1.0)
    state = consumers.state(1.0)
    state["level"] = 5
    state["share"] |= {"new_ratio": 0.0, "kept_ratio": 0.5}
    consumers.restore(state, 1.0)
    kept = let_in(consumers, USERS, 2.0)
    assert 440 <= len(kept) <= 560
    assert let_in(consumers, USERS, 3.0) == kept


def test_retry_after_is_as_long_as_it_lasts_already() -> None:
    consumers = at_level(4)
    for at in range(20):
        consumers.observe(1.0, 1.0, 10.0 + at / 2)
    assert consumers.level == 5
    with_new(consumers, 0.0, 100.0)
    waits: list[float] = []
    for at_s in (101.0, 130.0, 400.0):
        refusal = consumers.admit(claim_of(f"at-{at_s}"), at_s)
        assert refusal is not None
        waits.append(refusal.retry_after_s)
        assert refusal.should_retry is (refusal.retry_after_s <= 60.0)
    assert waits == [5.0, 30.0, 300.0]  # since 100; the dice show 0.4, which means as it is


def test_retry_after_is_no_longer_than_until_a_better_rank() -> None:
    consumers = at_level(5)
    with_new(consumers, 0.9, 0.0)
    late_s = 500_000.0
    waits = [consumers.admit(claim_of(user), late_s) for user in USERS]
    told = [refusal.retry_after_s for refusal in waits if refusal is not None]
    assert told
    assert max(told) <= 3600.0 + 3600.0 * (1 / 0.9 - 1) + 1.0


def test_who_ignores_retry_after_is_refused_from_memory() -> None:
    consumers = at_level(5)
    refusals = [consumers.admit(claim_of("blind"), 1.0 + at / 10) for at in range(10)]
    texts = [refusal.message if refusal else "" for refusal in refusals]
    assert len(set(texts[:3])) == 1
    assert len(set(texts[3:])) == 1
    assert texts[3] != texts[0]
    assert refusals[9] is not None
    assert refusals[9].retry_after_s == pytest.approx(BOX_S - 0.6)
    with_new(consumers, 1.0, 5.0)
    assert let_in(consumers, ["blind"], 1.3 + BOX_S - 0.1) == set()
    assert let_in(consumers, ["blind"], 1.3 + BOX_S + 0.1) == {"blind"}


def test_users_are_told_apart_by_tenant_and_by_what_the_key_asserts() -> None:
    claims = [
        claim_of("a"), claim_of("", "a"), claim_of("a", tenant="u"), claim_of("", "b"),
    ]  # fmt: skip
    assert len({user_of(claim) for claim in claims}) == 4
    assert user_of(claim_of("a", "k")) == user_of(claim_of("a", "l"))


def test_where_the_ladder_is_off_only_streams_are_counted() -> None:
    consumers = made(Admission(streams_per_user_max=2, ladder=Ladder(is_enabled=False)))
    for at in range(100):
        assert consumers.observe(1.0, 2.0, float(at)) == 0
    codes = [code_of(consumers.admit(claim_of("a"), 100.0)) for _ in range(3)]
    assert codes == ["", "", "user_streams"]


def test_the_state_is_plain_json_and_enough_to_go_on() -> None:
    consumers = at_level(5)
    with_new(consumers, 0.3, 0.0)
    inside = let_in(consumers, USERS, 1.0)
    state = json.loads(json.dumps(consumers.state(100.0)))
    other = made()
    other.restore(state, 7000.0)
    assert other.level == 5
    assert other.new_ratio == 0.3
    # 299 s after the answers, wherever the clock began.
    assert let_in(other, inside, 7199.0) == inside


class Machine(RuleBasedStateMachine):
    """Streams in and out at changing levels; the naive model counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.consumers = at_level(0)
        self.level = 0
        self.now_s = 0.0
        self.inside: list[Claim] = []

    @rule(level=st.integers(0, 4))
    def move(self, level: int) -> None:
        state = self.consumers.state(self.now_s)
        state["level"] = self.level = level
        self.consumers.restore(state, self.now_s)

    @rule(user=st.sampled_from("abc"), tier=st.sampled_from([Tier.FREE, Tier.BATCH]))
    def ask(self, user: str, tier: Tier) -> None:
        claim = claim_of(user, tier=tier)
        streams = sum(user_of(one) == user_of(claim) for one in self.inside)
        refusal = self.consumers.admit(claim, self.now_s)
        assert (refusal is None) is (streams < (1 if self.level >= 3 else 8))
        if refusal is None:
            self.inside.append(claim)

    @rule(at=st.integers(0, 30), is_served=st.booleans(), tokens=st.floats(0.0, 1e6))
    def end(self, at: int, tokens: float, *, is_served: bool) -> None:
        if self.inside:
            claim = self.inside.pop(at % len(self.inside))
            self.consumers.leave(claim, self.now_s, cost_tokens=tokens, is_served=is_served)

    @rule(span_s=st.floats(0.0, 200.0))
    def wait(self, span_s: float) -> None:
        self.now_s += span_s

    @invariant()
    def nobody_is_left_behind(self) -> None:
        assert self.consumers.tickets <= 3


TestMachine = Machine.TestCase


@given(st.integers(0, 1000))
def test_no_order_of_events_breaks_it(seed: int) -> None:
    random = Random(seed)
    consumers = made(Admission(streams_per_user_max=3))
    inside: list[Claim] = []
    now_s = 0.0
    for _ in range(200):
        now_s += random.random()
        consumers.observe(random.random() * 1.1, random.random() * 2.0, now_s)
        claim = claim_of(f"u{random.randrange(20)}", tier=random.choice([Tier.FREE, Tier.BATCH]))
        refusal = consumers.admit(claim, now_s)
        if refusal is None:
            inside.append(claim)
        else:
            assert refusal.retry_after_s > 0.0
        if inside and random.random() < 0.8:
            consumers.leave(inside.pop(random.randrange(len(inside))), now_s)
    for claim in inside:
        consumers.leave(claim, now_s)


def test_level_5_is_not_left_while_users_are_refused() -> None:
    consumers = at_level(5)
    now_s = 0.0
    for _ in range(60):
        now_s += 0.5
        for at in range(50):
            consumers.admit(claim_of(f"{now_s}-{at}"), now_s)
        consumers.observe(0.5, 0.2, now_s)  # a short queue: there is no more room than is used
    assert consumers.new_ratio < 1.0
    assert consumers.level == 5


def test_retry_after_counts_from_the_rise() -> None:
    consumers = made()
    for at in range(6):
        consumers.observe(1.0, 1.5, 300.0 + at)
    with_five = consumers.level
    refusal = None
    for at in range(300):
        refusal = refusal or consumers.admit(claim_of(f"u{at}"), 325.0)
        consumers.observe(1.0, 1.5, 306.0 + at / 20)
    assert with_five == 5
    assert refusal is not None
    assert refusal.retry_after_s < 60.0  # and not since the start of the process


def test_who_gets_in_early_starts_without_strikes() -> None:
    consumers = at_level(5)
    for at in range(3):  # told, and back too early twice
        assert consumers.admit(claim_of("a"), 1.0 + at / 10) is not None
    with_new(consumers, 1.0, 1.3)
    state = consumers.state(1.3)
    assert state["share"]["new_ratio"] == 1.0
    assert let_in(consumers, ["b"], 1.4) == {"b"}
    early = at_level(5)
    for at in range(2):
        assert early.admit(claim_of("a"), 1.0 + at / 10) is not None
    with_new(early, 1.0, 1.2)
    assert let_in(early, ["a"], 1.2) == {"a"}
    for at in range(5):
        assert let_in(early, ["a"], 1.3 + at / 10) == {"a"}


def test_a_turn_that_came_to_nothing_beside_another_keeps_the_ticket() -> None:
    consumers = at_level(1)
    first, second = claim_of("a"), claim_of("a")
    assert consumers.admit(first, 1.0) is None
    assert consumers.admit(second, 1.0) is None
    consumers.leave(first, 2.0, is_served=False)
    assert consumers.tickets == 1
    consumers.leave(second, 2.0, is_served=False)
    assert consumers.tickets == 0


def test_batch_has_no_tickets() -> None:
    consumers = at_level(1)
    job = claim_of("a", tier=Tier.BATCH)
    assert consumers.admit(job, 1.0) is None
    consumers.leave(job, 2.0)
    assert consumers.tickets == 0


def test_a_user_is_new_once_however_often_it_asks() -> None:
    def flow(tries: int) -> float:
        consumers = at_level(5)
        for at in range(20):
            for _ in range(tries):
                consumers.admit(claim_of(f"u{at}"), 1.0 + at)
        consumers.observe(1.0, 0.5, 25.0)
        return consumers.state(25.0)["share"]["newcomers_per_s"]

    assert flow(1) == flow(2) > 0.0


# --- a reload


def test_a_reload_changes_how_much_is_taken_and_lets_who_is_in_go_on() -> None:
    consumers = at_level(5)
    one = claim_of("somebody")
    with_new(consumers, 1.0, 0.0)
    assert consumers.admit(one, 0.0) is None
    assert one.output_tokens_cap == 128
    consumers.use(Admission(ladder=Ladder(output_tokens_caps=(64, 32))))
    assert consumers.level == 5
    consumers.leave(one, 1.0, cost_tokens=100.0)
    again = claim_of("somebody")
    assert consumers.admit(again, 2.0) is None
    assert again.output_tokens_cap == 32


def test_a_ladder_that_is_turned_off_takes_nothing_more() -> None:
    consumers = at_level(5)
    assert code_of(consumers.admit(claim_of("new"), 0.0)) == "no_new_sessions"
    consumers.use(Admission(ladder=Ladder(is_enabled=False), streams_per_user_max=2))
    consumers.observe(1.0, 2.0, 1.0)
    claims = [claim_of("other") for _ in range(3)]
    told = [code_of(consumers.admit(one, 2.0)) for one in claims]
    assert told == ["", "", "user_streams"]
    assert claims[0].degraded == ()
    assert consumers.may_retry(claims[0])


def in_line(user: str, joined: int) -> Claim:
    """A claim of a front end that keeps a line."""
    claim = claim_of(user, "chat")
    claim.line = joined
    return claim


def test_a_line_gets_in_by_its_rate_and_in_its_own_order() -> None:
    consumers = at_level(5)
    state = consumers.state(0.0)
    state["share"]["line_per_s"] = 2.0
    consumers.restore(state, 0.0)
    inside: list[str] = []
    waiting = list(USERS)
    now_s = 0.0
    while now_s < 30.0:
        refusal = consumers.admit(in_line(waiting[0], len(USERS)), now_s)
        if refusal is None:
            inside.append(waiting.pop(0))
        else:
            assert refusal.code == "no_new_sessions"
            assert 1.0 <= refusal.retry_after_s <= 5.0
            now_s += refusal.retry_after_s
    assert inside == USERS[: len(inside)]
    assert 55 <= len(inside) <= 66
    # The same line is never taken for impatient; others are judged by their rank as ever.
    assert code_of(consumers.admit(claim_of("other"), 31.0)) == "no_new_sessions"


def test_who_is_in_does_not_stand_in_line_again() -> None:
    consumers = at_level(4)
    claim = in_line("a", 1)
    assert consumers.admit(claim, 0.0) is None
    consumers.leave(claim, 1.0)
    state = consumers.state(1.0)
    state["level"] = 5
    state["share"] |= {"new_ratio": 0.0, "kept_ratio": 1.0, "line_per_s": 0.0}
    consumers.restore(state, 1.0)
    again, other = in_line("a", 2), in_line("b", 3)
    assert consumers.admit(again, 2.0) is None
    consumers.leave(again, 3.0)
    assert consumers.admit(in_line("c", 3), 3.0) is None  # a place that had been kept
    assert code_of(consumers.admit(other, 3.0)) == "no_new_sessions"


def test_the_state_of_a_process_before_lines_is_enough() -> None:
    consumers = at_level(5)
    state = consumers.state(0.0)
    del state["share"]["line_per_s"], state["share"]["lined_per_s"]
    made().restore(state, 0.0)
