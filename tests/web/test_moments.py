"""Times: relative words are right within their last digit, absolute ones name the zone."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.web import moments

SIZES = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "months": moments.MONTH_S}
NOW = 1_800_000_000.0


@given(st.floats(2.0, 86_400.0 * 3000))
def test_relative_words_are_right(passed_s: float) -> None:
    told, unit, ago = moments.ago(NOW - passed_s, NOW).split()
    assert ago == "ago"
    assert abs(float(told) * SIZES[unit] - passed_s) <= SIZES[unit] * 0.51
    assert moments.ago(NOW + passed_s, NOW).startswith("in ")


def test_what_is_not_known_is_a_dash() -> None:
    assert moments.ago(0.0, NOW) == moments.utc(0.0) == moments.day(0.0) == "-"
    assert moments.iso(0.0) == ""
    assert moments.ago(NOW - 1.0, NOW) == "just now"


@given(st.floats(1.0, 4e9))
def test_an_instant_comes_back(at_unix_s: float) -> None:
    assert abs(dt.datetime.fromisoformat(moments.iso(at_unix_s)).timestamp() - at_unix_s) <= 0.001
    assert moments.utc(at_unix_s).endswith(" UTC")


@pytest.mark.parametrize(
    ("span_s", "words"), [(60, "08:00:07"), (3600, "08:00"), (86_400 * 30, "15 Jan")]
)
def test_an_axis_names_what_changes(span_s: float, words: str) -> None:
    assert moments.clock(NOW + 7, span_s) == words
