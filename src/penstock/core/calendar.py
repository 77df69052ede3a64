"""Days and months of UTC, counted from the Unix epoch: when a budget begins anew.

    day     since 1970-01-01, which is day 0; 86,400 s each, as Unix time has it
    month   since the year 0: year x 12 + month - 1, so that the next one is one more

Source: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days and
days_from_civil. Years begin on 1 March there, so that the leap day is the last of its year.
"""

from typing import Final, NamedTuple

DAY_S: Final = 86_400
DAYS_MAX: Final = 31  # of a month: so many days after its first, it is the next month
EPOCH: Final = 719_468  # days from 0000-03-01 to 1970-01-01
ERA: Final = 146_097  # days of 400 years
MARCH: Final = 2  # the month that these years begin with, counted from 0


class Month(NamedTuple):
    """A month, and the first day of the next one."""

    month: int
    ends_day: int


def month_of(day: int) -> Month:
    """Return the month that a day lies in."""
    month, day_of_month = _civil(day)
    first = day - day_of_month
    _, beyond = _civil(first + DAYS_MAX)
    return Month(month, first + DAYS_MAX - beyond)


def first_day(month: int) -> int:
    """Return the first day of a month; the other way round."""
    year, from_january = divmod(month, 12)
    is_before_march = from_january < MARCH
    era, year_of_era = divmod(year - is_before_march, 400)
    from_march = from_january - MARCH + 12 * is_before_march
    leap_days = year_of_era // 4 - year_of_era // 100
    day_of_year = (153 * from_march + 2) // 5
    return era * ERA + year_of_era * 365 + leap_days + day_of_year - EPOCH


def _civil(day: int) -> tuple[int, int]:
    """Return the month, and the day in it from 0 on."""
    era, day_of_era = divmod(day + EPOCH, ERA)
    leap_days = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // (ERA - 1)
    year_of_era = (day_of_era - leap_days) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * day_of_year + 2) // 153
    day_of_month = day_of_year - (153 * from_march + 2) // 5
    return (era * 400 + year_of_era) * 12 + from_march + MARCH, day_of_month
