"""Who comes when, and what they want, is the same in every arm."""

import asyncio
from random import Random
from typing import Any, Final

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.drill.driving import plan as plans
from penstock.apps.drill.driving import traces
from penstock.apps.drill.driving.people import gaps, visit
from penstock.apps.drill.driving.plan import Plan
from penstock.sim.drills.shapes import Timetable
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, Traffic

KNOWN = traces.load()
KEYS: Final = {tier: (tier, f"pk-{tier}") for tier in ("enterprise", "standard", "free", "batch")}


def arm(name: str, seed: int, **more: Any) -> Plan:
    if name == "bound":
        places = plans.bound_places(DEFAULT_TRAFFIC, "http://emulator", "claude")
    else:
        places = plans.gateway_places(DEFAULT_TRAFFIC, "http://gateway", KEYS, "claude")
    return Plan(
        arm=name,
        mix=DEFAULT_TRAFFIC,
        timetable=Timetable(windows=(), strikes=(), played_s=1.0, true_s=1.0),
        places=places,
        traces=KNOWN,
        draw=lambda name: Random(f"{seed} {name}"),
        stop=asyncio.Event(),
        **more,
    )


@given(
    seed=st.integers(0, 99),
    traffic=st.sampled_from(DEFAULT_TRAFFIC),
    numbers=st.lists(st.integers(1, 500), min_size=1, max_size=4, unique=True),
)
def test_the_same_people_come_to_each_arm(seed: int, traffic: Traffic, numbers: list[int]) -> None:
    bound, gateway = arm("bound", seed), arm("penstock", seed)
    theirs = {number: visit(gateway, traffic, number) for number in reversed(numbers)}
    for number in numbers:
        mine = visit(bound, traffic, number)
        assert (mine.user, mine.turns) == (theirs[number].user, theirs[number].turns)
        assert mine.dice.random() == theirs[number].dice.random()
        for turn in mine.turns:
            assert turn.question.output_tokens <= traffic.output_tokens_max
            assert turn.question.input_tokens <= traffic.input_tokens_max
            assert len(turn.question.answer.split()) == turn.question.output_tokens
            assert turn.question.answer in turn.question.text
    first, second = gaps(bound, traffic), gaps(gateway, traffic)
    assert [first() for _ in range(9)] == [second() for _ in range(9)]


def test_another_seed_is_another_day() -> None:
    one, other = (visit(arm("bound", seed), DEFAULT_TRAFFIC[0], 1) for seed in (1, 2))
    assert one.turns != other.turns


def test_callers_of_a_gateway_speak_all_dialects() -> None:
    gateway = arm("penstock", 1)
    spoken = [visit(gateway, DEFAULT_TRAFFIC[0], number).place for number in range(40)]
    assert {one.dialect for one in spoken if one is not None} == set(plans.DIALECTS)


def test_whoever_is_bound_to_another_provider_asks_its_route() -> None:
    own = msgspec.structs.replace(DEFAULT_TRAFFIC[0], name="own", provider="gpt")
    bound = plans.bound_places([own], "http://emulator", "claude")["own"]
    gateway = plans.gateway_places([own], "http://gateway", KEYS, "claude")["own"]
    assert [(one.dialect, one.provider) for one in bound] == [("openai_chat", "gpt")]
    assert {(one.model, one.provider) for one in gateway} == {(f"{own.route}-gpt", "gpt")}
