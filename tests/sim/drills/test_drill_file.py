"""Drills: the shipped file is read whole, shapes are what the format says, mistakes are told."""

import json
from importlib import resources
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import ConfigError
from penstock.sim.drills import drill_file

TEXT = (resources.files("penstock.sim") / "data" / "drills.json").read_bytes()
FOUND = drill_file.parse(TEXT)


def changed(**changes: object) -> bytes:
    """The seed drill alone, with something else in its first phase."""
    whole: dict[str, Any] = json.loads(TEXT)
    drill = next(one for one in whole["drills"] if one["id"] == "claude-2026-03-02")
    drill["phases"][0].update(changes)
    whole["drills"] = [drill]
    return json.dumps(whole).encode()


def test_the_shipped_file_is_read_to_the_last_number() -> None:
    assert len(FOUND.drills) == 17
    raw: dict[str, Any] = json.loads(TEXT)
    again: dict[str, Any] = json.loads(msgspec.json.encode(FOUND))
    for mine, theirs in zip(again["drills"], raw["drills"], strict=True):
        for phase, its in zip(mine["phases"], theirs["phases"], strict=True):
            assert phase["faults"] == its["faults"]
            assert phase["assumed"] == its["assumed"]
            assert set(its["shape"].items()) <= set(phase["shape"].items())


def test_published_and_assumed_numbers_are_told_apart() -> None:
    hang = FOUND.named("openai-2024-12-04").phases[1].numbers()
    assert hang == {"hang": drill_file.Share(0.45, is_assumed=False)}
    login = FOUND.named("claude-2026-03-02").phases[1].numbers()
    assert login["hang"] == drill_file.Share(0.3, is_assumed=True)
    assert login["login_loop"] is None


def test_a_factor_is_no_share() -> None:
    phase = FOUND.named("openai-2026-02-03").phases[0]
    assert phase.numbers()["retry_amplification"] == drill_file.Share(3, is_assumed=True)
    assert FOUND.share(phase, phase.start_unix_s) == pytest.approx(0.6)


def test_alternating_kinds_take_turns_at_full() -> None:
    phase = FOUND.named("azure-openai-2026-03-09").phases[0]
    first = FOUND.shares(phase, phase.start_unix_s)
    second = FOUND.shares(phase, phase.start_unix_s + drill_file.SLOT_S)
    assert (first, second) == ({"http_400": 0.5}, {"http_429": 0.5})


def test_a_ramp_is_full_until_it_begins_and_empty_at_the_end() -> None:
    phase = FOUND.named("openai-2024-06-04").phases[0]
    end_s = phase.end_unix_s
    assert FOUND.share(phase, end_s - 3601) == 1.0
    assert FOUND.share(phase, end_s - 1800) == pytest.approx(0.5)
    assert FOUND.share(phase, end_s - 1) == pytest.approx(0.0, abs=1e-3)


def test_a_flap_begins_with_the_fault() -> None:
    phase = FOUND.named("cloudflare-2025-11-18").phases[0]
    at_s = phase.start_unix_s
    seen = [FOUND.share(phase, at_s + minute * 60) for minute in (0, 4.9, 5, 9.9, 10)]
    assert [one > 0 for one in seen] == [True, True, False, False, True]


@given(
    st.sampled_from([(drill, phase) for drill in FOUND.drills for phase in drill.phases]),
    st.floats(-0.5, 1.5),
)
def test_shares_are_shares_and_none_outside_the_phase(
    pair: tuple[drill_file.Drill, drill_file.Phase], into: float
) -> None:
    _, phase = pair
    span_s = phase.end_unix_s - phase.start_unix_s
    at_s = phase.start_unix_s + into * span_s
    share = FOUND.share(phase, at_s)
    assert 0.0 <= share <= 1.0
    if not phase.start_unix_s <= at_s < phase.end_unix_s:
        assert share == 0.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": "2026-03-02T11:00:00Z"}, "before it begins"),
        ({"start": "2026-03-02T11:00:00"}, "no zone"),
        ({"surfaces": ["telex"]}, "telex"),
        ({"surfaces": []}, "names no surface"),
        ({"faults": {}}, "no faults"),
        ({"faults": {"fire": None}, "assumed": {}}, "fire"),
        ({"assumed": {"hang": 0.1}}, "not in faults"),
        ({"faults": {"http_500": 0.5}}, "both published and assumed"),
        ({"assumed": {"http_500": 1.5}}, "cannot be 1.5"),
        ({"faults": {"http_500": 0.6, "hang": 0.6}, "assumed": {}}, "add up"),
        ({"shape": {"kind": "flap", "on_s": 0, "off_s": 5}}, "flap"),
        ({"shape": {"kind": "ramp", "from": -1, "to": 1}}, "ramp"),
        ({"shape": {"kind": "alternate", "slot_s": 0}}, "turns"),
        ({"shape": {"kind": "wobble"}}, "wobble"),
        ({"speed": 3}, "speed"),
    ],
)
def test_a_mistake_is_told_with_its_place(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        drill_file.parse(changed(**changes), "mine.json")
    assert "mine.json" in caught.value.message
    assert words in caught.value.message


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        drill_file.parse(changed(surfaces=["telex"], assumed={"http_500": 2.0}))
    assert len(caught.value.problems) >= 2


def test_a_drill_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="claude-2026-03-02"):
        FOUND.named("claude-1999-01-01")


def test_what_is_not_json_and_another_format_are_refused() -> None:
    with pytest.raises(ConfigError, match="not JSON"):
        drill_file.parse("{")
    with pytest.raises(ConfigError, match="schema"):
        drill_file.parse(TEXT.replace(b"penstock-drills/1", b"penstock-drills/9"))


def test_posts_are_one_or_many() -> None:
    many = FOUND.named("openai-2024-06-04").user_reports
    one = FOUND.named("claude-2026-03-02").user_reports
    assert many is not None
    assert one is not None
    assert (len(many.posts_unix_s), len(one.posts_unix_s)) == (2, 1)
