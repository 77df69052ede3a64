"""The timetable: what is played is what was, second for second; and the emulator takes it."""

from math import fsum
from typing import cast

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.sim.drills.test_drill_file import FOUND

from penstock.apps.emulate import catalogue
from penstock.core.errors import ConfigError
from penstock.core.fault_script import read_script
from penstock.sim.drills import drill_file, surfaces, traffic
from penstock.sim.drills.numbers import Numbers
from penstock.sim.drills.script import rules
from penstock.sim.drills.shapes import Strike, Timetable, Window
from penstock.sim.drills.timetable import AFTER_S, BEFORE_S, timetable, until

MODELS = [one.name for one in catalogue.ALL_MODELS]
SECOND_OF_MARCH = FOUND.named("claude-2026-03-02")
drills = st.sampled_from(FOUND.drills)


def on(found: Timetable, at_s: float, place: str = "api") -> dict[tuple[str, str], float]:
    """What is struck at an instant: (model, kind) -> share."""
    return {
        (one.model, one.kind): one.share
        for one in found.strikes
        if one.place == place and one.from_s <= at_s < one.to_s
    }


def at(found: Timetable, unix_s: float) -> float:
    """When an instant of the outage is played."""
    for one in found.windows:
        if one.from_unix_s <= unix_s < one.to_unix_s:
            return one.from_s + unix_s - one.from_unix_s
    raise AssertionError(unix_s)


def test_the_second_of_march_takes_less_than_twelve_minutes() -> None:
    found = timetable(FOUND, SECOND_OF_MARCH)
    assert len(found.windows) == 7
    assert found.played_s == 630.0
    assert found.true_s == 9 * 3600 + 39 * 60


def test_the_second_of_march_fails_where_it_did() -> None:
    found = timetable(FOUND, SECOND_OF_MARCH)
    assert on(found, 5.0) == on(found, 50.0) == {}  # the API worked
    assert on(found, 50.0, "chat") == {("*", "http_500"): 0.5}
    assert on(found, 50.0, "login") == {("*", "http_500"): 0.5, ("*", "hang"): 0.3}
    assert on(found, 150.0) == {("*", "elevated_errors"): 0.1}
    assert on(found, 250.0) == {
        ("*", "elevated_errors"): 0.1,
        ("claude-opus-*", "http_529"): 0.3,
    }
    assert on(found, 500.0) == {
        ("claude-haiku-*", "http_500"): 0.5,
        ("claude-opus-*", "http_500"): 0.5,
    }
    assert on(found, 560.0) == on(found, 560.0, "chat") == {}
    assert {one.provider for one in found.strikes if one.place == "api"} == {"claude"}
    assert all(one.is_assumed for one in found.strikes)


def test_what_is_published_is_told_from_what_is_not() -> None:
    found = timetable(FOUND, FOUND.named("openai-2024-12-04"))
    assert [(one.kind, one.share, one.is_assumed) for one in found.strikes[:1]] == [
        ("http_530", 1.0, False)
    ]
    hang = next(one for one in found.strikes if one.kind == "hang")
    assert (hang.share, hang.stall_s, hang.is_assumed) == (0.45, 30, False)


@pytest.mark.parametrize("drill", FOUND.drills, ids=lambda one: one.id)
def test_every_shipped_drill_is_one_that_the_emulator_takes(drill: drill_file.Drill) -> None:
    found = timetable(FOUND, drill)
    script, problems = read_script(rules(found), catalogue.PROVIDERS, MODELS)
    assert problems == []
    assert len(script.rules) == sum(one.place == "api" for one in found.strikes)
    assert found.strikes or found.unplayed
    told = {one.surface for one in (*found.strikes, *found.unplayed)}
    shown = {surface for phase in drill.phases for surface in phase.surfaces}
    assert told <= shown


@example(SECOND_OF_MARCH, 10.0, 175.0, 0)  # two that just meet
@given(drills, st.floats(0.5, 30.0), st.floats(1.0, 400.0), st.integers(0, 5))
def test_windows_hold_every_change_and_join_without_a_gap(
    drill: drill_file.Drill, before_s: float, after_s: float, first: int
) -> None:
    found = timetable(FOUND, drill, before_s, after_s, first)
    edges = sorted({x for one in drill.phases for x in (one.start_unix_s, one.end_unix_s)})
    for edge in edges[:first] if first else edges:
        low, high = edge - before_s, edge + after_s
        assert any(one.from_unix_s <= low and high <= one.to_unix_s for one in found.windows)
    assert found.windows[0].from_s == 0.0
    assert found.windows[-1].to_s == found.played_s
    for one, after in zip(found.windows, found.windows[1:], strict=False):
        assert one.to_s == after.from_s
        assert one.to_unix_s < after.from_unix_s
    for one in found.windows:
        assert one.to_s - one.from_s == pytest.approx(one.to_unix_s - one.from_unix_s)
        assert one.changes
    assert found.played_s <= len(edges) * (before_s + after_s + 1e-6)  # of instants of this size


@given(drills, st.data())
def test_a_strike_is_what_the_drill_has_at_that_instant(
    drill: drill_file.Drill, data: st.DataObject
) -> None:
    """Of one surface that is one thing: the sum over its phases, steps of a ramp apart."""
    found = timetable(FOUND, drill)
    window = data.draw(st.sampled_from(found.windows))
    unix_s = data.draw(st.floats(window.from_unix_s, window.to_unix_s - 0.01))
    assume(all(abs(unix_s - edge) > 0.01 for edge in _turns(drill, window)))
    struck = [s for s in found.strikes if s.from_s <= at(found, unix_s) < s.to_s]
    numbers = Numbers(FOUND, drill)
    for one in struck:
        expected = min(
            1.0,
            fsum(
                numbers.at(phase, unix_s).get(one.kind, 0.0)
                for phase in drill.phases
                if one.surface in phase.surfaces
            ),
        )
        if drill.id == "azure-openai-2026-03-09":  # its turns are chosen
            expected = 0.5
        assert one.share == pytest.approx(expected, abs=0.01)
    for key in {(one.place, one.provider, one.model) for one in struck}:
        mine = [one for one in struck if (one.place, one.provider, one.model) == key]
        assert fsum(one.share for one in mine) <= 1.0 + 1e-6
        assert len({one.kind for one in mine}) == len(mine)


