"""Synthetic users before a provider that does what the test says."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from tests.apps.drill.driving.stub import (
    CUT,
    Act,
    body,
    chunks,
    delta,
    plan,
    stream,
    stub,
    traffic,
    whole,
)

from penstock.apps.drill.driving import job
from penstock.apps.drill.driving.drive import drive
from penstock.sim.clients import HABITS
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call
from penstock.sim.drills.traffic import Traffic

BUSY = json.dumps({"error": {"code": "no_capacity", "message": "later"}})


def driven(act: Act, *mix: Traffic, **more: Any) -> tuple[list[Call], Any]:
    """Play a mix; return the calls, and the provider."""
    calls: list[Call] = []

    async def run() -> Any:
        async with stub(act) as provider:
            await drive(plan(provider.url, *mix, **more), calls.append)
        return provider

    return calls, asyncio.run(run())


def silent(said: str, tries: int) -> None:
    """Say nothing."""
    del said, tries


def ends(calls: list[Call]) -> Counter[str]:
    return Counter(call.end for call in calls)


def test_each_arrival_is_one_call() -> None:
    calls, provider = driven(lambda said, _: whole(said), traffic())
    assert len(calls) == len(provider.asked) == len({call.session for call in calls}) > 3
    assert ends(calls) == {shapes.COMPLETE: len(calls)}
    assert provider.connections < len(calls)  # they are used again
    for call in calls:
        assert call.request_ids == ("req-1",)
        assert 0.0 < call.ttft_s <= call.took_s
        assert call.status == 200
        assert (call.provider, call.dialect, call.tries) == ("gpt", "openai_chat", 1)


def test_two_arms_meet_the_same_callers() -> None:
    mix = traffic(turns=3)
    first, _ = driven(lambda said, _: whole(said), mix)
    again, _ = driven(lambda said, _: whole(said), mix, arm="penstock")

    def who(calls: list[Call]) -> set[tuple[str, str]]:
        return {(call.session, call.user) for call in calls if call.turn == 0}

    both, either = who(first) & who(again), who(first) | who(again)
    assert len(both) >= max(2, len(either) - 4)  # who comes last may come too late


def test_a_client_of_an_sdk_comes_back_when_it_is_told() -> None:
    def act(said: str, tries: int) -> bytes:
        return whole(said) if tries > 1 else body(BUSY, "503 Busy", "retry-after: 0.2")

    calls, provider = driven(act, traffic(client="sdk", per_s=20.0), linger_s=2.0)
    assert {(call.end, call.tries) for call in calls} == {(shapes.COMPLETE, 2)}
    for said in {one for _, one in provider.asked}:
        times_s: list[float] = [at_s for at_s, one in provider.asked if one == said]
        assert times_s[1] - times_s[0] >= 0.2
    assert all(call.ttft_s >= 0.2 for call in calls)


def test_whoever_has_no_client_that_comes_back_is_refused() -> None:
    calls, _ = driven(lambda _, __: body(BUSY, "503 Busy", "retry-after: 9"), traffic())
    assert {(call.end, call.code, call.retry_after_s, call.tries) for call in calls} == {
        (shapes.REFUSED, "no_capacity", 9.0, 1)
    }


@pytest.mark.parametrize(
    ("tail", "end"),
    [
        (chunks("data: [DONE]\n\n"), shapes.TRUNCATED),
        (chunks(delta("", "stop")), shapes.TRUNCATED),
        (chunks('data: {"error": {"code": "x"}}\n\n'), shapes.BROKEN),
        (CUT, shapes.BROKEN),
        (b"gg\r\nno chunk" + CUT, shapes.BROKEN),
    ],
)
def test_a_stream_that_stops_in_the_middle(tail: bytes, end: str) -> None:
    def act(said: str, _: int) -> bytes:
        return stream(delta(said.partition(" ")[0]), ends=False) + tail

    calls, _ = driven(act, traffic(stream_ratio=1.0, client="sdk"))
    assert ends(calls) == {end: len(calls)}
    assert all(call.ttft_s > 0.0 for call in calls)
    assert all(call.tries == 1 for call in calls)  # no client repeats half an answer


def test_a_whole_stream() -> None:
    def act(said: str, _: int) -> bytes:
        first, rest = said.split(" ", 1)
        done = "data: [DONE]\n\n"
        return stream(delta(first), delta(f" {rest}"), delta("", "stop"), done)

    calls, provider = driven(act, traffic(stream_ratio=1.0))
    assert ends(calls) == {shapes.COMPLETE: len(calls)}
    assert all(asked["stream"] for asked in provider.bodies)


def test_a_session_ends_with_what_was_not_answered() -> None:
    def act(said: str, _: int) -> bytes:
        return whole(said) if len(said.split()) == 3 else body("{}", "500 Oh")

    mix = traffic(turns=4)
    calls, provider = driven(act, mix)
    sessions: dict[str, list[Call]] = {}
    for call in calls:
        sessions.setdefault(call.session, []).append(call)
    for made in sessions.values():
        first = made[0].turn
        assert [call.turn for call in made] == list(range(first, first + len(made)))
        assert all(call.end == shapes.COMPLETE for call in made[:-1])
        assert all(call.is_last == (call.turn == 3) for call in made)
    assert ends(calls).keys() == {shapes.COMPLETE, shapes.FAILED}
    told = {len(asked["messages"]) for asked in provider.bodies}
    assert told <= {1, 3, 5, 7}
    assert 3 in told  # what was said before is sent again


def test_silence_is_unfinished_and_an_impatient_person_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    soon = replace(HABITS["impatient"], leaves_after_s=0.1)
    monkeypatch.setitem(HABITS, "impatient", soon)
    people = traffic(name="people", client="impatient")
    calls, _ = driven(silent, traffic(), people, linger_s=0.2)
    by = {name: ends([one for one in calls if one.traffic == name]) for name in ("apps", "people")}
    assert by["apps"].keys() == {shapes.UNFINISHED}
    assert by["people"].keys() == {shapes.LEFT}


def test_sessions_are_in_their_middle_when_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.apps.drill.driving.drive.ANSWER_S", 0.0)
    mix = traffic(per_s=80.0, turns=100)
    calls, provider = driven(lambda said, _: whole(said), mix, played_s=0.5)
    firsts = {call.session: call.turn for call in reversed(calls)}
    assert len(set(firsts.values())) > 2
    assert len(calls) >= 5  # 40 are due; were nobody there before, it would be one or two
    for asked in provider.bodies:
        assert len(asked["messages"]) in {1, 3, 5, 7}


def test_nobody_listens() -> None:
    calls: list[Call] = []
    asyncio.run(drive(plan("http://127.0.0.1:9", traffic()), calls.append))
    assert calls
    assert {(call.end, call.code, call.status) for call in calls} == {
        (shapes.FAILED, "connection", 0)
    }


def test_a_kept_connection_that_died_is_no_answer() -> None:
    calls, _ = driven(lambda said, _: whole(said) + CUT, traffic())
    assert ends(calls) == {shapes.COMPLETE: len(calls)}


def test_stop_ends_it_at_once() -> None:
    calls: list[Call] = []

    async def run() -> float:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with stub(silent) as provider:
            asked = plan(provider.url, traffic(), played_s=60.0, stop=stop, linger_s=60.0)
            loop.call_later(0.3, stop.set)
            began_s = loop.time()
            await drive(asked, calls.append)
            return loop.time() - began_s

    assert asyncio.run(run()) < 2.0
    assert ends(calls) == {shapes.UNFINISHED: len(calls)}
    assert calls


def test_silence_that_lasts_is_a_failure_when_the_drill_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job, "HUNG_S", 0.2)
    nightly = traffic(name="nightly", tier="batch")
    calls, _ = driven(silent, traffic(), nightly, linger_s=0.3)
    assert {(call.traffic, call.end, call.code) for call in calls} == {
        ("apps", shapes.FAILED, "hung"),
        ("nightly", shapes.UNFINISHED, ""),
    }
