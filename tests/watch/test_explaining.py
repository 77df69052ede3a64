"""Spill, and what is shared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.world import CODE, GPT, HAIKU, MINI, OPUS, SONNET, WEB, World

from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.component import State
from penstock.watch.explaining import Rise, is_shared, spill_of
from penstock.watch.settings import Settings

SETTINGS = Settings()
RATES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.0, 1000.0), min_size=1)


@given(RATES)
def test_the_largest_is_explained_by_nobody_and_the_rest_by_less_than_all(
    rates: dict[str, float],
) -> None:
    spill = spill_of(rates)
    largest = max(rates, key=lambda one: rates[one])
    assert spill.on(largest, SETTINGS) == pytest.approx(0.0, abs=1e-9)
    for one in (*rates, "nobody"):
        assert spill.on(one, SETTINGS) + 1e-9 >= 0.0
        assert spill.on(one, SETTINGS) <= 0.1 * sum(rates.values()) + 1e-9
        assert spill.on(one, Settings(has_explaining=False)) == 0.0


def test_two_that_are_alike_do_not_explain_each_other() -> None:
    spill = spill_of({"a": 5.0, "b": 5.0, "c": 1.0})
    assert spill.on("a", SETTINGS) == spill.on("b", SETTINGS) == 0.0
    assert spill.on("c", SETTINGS) == pytest.approx(0.8)


def rise(component: str, provider: str, onset: float = 0.0, *, is_connection: bool = False) -> Rise:
    return Rise(component, provider, onset, is_connection)


MODELS = {"anthropic": 2, "openai": 2, "google": 2}


def test_one_provider_is_not_shared() -> None:
    assert is_shared([rise("a", "anthropic"), rise("b", "anthropic")], MODELS, SETTINGS) == ()


def test_most_providers_at_once_are_shared_and_one_after_another_are_not() -> None:
    rises = [rise(f"{name}{at}", name) for name in MODELS for at in range(2)]
    assert len(is_shared(rises, MODELS, SETTINGS)) == 6
    late = [rise(f"{name}{at}", name, 1000.0 * len(name)) for name in MODELS for at in range(2)]
    assert is_shared([one for one in late if one.provider != "openai"], MODELS, SETTINGS) == ()


def test_two_of_many_are_shared_where_connections_fail() -> None:
    many = MODELS | {"x": 1, "y": 1}
    for is_connection, number in ((False, 0), (True, 4)):
        rises = [
            rise(f"{name}{at}", name, is_connection=is_connection)
            for name in ("anthropic", "openai")
            for at in range(2)
        ]
        assert len(is_shared(rises, many, SETTINGS)) == number


def test_sympathy_with_a_large_outage_is_explained() -> None:
    world = World()
    world.run(1800)
    world.failing = {one.id: "server_error" for one in (OPUS, SONNET, HAIKU, CODE)}
    for _ in range(60):
        for one in (OPUS, SONNET, HAIKU):
            world.report(one.id, 30)
        world.report(WEB.id, 4)
        told = world.run(15)
        assert told[WEB.id].verdict is Verdict.NONE
        assert told[MINI.id].verdict is Verdict.NONE


def test_a_route_that_nothing_looks_at_fails_with_what_it_rests_on() -> None:
    world = World()
    world.silent = {CODE.id}
    world.run(1800)
    assert world.told[CODE.id].state is State.UNKNOWN
    world.failing = {SONNET.id: "server_error"}
    told = world.run(120)[CODE.id]
    assert told.verdict is Verdict.PROBLEM
    assert told.state is State.MAJOR
    assert told.culprit is Culprit.MODEL
    assert "sonnet" in told.reasons[0]
    del world.failing[SONNET.id]
    assert world.run(900)[CODE.id].verdict is Verdict.NONE
    assert world.told[GPT.id].verdict is Verdict.NONE
