"""Drills as cases: shares add up as the format says, cuts keep what matters, posts their lag."""

import datetime as dt

import pytest
from tests.sim.watching.given import DRILLS, WEEK_S, dice

from penstock.sim.drills import drill_file
from penstock.sim.watching import installation as inst
from penstock.sim.watching import playing, replay
from penstock.sim.watching.case import Case, How
from penstock.sim.watching.crowd import wave_mean
from penstock.watch.assessment import Culprit
from penstock.watch.evidence import Counts, Post

SEED = DRILLS.named("claude-2026-03-02")


def at(hour: int, minute: int) -> float:
    return dt.datetime(2026, 3, 2, hour, minute, tzinfo=dt.UTC).timestamp()


def shares(case: Case, component: str, at_unix_s: float) -> dict[How, float]:
    found: dict[How, float] = {}
    for one in case.spans:
        if one.component == component and one.from_unix_s <= at_unix_s < one.to_unix_s:
            found[one.how] = found.get(one.how, 0.0) + one.share
    return found


@pytest.mark.parametrize("drill", DRILLS.drills, ids=lambda one: one.id)
def test_every_drill_is_a_sound_case(drill: replay.Drill) -> None:
    case = replay.replay(DRILLS, drill, WEEK_S).case
    assert case.hit
    assert case.expect
    for expect in case.expect:
        assert case.onset_unix_s <= expect.from_unix_s < expect.to_unix_s <= case.to_unix_s
        assert expect.culprits
    hour = (case.onset_unix_s - inst.MONDAY_UNIX_S) % inst.WEEK_S
    own = (drill.start_unix_s - inst.MONDAY_UNIX_S) % inst.WEEK_S
    assert hour == pytest.approx(own)


@pytest.mark.parametrize("drill", DRILLS.drills, ids=lambda one: one.id)
def test_no_component_fails_more_than_all(drill: replay.Drill) -> None:
    case = replay.replay(DRILLS, drill, WEEK_S).case
    for edge in sorted({one.from_unix_s for one in case.spans}):
        for component in case.hit:
            assert sum(shares(case, component, edge + 1.0).values()) <= 1.0 + 1e-9


def test_uncut_it_is_as_it_was_to_the_minute() -> None:
    case = playing.day(DRILLS)
    assert shares(case, inst.WEB, at(11, 36)) == {}
    assert shares(case, inst.LOGIN, at(11, 38)) == pytest.approx({How.ERROR: 0.5, How.HANG: 0.3})
    assert shares(case, inst.OPUS, at(13, 36)) == {}
    assert shares(case, inst.OPUS, at(13, 38)) == pytest.approx({How.ERROR: 0.1})
    assert shares(case, inst.OPUS, at(14, 40)) == pytest.approx({How.ERROR: 0.3})
    assert shares(case, inst.SONNET, at(14, 40)) == pytest.approx({How.ERROR: 0.1})
    assert shares(case, inst.SONNET, at(15, 48)) == {}
    assert shares(case, inst.OPUS, at(15, 48)) == pytest.approx({How.ERROR: 0.3})
    assert shares(case, inst.OPUS, at(15, 51)) == {}


def test_a_number_that_nobody_gave_is_carried_over_and_told() -> None:
    found = replay.replay(DRILLS, SEED, WEEK_S)
    assert "web from 13:37: 50% carried over" in found.notes
    assert "api from 13:37: 10% assumed" in found.notes
    assert shares(playing.day(DRILLS), inst.WEB, at(13, 40)) == pytest.approx({How.ERROR: 0.5})


def test_the_api_that_flips_is_the_providers() -> None:
    flipped = [one for one in playing.day(DRILLS).expect if one.from_unix_s == at(13, 37)]
    models = next(one for one in flipped if inst.OPUS in one.components)
    assert Culprit.PROVIDER in models.culprits


def test_the_page_of_the_provider_is_as_late_as_it_was() -> None:
    first = playing.day(DRILLS).expect[0]
    assert first.post_unix_s - first.from_unix_s == 12 * 60
    cut = replay.replay(DRILLS, SEED, WEEK_S).case.expect[0]
    assert cut.post_unix_s - cut.from_unix_s == 12 * 60
    late = replay.replay(DRILLS, DRILLS.named("gcp-2025-06-12"), WEEK_S).case.expect[0]
    assert late.post_unix_s - late.from_unix_s == 73 * 60  # although the phase is cut before


def test_the_day_plays_from_half_past_eleven_to_half_past_nine() -> None:
    played = list(playing.play(DRILLS, dice(1), tick_s=60.0))
    assert played[0][0] == playing.BEGIN_UNIX_S + 60.0
    assert played[-1][0] == at(21, 30)
    instants = [now_s for now_s, _ in played]
    assert instants == sorted(instants)
    posts = [now_s for now_s, one in played if isinstance(one, Post)]
    assert at(11, 49) <= min(posts) <= at(11, 51)


def test_other_names_take_the_place_of_ours_and_the_rest_is_left_out() -> None:
    played = [one for _, one in playing.play(DRILLS, dice(1), ids={inst.API: "mine"}, tick_s=60.0)]
    assert {one.component for one in played} == {"mine"}
    assert any(isinstance(one, Counts) for one in played)


def test_waves_that_a_user_states_are_as_many_as_stated_and_evenly_spread() -> None:
    drills = drill_file.parse("""
        schema = "penstock-drills/2"
        [[drills]]
        id = "mine"
        provider = "anthropic"
        phases = [{ start_s = 0, end_s = 7200, surfaces = ["web", "login"], faults = { hang = 1 } }]
        waves = [{ from_s = 600, to_s = 4200, per_min = 30, surfaces = ["web"] }]
    """)
    case = replay.replay(drills, drills.drills[0], None, is_whole=True).case
    assert [set(one.on) for one in case.waves] == [{inst.WEB}] * 4
    assert case.waves[0].from_unix_s == case.onset_unix_s + 600
    assert case.waves[-1].to_unix_s == case.onset_unix_s + 4200
    for wave in case.waves:
        minutes = [wave.scale * wave_mean(wave.curve, 60.0 * at, 60.0) for at in range(1, 15)]
        assert minutes == pytest.approx([30.0] * 14)
