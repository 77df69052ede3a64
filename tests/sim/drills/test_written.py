"""Files that users write: what they may leave out, and that nothing wrong in them is kept quiet."""

import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.drills.test_drill_file import FOUND

from penstock.core.errors import ConfigError
from penstock.sim.drills import drill_file, vocabulary, written
from penstock.sim.drills.drill_file import Flap
from penstock.sim.drills.timetable import timetable
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, Traffic

MINE = """
schema = "penstock-drills/2"

[[drills]]
id = "ours-1"
provider = "anthropic"

[[drills.phases]]
start_s = 0
end_s = 60
surfaces = ["api", "login"]
faults = { http_529 = 0.25 }
assumed = { hang = 0.5 }
unnumbered = ["login_loop"]
shape = { kind = "flap", on_s = 20, off_s = 10 }
stall_s = 30

[[drills.phases]]
start = 2026-01-05T09:02:00Z
end = 2026-01-05T09:03:00+00:00
surfaces = ["model:opus-4.6"]
faults = { http_500 = 1 }

[[drills.traffic]]
name = "agents"
tier = "enterprise"
per_s = 2
turns = 8
client = "naive"

[drills.impact.enterprise]
per_minute_usd = 120
monthly_fee_usd = 10_000

[[drills.waves]]
from_s = 60
to_s = 600
per_min = 40

[drills.user_reports]
first_s = 120
provider_first_post_s = [720, 900]
"""


def mine(text: str = MINE) -> drill_file.Drill:
    """The drill of a file that holds one."""
    return drill_file.parse(text, "mine.toml").drills[0]


def wrong(text: str) -> str:
    """What is said of a file."""
    with pytest.raises(ConfigError) as caught:
        drill_file.parse(text, "mine.toml")
    return caught.value.message


def test_what_a_user_leaves_out_is_filled_in() -> None:
    drill = mine()
    begins = written.BEGINS.timestamp()
    assert drill.title == "ours-1"
    assert (drill.start_unix_s, drill.end_unix_s) == (begins, begins + 180.0)
    assert drill.date == dt.date(2026, 1, 5)
    first = drill.phases[0]
    assert first.faults == {"hang": None, "login_loop": None, "http_529": 0.25}
    assert first.numbers()["hang"] == drill_file.Share(0.5, is_assumed=True)
    assert first.numbers()["login_loop"] is None
    assert first.shape == Flap(on_s=20, off_s=10)
    assert drill.traffic == (
        Traffic(name="agents", tier="enterprise", per_s=2.0, turns=8, client="naive"),
    )
    assert drill.impact is not None
    assert drill.impact.of("enterprise").per_minute_usd == 120
    assert drill.impact.of("free").per_minute_usd is None
    assert drill.user_reports is not None
    assert drill.user_reports.posts_unix_s == (begins + 720, begins + 900)


def test_json_says_the_same_as_toml() -> None:
    document: dict[str, Any] = {
        "schema": "penstock-drills/2",
        "drills": [
            {
                "id": "ours-1",
                "provider": "openai",
                "begins": "2026-03-02T11:37:00Z",
                "phases": [
                    {"start_s": 0, "end_s": 1, "surfaces": ["api"], "faults": {"hang": None}},
                ],
            }
        ],
    }
    found = mine(json.dumps(document))
    assert found.phases[0].start == dt.datetime(2026, 3, 2, 11, 37, tzinfo=dt.UTC)
    assert found.phases[0].faults == {"hang": None}