def _turns(drill: drill_file.Drill, window: Window) -> set[float]:
    return {x for one in drill.phases for x in (one.start_unix_s, one.end_unix_s)} | {
        window.from_unix_s,
        window.to_unix_s,
    }


def test_turns_that_nobody_published_are_short_enough_to_see_both() -> None:
    found = timetable(FOUND, FOUND.named("azure-openai-2026-03-09"))
    kinds = [one.kind for one in found.strikes if one.to_s <= BEFORE_S + AFTER_S]
    assert kinds == ["http_400", "http_429", "http_400"]
    assert any("chosen" in one for one in found.notes)
    flavours = {x.get("flavour") for x in _listed(rules(found)) if x["kind"] == "http_429"}
    assert flavours == {"shared_capacity"}


def test_surfaces_that_are_one_thing_do_not_add_up() -> None:
    text = """
        schema = "penstock-drills/2"
        [[drills]]
        id = "both"
        provider = "openai"
        [[drills.phases]]
        start_s = 0
        end_s = 100
        surfaces = ["web", "mobile"]
        faults = { http_500 = 0.4 }
        [[drills.phases]]
        start_s = 0
        end_s = 100
        surfaces = ["web"]
        faults = { hang = 0.3, http_500 = 0.5 }
        [[drills.phases]]
        start_s = 0
        end_s = 100
        surfaces = ["api", "auth", "video"]
        faults = { http_500 = 0.4 }
    """
    mine = drill_file.parse(text)
    found = timetable(mine, mine.drills[0])
    shares = on(found, 20.0, "chat")
    assert shares[("*", "http_500")] == pytest.approx(0.8, abs=0.11)
    assert fsum(shares.values()) == pytest.approx(1.0)
    assert on(found, 20.0) == {("*", "http_500"): 0.4}
    assert [one.surface for one in found.unplayed] == ["video"]


def test_more_steps_than_the_emulator_takes_are_refused() -> None:
    strike = Strike(place="api", kind="http_500", share=0.1, from_s=0, to_s=9, surface="api")
    found = timetable(FOUND, SECOND_OF_MARCH)
    many = Timetable(windows=found.windows, strikes=(strike,) * 1001, played_s=9.0, true_s=9.0)
    with pytest.raises(ConfigError, match="1001"):
        rules(many)


@given(st.floats(0.0, 700.0))
def test_a_script_that_is_set_later_goes_on_where_the_play_stands(from_s: float) -> None:
    found = timetable(FOUND, SECOND_OF_MARCH)
    script, problems = read_script(rules(found, from_s), catalogue.PROVIDERS, MODELS)
    assert problems == []
    for later_s in (0.0, 1.0, 33.0, 210.0):
        whole = on(found, from_s + later_s)
        shares = fsum(rule.share_at(later_s) for rule in script.rules)
        edges = [x for one in found.strikes for x in (one.from_s, one.to_s)]
        if min(abs(from_s + later_s - x) for x in edges) > 1e-6:
            assert shares == pytest.approx(fsum(whole.values()))


def test_the_models_are_those_that_are_emulated() -> None:
    known = {
        provider: {one.name for one in catalogue.MODELS if one.provider == provider}
        for provider in catalogue.PROVIDERS
    }
    assert {name: set(models) for name, models in surfaces.EMULATED.items()} == known
    for route in traffic.MODELS.values():
        assert set(route) == set(known)
        assert all(model in known[provider] for provider, model in route.items())


def test_every_surface_is_something_or_there_is_a_reason() -> None:
    for name in FOUND.surfaces:
        for surface in (name, f"{name}:x", f"{name}@eu"):
            found = surfaces.meaning("openai", surface)
            assert bool(found.targets) != bool(found.why)
    assert surfaces.meaning("nobody", "api").why
    assert surfaces.meaning("openai", "model:gpt-5.6-mini").targets[0].model == "gpt-5.6-mini"
    assert surfaces.meaning("azure", "model:gpt-5.2").targets[0].model == "gpt-*"


def _listed(script: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", script["rules"])


@pytest.mark.parametrize(("before_s", "after_s"), [(-1, 80), (10, 0), (10, 1e9), (float("nan"), 9)])
def test_what_cannot_be_played_is_refused(before_s: float, after_s: float) -> None:
    with pytest.raises(ConfigError, match="cannot be played"):
        timetable(FOUND, SECOND_OF_MARCH, before_s, after_s)


@given(drill=drills, part=st.floats(0.001, 1.0))
def test_of_one_that_was_stopped_what_was_played_is_there_and_no_more(
    drill: drill_file.Drill, part: float
) -> None:
    whole = timetable(FOUND, drill)
    stopped_s = part * whole.played_s
    cut = until(whole, stopped_s)
    assert cut.played_s == cut.windows[-1].to_s == stopped_s
    assert cut.true_s == whole.true_s
    for one in cut.windows:
        assert fsum((one.to_s, -one.from_s)) == pytest.approx(
            one.to_unix_s - one.from_unix_s, abs=1e-3
        )
    for at_s in (0.0, stopped_s / 2, stopped_s - 1e-6):
        assert on(cut, at_s) == on(whole, at_s)
    assert not on(cut, stopped_s)
