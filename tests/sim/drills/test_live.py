"""Every shipped drill as a live one: what a gateway may do to itself, and what is told instead."""

from importlib import resources
from typing import Any, Final

import pytest

from penstock.core.live_faults import ACTIONS, FAULTS_MAX, LAST_S_MAX
from penstock.sim.drills import drill_file
from penstock.sim.drills.live import live_script
from penstock.sim.drills.shapes import Strike, Timetable
from penstock.sim.drills.timetable import timetable

DRILLS: Final = drill_file.parse(
    (resources.files("penstock.sim") / "data" / "drills.json").read_bytes()
)
OURS: Final = {"claude": ("claude", "bedrock"), "gpt": ("gpt",), "gemini": ("gemini",)}
KINDS: Final = {one.value for one in ACTIONS}


@pytest.mark.parametrize("name", [one.id for one in DRILLS.drills])
def test_each_drill_fits_or_says_why_not(name: str) -> None:
    table = timetable(DRILLS, DRILLS.named(name))
    found = live_script(table, OURS)
    assert len(found.faults) <= FAULTS_MAX
    for one in found.faults:
        assert one.kind in KINDS
        assert 0.0 < one.share_ratio <= 1.0
        assert 0.0 < one.lasts_s <= LAST_S_MAX - one.starts_s
        assert 0.0 < one.delay_s <= LAST_S_MAX
        assert one.upstream in OURS["claude"] + OURS["gpt"] + OURS["gemini"]
    told = {one.surface for one in found.unplayed}
    for strike in table.strikes:
        is_struck = strike.place == "api" and any(
            one.starts_s == strike.from_s and one.share_ratio == strike.share
            for one in found.faults
        )
        assert is_struck or strike.surface in told, "neither struck nor told"


def strike(**more: Any) -> Timetable:
    fields: dict[str, Any] = {
        "place": "api", "kind": "http_529", "share": 0.4, "from_s": 10.0, "to_s": 90.0,
        "surface": "api", "provider": "claude",
    }  # fmt: skip
    one = Strike(**(fields | more))
    return Timetable(windows=(), strikes=(one,), played_s=100.0, true_s=100.0)


def test_each_upstream_of_a_provider_is_struck() -> None:
    found = live_script(strike(model="claude-opus-*"), OURS)
    assert [(one.upstream, one.model, one.share_ratio) for one in found.faults] == [
        ("claude", "claude-opus-*", 0.4),
        ("bedrock", "claude-opus-*", 0.4),
    ]
    assert (found.faults[0].starts_s, found.faults[0].lasts_s) == (10.0, 80.0)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"place": "login"}, "not the gateway's"),
        ({"provider": "other"}, "none of the upstreams"),
        ({"kind": "http_400"}, "no fault of a live drill"),
        ({"from_s": 901.0, "to_s": 990.0}, "begin after 900 s"),
    ],
)
def test_what_is_not_struck_is_told(more: dict[str, Any], why: str) -> None:
    found = live_script(strike(**more), OURS)
    assert found.faults == ()
    assert why in found.unplayed[0].why


def test_what_lasts_too_long_is_cut_and_a_hang_without_a_length_lasts() -> None:
    (one, _) = live_script(strike(kind="hang", to_s=2000.0), OURS).faults
    assert one.starts_s + one.lasts_s == LAST_S_MAX
    assert one.delay_s == one.lasts_s
    (one, _) = live_script(strike(kind="slow_ttft", stall_s=7.0), OURS).faults
    assert one.delay_s == 7.0
