"""What a drill must show: read strictly, judged against any figure of a result."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.drills.results import counts, result

from penstock.core.errors import ConfigError
from penstock.sim.drills import expect, junit, reading
from penstock.sim.drills.reading import Where
from penstock.sim.drills.shapes import Check

SCHEMA = f'schema = "{expect.SCHEMA}"\n'
FILE = (
    SCHEMA
    + """
    [[expect]]
    name = "contracts hold"
    tier = "enterprise"
    figure = "success_ratio"
    at_least = 0.999

    [[expect]]
    figure = "refusals:tier_capacity"
    tier = "free"
    at_most = 3

    [[expect]]
    figure = "page_s"
    component = "claude"
    at_most = 60

    [[expect]]
    figure = "is_equal"
    at_least = 1
    """
)
SHOWN = result(counts("enterprise"), counts("free", complete=90, refusals={"tier_capacity": 4}))
FIGURES = [one.replace("NAME", "x") for one in reading.names()]


def kept(text: str) -> list[bool | None]:
    return [one.is_kept for one in expect.judged(expect.parse(text), SHOWN)]


def test_the_example_of_the_reference_can_be_asked_of_any_result() -> None:
    path = Path(__file__).parents[3] / "docs" / "expect.toml"
    checks = expect.judged(expect.parse(path.read_bytes(), str(path)), SHOWN)
    assert [one.is_kept for one in checks] == [True, False, False, False, None]


def test_expectations_are_judged_by_the_figures_they_name() -> None:
    assert kept(FILE) == [True, False, True, True]
    first, second, *_ = expect.judged(expect.parse(FILE), SHOWN)
    assert first.name == "contracts hold"
    assert second.name == "penstock free: refusals:tier_capacity at most 3"
    assert second.words == "refusals:tier_capacity was 4; expected at most 3"


@given(
    st.sampled_from(FIGURES),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_figure_is_kept_just_where_it_lies_within(name: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    asked = {"figure": name, "tier": "enterprise", "at_least": low, "at_most": high}
    found = expect.parse(json.dumps({"schema": expect.SCHEMA, "expect": [asked]}))
    value = reading.figure(SHOWN, name, Where(tier="enterprise"))
    (check,) = expect.judged(found, SHOWN)
    assert check.is_kept is (value is not None and low <= value <= high)
    assert check.is_expectation


def test_what_was_not_measured_is_not_met_unless_it_may_be_unknown() -> None:
    asked = '[[expect]]\nfigure = "added_p99_s"\ntier = "batch"\nat_most = 1\n'
    assert kept(SCHEMA + asked) == [False]
    assert kept(f"{SCHEMA}{asked}may_be_unknown = true") == [None]


def test_of_those_who_never_knew_the_worst_counts() -> None:
    assert reading.figure(SHOWN, "page_s", Where()) == math.inf
    assert reading.figure(SHOWN, "page_s", Where(component="claude")) == 40.0
    assert reading.figure(SHOWN, "is_right", Where()) == 1.0
    assert reading.figure(SHOWN, "is_right", Where(component="gpt")) is None


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as found:
        expect.parse(
            """
            schema = "other/1"
            also = 1
            [[expect]]
            figure = "luck"
            tier = "gold"
            arm = "left"
            [[expect]]
            figure = "calls"
            at_least = 3
            at_most = 2
            [[expect]]
            figure = "calls"
            at_least = nan
            [[expect]]
            figure = "calls"
            at_leats = 1
            """
        )
    places = [one.place.removeprefix("expect.toml: ") for one in found.value.problems]
    assert places == ["expect.toml"] * 2 + ["expect[0]"] * 4 + [f"expect[{at}]" for at in (1, 2, 3)]


@pytest.mark.parametrize("text", ["", SCHEMA, f"{SCHEMA}expect = 3", "[", b"\xff", "{}"])
def test_a_file_that_expects_nothing_is_refused(text: str | bytes) -> None:
    with pytest.raises(ConfigError):
        expect.parse(text)


checks = st.builds(
    Check,
    name=st.text(),
    is_kept=st.sampled_from([True, False, None]),
    words=st.text(),
    is_expectation=st.booleans(),
)


@given(st.lists(checks, max_size=8).map(tuple))
def test_junit_has_every_check_once_whatever_it_says(found: tuple[Check, ...]) -> None:
    root = ET.fromstring(junit.document(result(checks=found)).encode())
    cases = list(root.iter("testcase"))
    assert len(cases) == len(found) == int(root.get("tests", ""))
    assert len(list(root.iter("failure"))) == int(root.get("failures", ""))
    assert len(list(root.iter("failure"))) == sum(one.is_kept is False for one in found)
    assert len(list(root.iter("skipped"))) == sum(one.is_kept is None for one in found)
