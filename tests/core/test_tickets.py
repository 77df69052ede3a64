"""Tickets against a naive table, and ranks as a fair and lasting order of users."""

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from penstock.core.tickets import HOUR_S, Ranking, Tickets

USERS = st.sampled_from("abcdefgh")
SPANS = st.floats(0.0, 4.0)


class Machine(RuleBasedStateMachine):
    """Ten seconds, five tickets; the naive one is a list in the order of renewal."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.tickets = Tickets(10.0, 5)
        self.naive: list[tuple[str, float, bool]] = []  # user, until, is answered

    def without(self, user: str) -> list[tuple[str, float, bool]]:
        return [one for one in self.naive if one[0] != user]

    @rule(span_s=SPANS)
    def wait(self, span_s: float) -> None:
        self.now_s += span_s

    @rule(user=USERS)
    def hold(self, user: str) -> None:
        if not self.tickets.has(user, self.now_s):
            self.tickets.hold(user, self.now_s)
            self.naive = [*self.without(user), (user, self.now_s + 10.0, False)][-5:]

    @rule(user=USERS)
    def renew(self, user: str) -> None:
        self.tickets.renew(user, self.now_s)
        self.naive = [*self.without(user), (user, self.now_s + 10.0, True)][-5:]

    @rule(user=USERS)
    def cancel(self, user: str) -> None:
        self.tickets.cancel(user)
        self.naive = [one for one in self.naive if one[0] != user or one[2]]

    @rule(user=USERS)
    def drop(self, user: str) -> None:
        self.tickets.drop(user)
        self.naive = self.without(user)

    @rule()
    def expire(self) -> None:
        self.tickets.expire(self.now_s)
        self.naive = [one for one in self.naive if one[1] > self.now_s]
        assert len(self.tickets) == len(self.naive)

    @rule(span_s=st.floats(0.0, 12.0))
    def restart(self, span_s: float) -> None:
        state = self.tickets.state(self.now_s)
        self.now_s += 1000.0
        self.tickets = Tickets(10.0, 5)
        self.tickets.restore(state.items(), self.now_s)
        self.naive = [
            (user, until_s + 1000.0, True)
            for user, until_s, is_answered in self.naive
            if is_answered and until_s + 1000.0 > self.now_s
        ]
        self.now_s += span_s

    @invariant()
    def holds_the_same(self) -> None:
        held = {one[0] for one in self.naive if one[1] > self.now_s}
        assert {user for user in "abcdefgh" if self.tickets.has(user, self.now_s)} == held
        assert len(self.tickets) <= 5


TestMachine = Machine.TestCase


def test_restoring_keeps_the_bounds() -> None:
    tickets = Tickets(10.0, 2)
    tickets.restore([("a", 3.0), ("b", 1.0), ("c", 99.0), ("d", 0.0)], 0.0)
    assert [user for user in "abcd" if tickets.has(user, 0.5)] == ["a", "c"]
    assert tickets.state(0.0) == {"a": 3.0, "c": 10.0}


@given(st.text(), st.binary(max_size=100), st.floats(0.0, 2e9))
def test_a_rank_holds_for_the_users_hour(user: str, salt: bytes, at_unix_s: float) -> None:
    ranking = Ranking(salt)
    rank = ranking.rank(user, "enter", at_unix_s)
    left_s = ranking.until_next_s(user, at_unix_s)
    assert 0.0 <= rank < 1.0
    assert 0.0 < left_s <= HOUR_S
    assert ranking.rank(user, "enter", at_unix_s + left_s * 0.999) == rank
    assert ranking.rank(user, "enter", at_unix_s + left_s + 1.0) != rank


def distance(ranks: list[float]) -> float:
    """Kolmogorov's distance from the uniform distribution."""
    ranks = sorted(ranks)
    return max(abs(rank - (at + 0.5) / len(ranks)) for at, rank in enumerate(ranks))


def test_ranks_are_uniform_and_independent() -> None:
    ranking = Ranking(b"salt")
    count = 4000
    least = 1.95 / math.sqrt(count)  # one in a thousand is farther by chance
    users = [f"user-{at}" for at in range(count)]
    enter = [ranking.rank(user, "enter", 1e9) for user in users]
    stay = [ranking.rank(user, "stay", 1e9) for user in users]
    later = [ranking.rank(user, "enter", 1e9 + HOUR_S) for user in users]
    other = [Ranking(b"pepper").rank(user, "enter", 1e9) for user in users]
    assert distance(enter) < least
    for ranks in (stay, later, other):
        assert distance([(a - b) % 1.0 for a, b in zip(enter, ranks, strict=True)]) < least


def test_hours_do_not_begin_for_all_at_once() -> None:
    ranking = Ranking(b"salt")
    left_s = [ranking.until_next_s(f"user-{at}", 1e9) / HOUR_S for at in range(4000)]
    assert distance(left_s) < 1.95 / math.sqrt(4000)


def test_mostly_the_same_users_get_in_again_after_all_tickets_are_lost() -> None:
    ranking, random = Ranking(b"salt"), Random(1)
    users = [f"user-{at}" for at in range(2000)]

    def let_in(now_unix_s: float, ratio: float) -> set[str]:
        return {u for u in users if ranking.rank(u, "enter", now_unix_s) >= 1.0 - ratio}

    before = let_in(1e9, 0.2)
    again = let_in(1e9 + random.uniform(0, 300), 0.2)
    assert len(before & again) >= 0.9 * len(before)
