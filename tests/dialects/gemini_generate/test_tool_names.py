"""Every name comes back, and every written one is allowed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.gemini_generate.tool_names import escaped, short, unescaped, ways_back

GEMINI = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30) | st.from_regex(
    r"_:[a-z0-9:]{1,9}", fullmatch=True
)


@given(name=NAMES)
def test_an_escaped_name_is_allowed_and_comes_back(name: str) -> None:
    written = escaped(name)
    if written:
        assert GEMINI.fullmatch(written)
        assert unescaped(written) == name
    else:
        assert len(name.encode()) * 3 + 2 > 128


@pytest.mark.parametrize("name", ["get_weather", "a.b:c-d", "_x", "x" * 128])
def test_an_allowed_name_stays(name: str) -> None:
    assert escaped(name) == unescaped(name) == name


@pytest.mark.parametrize("name", ["", "x" * 129, "1" + "x" * 127])
def test_a_name_that_is_too_long_has_no_escape(name: str) -> None:
    assert escaped(name) == ""


@given(names=st.lists(NAMES, unique=True, max_size=5))
def test_short_names_lead_back(names: list[str]) -> None:
    back = ways_back(names)
    for name in names:
        written = short(name)
        assert PLAIN.fullmatch(written)
        assert back.get(written, written) == name


def test_a_plain_name_is_its_own() -> None:
    assert short("get-weather_2") == "get-weather_2"
    assert ways_back(["get-weather_2"]) == {}
