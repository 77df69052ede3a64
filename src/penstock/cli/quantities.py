"""Numbers for people who glance: three digits, and never more than six characters.

Each row of a table begins where the one above it would say too little: just below a round number,
so that rounding does not make a fourth digit of it.
"""

from typing import Final

UNKNOWN: Final = "-"
# from, divided by, digits behind the point, unit
AMOUNTS: Final = (
    (0.0, 1.0, 2, ""),
    (0.095, 1.0, 1, ""),
    (99.95, 1.0, 0, ""),
    (9999.5, 1e3, 1, "k"),
    (99.95e3, 1e3, 0, "k"),
    (999.5e3, 1e6, 1, "M"),
    (99.95e6, 1e6, 0, "M"),
    (999.5e6, 1e9, 1, "G"),
)
DURATIONS: Final = (
    (0.0, 1e-3, 0, " ms"),
    (0.9995, 1.0, 1, " s"),
    (9.95, 1.0, 0, " s"),
    (119.5, 60.0, 0, " min"),
    (7170.0, 3600.0, 0, " h"),
    (172_000.0, 86_400.0, 0, " d"),
)


def number(value: float | None) -> str:
    """Return a number; a dash if it is not known."""
    if value is not None and value == int(value) and value < AMOUNTS[3][0]:
        return f"{value:,.0f}"
    return _told(value, AMOUNTS)


def seconds(value: float | None) -> str:
    """Return a duration, given in seconds; a dash if it is not known."""
    return _told(value, DURATIONS)


def _told(value: float | None, rows: tuple[tuple[float, float, int, str], ...]) -> str:
    if value is None:
        return UNKNOWN
    _, size, digits, unit = max(row for row in rows if row[0] <= value or not row[0])
    return f"{value / size:,.{digits}f}{unit}"