def test_the_words_are_those_of_the_shipped_file() -> None:
    assert dict(vocabulary.FAULT_KINDS) == FOUND.fault_kinds
    assert FOUND.factor_kinds == vocabulary.FACTOR_KINDS
    assert dict(vocabulary.SURFACES) == FOUND.surfaces


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("start_s = 0\n", "", "neither start and start_s"),
        ("end_s = 60\n", "end_s = 60\nend = 2026-01-05T09:02:00Z\n", "both end and end_s"),
        ("09:02:00Z", "09:02:00", "no zone"),
        ("start_s = 0", "start_s = nan", "start_s"),
        ("http_529 = 0.25", "http_529 = nan", "http_529 cannot be nan"),
        ("on_s = 20", "on_s = 0.001", "flap"),
        ('kind = "flap", on_s = 20, off_s = 10', 'kind = "ramp", from = nan, to = 1', "ramp"),
        ("http_529", "http_999", "http_999"),
        ('"login"', '"telex"', "telex"),
        ("turns = 8", "turns = 0", "turns"),
        ("turns = 8", "rounds = 8", "'rounds' is not known"),
        ('client = "naive"', 'client = "cross"', "client"),
        ("per_minute_usd = 120", "per_minute_usd = -1", "per_minute_usd"),
        ("to_s = 600", "to_s = 6", "waves[0]"),
        ('id = "ours-1"', 'id = "../ours"', "id"),
        ("[[drills]]", 'colour = "red"\n[[drills]]', "colour"),
        ('"anthropic"', '"anthropic"\nbegins = 9999-12-31T23:59:59Z', "calendar"),
        ("2026-01-05T09:03:00+00:00", "2101-01-01T00:00:00Z", "calendar"),
        ("first_s = 120", "first = 2026-01-05T09:02:00", "no zone"),
    ],
)
def test_a_mistake_is_told_with_its_place(old: str, new: str, words: str) -> None:
    assert old in MINE
    told = wrong(MINE.replace(old, new, 1))
    assert "mine.toml" in told
    assert words in told


def test_all_mistakes_of_all_tables_are_told_at_once() -> None:
    text = MINE.replace("turns = 8", "turns = 0").replace("start_s = 0", "start_s = -1")
    told = wrong(text.replace("per_min = 40", "per_min = 0").replace("first_s", "frist_s"))
    for words in ("traffic[0]", "phases[0]", "waves[0]", "did you mean 'first_s'"):
        assert words in told


def test_two_classes_of_a_name_are_refused() -> None:
    again = '[[drills.traffic]]\nname = "agents"\nper_s = 1\n\n[drills.impact.enterprise]'
    assert "agents" in wrong(MINE.replace("[drills.impact.enterprise]", again))


def test_bounds_hold() -> None:
    phase = MINE[MINE.index("[[drills.phases]]") : MINE.index("[[drills.phases]]\nstart =")]
    head = MINE[: MINE.index("[[drills.phases]]")]
    assert "at most 100" in wrong(head + phase * (written.PHASES_MAX + 1))
    assert "bytes" in wrong("#" * (drill_file.FILE_BYTES_MAX + 1))


def test_the_default_mix_is_one_that_a_file_may_say() -> None:
    names = [one.name for one in DEFAULT_TRAFFIC]
    assert len(set(names)) == len(names)
    assert 4.0 <= sum(one.per_s for one in DEFAULT_TRAFFIC) <= 6.0
    tiers = {one.tier for one in DEFAULT_TRAFFIC}
    assert tiers == {"enterprise", "standard", "free", "batch"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["api", "hang", "2026-03-02T11:37:00Z", "ramp", "9999-12-31T23:59:59Z"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["kind", "hang", "from", "to", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(st.sampled_from(list(written.WrittenPhase.__struct_fields__)), values,
       st.sampled_from(list(written.WrittenDrill.__struct_fields__)), values)  # fmt: skip
def test_whatever_a_file_says_it_is_read_or_told_what_is_wrong(
    field: str, value: object, outer: str, other: object
) -> None:
    phase: dict[str, Any] = {"start_s": 0, "end_s": 9, "surfaces": ["api"], "assumed": {"hang": 1}}
    drill: dict[str, Any] = {"id": "a", "provider": "openai", "phases": [phase | {field: value}]}
    document = {"schema": written.SCHEMA, "drills": [drill, drill | {"id": "b", outer: other}]}
    with contextlib.suppress(ConfigError):
        found = drill_file.parse(json.dumps(document))
        for one in found.drills:
            assert timetable(found, one).windows


def test_the_example_of_the_reference_is_one_that_can_be_played() -> None:
    path = Path(__file__).parents[3] / "docs" / "drill.toml"
    drill = mine(path.read_text(encoding="utf-8"))
    assert drill.phases
    assert drill.traffic
    assert drill.impact
