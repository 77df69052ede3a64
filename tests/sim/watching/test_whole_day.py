"""A real outage through the real watch in virtual time: when, and whose fault."""

from importlib import resources
from random import Random

import pytest

from penstock.sim.drills import drill_file
from penstock.sim.watching.whole_day import whole_day


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_second_of_march_is_found_in_time_and_place_in_each_of_its_phases() -> None:
    text = resources.files("penstock.sim.data").joinpath("drills.json").read_text("utf-8")
    drills = drill_file.parse(text)
    found = whole_day(drills, drills.named("claude-2026-03-02"), Random, 1)
    assert [one.is_right for one in found] == [True] * 6
    first = found[0]
    assert first.failed_at_s == 0.0
    assert first.provider_s == 720.0  # as it was published
    assert first.watch_s is not None
    assert first.watch_s < 60.0
    assert all(one.watch_s is not None and one.watch_s <= 120.0 for one in found)
    assert [one.culprit for one in found[:3]] == ["login", "login", "provider"]
