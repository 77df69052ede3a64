"""Votes: one a person and window, and no network speaks for many."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.watch.evidence import Report
from penstock.watch.settings import Settings
from penstock.watch.voting import Ballot, BallotState

T0 = 1_767_600_000.0


def ballot_of(votes: list[tuple[int, int]], settings: Settings | None = None) -> Ballot:
    """Votes of (voter, network), a second apart."""
    ballot = Ballot(settings or Settings(), BallotState())
    for at, (voter, network) in enumerate(votes):
        at_unix_s = T0 + at
        report = Report(
            component="c", at_unix_s=at_unix_s, voter=f"v{voter}", network=f"n{network}"
        )
        ballot.take(report, at_unix_s, 0.0)
    return ballot


VOTES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=80)


@given(VOTES)
def test_nobody_counts_twice_and_no_network_more_than_its_cap(votes: list[tuple[int, int]]) -> None:
    ballot = ballot_of(votes)
    counted = [vote for vote in ballot.state.votes if vote.weight]
    assert len({vote.voter for vote in ballot.state.votes}) == len(ballot.state.votes)
    assert ballot.reporters == len(counted) <= 3 * len({network for _, network in votes})


@given(VOTES)
def test_after_a_window_nothing_is_left(votes: list[tuple[int, int]]) -> None:
    ballot = ballot_of(votes)
    ballot.advance(T0 + 80 + 600, 0.0)
    assert ballot.reporters == ballot.networks == 0
    assert not ballot.state.votes


def is_wave(votes: list[tuple[int, int]], settings: Settings, *, is_healthy: bool) -> bool:
    ballot = ballot_of(votes, settings)
    now = T0 + len(votes) + 30
    ballot.advance(now, 0.0)
    return ballot.judge(now, is_healthy=is_healthy, may_learn=True)


def test_the_low_traffic_rule() -> None:
    settings = Settings()
    five_of_five = [(at, at) for at in range(5)]
    assert is_wave(five_of_five, settings, is_healthy=False)
    assert not is_wave(five_of_five, settings, is_healthy=True)
    assert is_wave([(at, at) for at in range(8)], settings, is_healthy=True)
    assert not is_wave([(at, at) for at in range(4)], settings, is_healthy=False)


def test_a_thousand_voters_of_three_networks_are_no_wave_but_for_the_ablation() -> None:
    brigade = [(at, at % 3) for at in range(1000)]
    assert not is_wave(brigade, Settings(), is_healthy=True)
    assert not is_wave(brigade, Settings(), is_healthy=False)
    assert is_wave(brigade, Settings(has_diversity=False), is_healthy=True)


def test_few_networks_are_named() -> None:
    assert ballot_of([(at, at % 3) for at in range(100)]).few_networks() == "3 networks"
    assert ballot_of([(at, 0) for at in range(100)]).few_networks() == "1 network"
    assert ballot_of([(at, at) for at in range(100)]).few_networks() == ""
