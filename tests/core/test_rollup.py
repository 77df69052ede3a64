"""From many states to one: the table of the page's indicator, and what holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core import rollup
from penstock.core.rollup import Condition

STATES = st.lists(st.sampled_from([one.word for one in Condition]), max_size=12)
ORDER = ("none", "maintenance", "minor", "major", "critical")

UP, SLOW, PARTIAL, MAJOR, WORKS, UNKNOWN = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
    "unknown",
)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], ("none", "All Systems Operational")),
        ([UP, UNKNOWN], ("none", "All Systems Operational")),
        ([UP, SLOW], ("minor", "Partially Degraded Service")),
        ([UP, UP, PARTIAL], ("minor", "Minor Service Outage")),
        ([UP, PARTIAL], ("major", "Partial System Outage")),
        ([UP, UP, UP, MAJOR], ("major", "Partial System Outage")),
        ([MAJOR, MAJOR], ("critical", "Major Service Outage")),
        ([UP, WORKS], ("maintenance", "Service Under Maintenance")),
        ([SLOW, WORKS], ("minor", "Partially Degraded Service")),
    ],
)
def test_the_indicator(states: list[str], expected: tuple[str, str]) -> None:
    assert rollup.indicator(states) == expected


@given(STATES)
def test_the_order_of_components_does_not_matter(states: list[str]) -> None:
    turned = list(reversed(states))
    assert rollup.indicator(states) == rollup.indicator(turned)
    assert rollup.worst(states) == rollup.worst(turned)


@given(STATES.filter(len), st.data())
def test_a_component_that_gets_worse_never_makes_the_page_better(
    states: list[str], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(states) - 1))
    worse = data.draw(
        st.sampled_from([one for one in Condition if one >= Condition.of(states[index])])
    )
    after = [*states[:index], worse.word, *states[index + 1 :]]
    before_rank = ORDER.index(rollup.indicator(states).indicator)
    assert ORDER.index(rollup.indicator(after).indicator) >= before_rank
    impacts = rollup.IMPACTS
    assert impacts.index(rollup.impact(after)) >= impacts.index(rollup.impact(states))


@pytest.mark.parametrize(
    ("states", "expected"),
    [([], UNKNOWN), ([UNKNOWN], UNKNOWN), ([UNKNOWN, UP], UP), ([UP, WORKS, SLOW], SLOW)],
)
def test_a_group_is_as_bad_as_its_worst_member_that_is_known(
    states: list[str], expected: str
) -> None:
    assert rollup.worst(states) == expected


def test_the_impact_follows_the_worst_component() -> None:
    assert [rollup.impact([one, UP]) for one in (UP, WORKS, SLOW, PARTIAL, MAJOR)] == [
        "none", "none", "minor", "major", "critical",
    ]  # fmt: skip


@given(st.sampled_from([*rollup.IMPACTS, "maintenance", ""]), st.sampled_from(rollup.IMPACTS))
def test_the_heavier_impact_is_kept(before: str, after: str) -> None:
    kept = rollup.heavier(before, after)
    assert kept in (before, after)
    assert rollup.IMPACTS.index(kept) >= rollup.IMPACTS.index(after)


def test_a_word_that_is_not_ours_is_unknown() -> None:
    assert Condition.of("full_outage") is Condition.UNKNOWN
    assert all(Condition.of(one.word) is one for one in Condition)
