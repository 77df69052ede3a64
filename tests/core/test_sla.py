"""Formulas of availability: worked by hand, and what must hold of any month."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.calendar import DAY_S, first_day
from penstock.core.interval import UNKNOWN, wilson
from penstock.core.sla import CALCULATORS, Cell, Rules, Series, down_steps, series

NOVEMBER = (2026 * 12 + 10, 30)


def month(year: int, number: int, cells: list[Cell]) -> Series:
    at = year * 12 + number - 1
    return series(first_day(at) * DAY_S, first_day(at + 1) * DAY_S, cells)


def of(name: str, found: Series, rules: Rules | None = None) -> float | None:
    return CALCULATORS[name].of(found, rules or Rules()).ratio


FROM = first_day(NOVEMBER[0]) * DAY_S


def november(*events: tuple[int, int, int]) -> Series:
    """Give events as (step, good, bad)."""
    return month(2026, 11, [Cell(FROM + 300 * at, good, bad) for at, good, bad in events])


@pytest.mark.parametrize(
    ("year", "number", "steps"),
    [(2026, 2, 8064), (2028, 2, 8352), (2026, 4, 8640), (2026, 3, 8928), (2026, 10, 8928)],
)
def test_months_have_their_length_in_utc(year: int, number: int, steps: int) -> None:
    found = month(year, number, [])
    assert found.steps == steps  # March and October too: no hour is lost or won


def test_worked_by_hand() -> None:
    # 8,640 steps; 3 with traffic: 100 good; 90 good and 10 bad; 1 bad alone
    found = november((0, 100, 0), (1, 90, 10), (5000, 0, 1))
    assert (found.good, found.bad, found.measured) == (190, 11, 3)
    assert of("request_ratio", found) == 190 / 201
    assert of("interval_mean", found) == pytest.approx(1 - 1.1 / 8640, abs=1e-12)
    assert of("downtime_minutes", found) == pytest.approx(1 - 2 / 8640, abs=1e-12)
    assert found.coverage_ratio == 3 / 8640


def test_the_formulas_disagree_about_one_bad_night() -> None:
    # busy days without a failure; an hour of night in which half of a little traffic fails
    days = [(at, 1000, 0) for at in range(8640) if not 100 <= at < 112]
    found = november(*days, *((at, 5, 5) for at in range(100, 112)))
    assert of("request_ratio", found) == pytest.approx(0.999993, abs=1e-6)  # 60 of 8.6 M
    assert of("interval_mean", found) == pytest.approx(1 - 6 / 8640, abs=1e-9)  # 99.93 %
    assert of("downtime_minutes", found) == pytest.approx(1 - 12 / 8640, abs=1e-9)  # 99.86 %


def test_a_month_without_data() -> None:
    found = november()
    assert CALCULATORS["request_ratio"].of(found, Rules()) == (None, UNKNOWN)
    assert CALCULATORS["interval_mean"].of(found, Rules()) == (1.0, (1.0, 1.0))
    assert of("downtime_minutes", found) == 1.0
    assert found.coverage_ratio == 0.0


def test_a_month_of_one_request() -> None:
    found = november((7, 0, 1))
    share = CALCULATORS["request_ratio"].of(found, Rules())
    assert share.ratio == 0.0
    assert share.interval == wilson(0.0, 1)
    assert share.interval.high > 0.79  # one event says next to nothing
    assert of("interval_mean", found) == pytest.approx(1 - 1 / 8640, abs=1e-12)


def test_a_period_of_no_steps_is_not_known() -> None:
    found = series(FROM, FROM, [Cell(FROM, 1, 1)])
    assert all(of(name, found) is None for name in CALCULATORS)


def test_exactly_five_per_cent_is_not_down() -> None:
    assert down_steps(november((0, 95, 5)), Rules()) == 0
    assert down_steps(november((0, 94, 6)), Rules()) == 1


def test_little_traffic_and_short_rows_can_be_let_off() -> None:
    found = november((0, 0, 3), (1, 0, 3), (3, 0, 3), (8639, 0, 3))
    assert down_steps(found, Rules()) == 4
    assert down_steps(found, Rules(events_min=4)) == 0
    assert down_steps(found, Rules(down_min_s=600)) == 2


def test_a_figure_at_the_bound_is_at_the_bound() -> None:
    # a mean of 99.9 % exactly, from fractions that no float holds
    thirds = [(at, 2, 1) for at in range(6)] + [(at, 64, 36) for at in range(100, 118)]
    found = november(*thirds, (200, 84, 16))
    lost = sum(cell.bad / (cell.good + cell.bad) for cell in found.cells)
    assert lost == pytest.approx(8.64)
    assert of("interval_mean", found) == 0.999


def cell_of(three: tuple[int, int, int]) -> Cell:
    at, good, bad = three
    return Cell(FROM + 300 * at, good, bad)


COUNTS = st.integers(0, 1000)
CELLS = st.lists(st.tuples(st.integers(0, 8639), COUNTS, COUNTS).map(cell_of), max_size=40)


@given(CELLS)
def test_shares_are_shares_and_lie_in_their_interval(cells: list[Cell]) -> None:
    found = month(2026, 11, cells)
    for name, one in CALCULATORS.items():
        ratio, (low, high) = one.of(found, Rules())
        if ratio is not None:
            assert 0.0 <= ratio <= 1.0, name
            assert low - 1e-9 <= ratio <= high + 1e-9, name
        assert 0.0 <= low <= high <= 1.0, name


@given(CELLS, st.integers(0, 8639), st.integers(1, 100))
def test_one_more_failure_never_helps(cells: list[Cell], at: int, bad: int) -> None:
    before = month(2026, 11, cells)
    after = month(2026, 11, [*cells, Cell(FROM + 300 * at, 0, bad)])
    for name in CALCULATORS:
        then, now = of(name, before), of(name, after)
        assert now is not None, name
        assert then is None or now <= then, name


@given(CELLS, st.randoms(use_true_random=False))
def test_order_and_parts_do_not_matter(cells: list[Cell], chance: random.Random) -> None:
    whole = month(2026, 11, cells)
    parts = [Cell(at, good, 0) for at, good, _ in cells] + [
        Cell(at, 0, bad) for at, _, bad in cells
    ]
    chance.shuffle(parts)
    assert month(2026, 11, parts) == whole


@given(CELLS)
def test_what_lies_outside_of_the_month_is_not_in_it(cells: list[Cell]) -> None:
    late = [Cell(one.start_s + 30 * DAY_S, one.good, one.bad) for one in cells]
    assert month(2026, 11, [*cells, *late]) == month(2026, 11, cells)


def test_a_mean_of_equal_steps_is_as_sure_as_all_of_their_events() -> None:
    cells = [Cell(at * 300, 99, 1) for at in range(4)]
    found = CALCULATORS["interval_mean"].of(series(0, 1200, cells), Rules())
    assert found.ratio == pytest.approx(0.99)
    assert found.interval == pytest.approx(wilson(0.99, 400))
    uneven = [Cell(0, 9, 1), Cell(300, 990, 10)]
    low, high = CALCULATORS["interval_mean"].of(series(0, 600, uneven), Rules()).interval
    assert (low, high) == pytest.approx(wilson(0.945, 4 / (1 / 10 + 1 / 1000)))
