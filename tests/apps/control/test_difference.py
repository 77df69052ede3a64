"""Differences of documents: none of the same, and each place where they differ."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.control.console import difference
from penstock.apps.control.console.difference import Line

VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab.[", max_size=3)
TABLES: st.SearchStrategy[Any] = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=8,
)


@given(TABLES)
def test_the_same_differs_in_nothing(value: Any) -> None:
    assert difference.lines(value, value) == []


@given(st.dictionaries(st.text("ab", min_size=1), st.integers()), st.integers())
def test_a_value_more_is_one_line(table: dict[str, int], value: int) -> None:
    more = {**table, "new": value}
    assert difference.lines(table, more) == [Line("new", "-", str(value))]
    assert difference.lines(more, table) == [Line("new", str(value), "-")]


@given(TABLES, TABLES)
def test_json_texts_differ_as_their_values_do(before: Any, after: Any) -> None:
    one, other = msgspec.json.encode(before).decode(), msgspec.json.encode(after).decode()
    assert difference.of_json(one, other) == difference.lines(before, after)


def test_named_tables_are_told_apart_by_their_name() -> None:
    before = {"routes": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]}
    after = {"routes": [{"name": "c", "n": 3}, {"name": "a", "n": 1}, {"name": "b", "n": 4}]}
    assert difference.lines(before, after) == [
        Line("routes[b].n", "2", "4"),
        Line("routes[c].name", "-", "c"),
        Line("routes[c].n", "-", "3"),
    ]
    assert [one.kind for one in difference.lines(before, after)] == ["changed", "added", "added"]


def test_what_is_no_json_is_shown_as_it_is() -> None:
    assert difference.of_json("", "x{") == [Line("", "-", "x{")]
