"""The calendar is the one that the standard library has."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.calendar import first_day, month_of

EPOCH = date(1970, 1, 1)


@given(st.dates(date(1970, 1, 1), date(2400, 12, 31)))
def test_a_month_is_as_the_standard_library_has_it(today: date) -> None:
    found = month_of((today - EPOCH).days)
    assert found.month == today.year * 12 + today.month - 1
    first = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    assert EPOCH + timedelta(days=found.ends_day) == first
    assert first_day(found.month + 1) == found.ends_day
    assert first_day(found.month) == (today.replace(day=1) - EPOCH).days


def test_every_day_of_four_hundred_years() -> None:
    day = 0
    while day < 146_097:
        found = month_of(day)
        assert 28 <= found.ends_day - day <= 31
        assert month_of(found.ends_day - 1) == found
        assert month_of(found.ends_day).month == found.month + 1
        day = found.ends_day
