"""Numbers for people who glance: three digits, and never more than six characters.

Each row of a table begins where the one above it would say too little: just below a round number,
so that rounding does not make a fourth digit of it.

Money is given in micro-dollars. Sums of it that must agree with a bill are written by
``config.money.dollars``, to the last decimal; what stands here is for a glance.
"""

import math
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
SIZES: Final = (
    (0.0, 1.0, 0, " B"),
    (999.5, 1e3, 1, " kB"),
    (99.95e3, 1e3, 0, " kB"),
    (999.5e3, 1e6, 1, " MB"),
    (99.95e6, 1e6, 0, " MB"),
    (999.5e6, 1e9, 1, " GB"),
    (99.95e9, 1e9, 0, " GB"),
)
# from dollars, divided by, digits behind the point, unit
MONEY: Final = (
    (0.0, 1.0, 6, ""),
    (0.0000995, 1.0, 5, ""),
    (0.000995, 1.0, 4, ""),
    (0.00995, 1.0, 3, ""),
    (0.0995, 1.0, 2, ""),
    (999.5, 1.0, 0, ""),
    (99_950.0, 1e3, 0, "k"),
    (999_500.0, 1e6, 2, "M"),
)
MICRO: Final = 1_000_000
SMALL: Final = 0.001
ALL: Final = 0.9999
WHOLE: Final = 0.9995  # nearly all is not all: an objective may lie between


def number(value: float | None) -> str:
    """Return a number; a dash if it is not known."""
    if value is not None and value == int(value) and value < AMOUNTS[3][0]:
        return f"{value:,.0f}"
    return _told(value, AMOUNTS)


def seconds(value: float | None) -> str:
    """Return a duration, given in seconds; a dash if it is not known."""
    return _told(value, DURATIONS)


def size(value_bytes: float | None) -> str:
    """Return a size, given in bytes, in decimal units; a dash if it is not known."""
    return _told(value_bytes, SIZES)


def money(amount_microusd: float | None) -> str:
    """Return about how many dollars; a dash if it is not known."""
    if amount_microusd is None:
        return UNKNOWN
    if not amount_microusd:
        return "$0"
    sign = "-" if amount_microusd < 0 else ""
    return f"{sign}${_told(abs(amount_microusd) / MICRO, MONEY)}"


def share(ratio: float | None) -> str:
    """Return a share of 0 to 1 in percent; one that is not quite all or nothing never seems so."""
    if ratio is None:
        return UNKNOWN
    if 0 < ratio < SMALL:
        return "<0.1 %"
    if WHOLE <= ratio < 1:
        return f"{math.floor(ratio * 1e5) / 1e3:.3f} %" if ratio < ALL else ">99.99 %"
    digits = 0 if ratio in (0, 1) else 1
    return f"{ratio * 100:.{digits}f} %"


def _told(value: float | None, rows: tuple[tuple[float, float, int, str], ...]) -> str:
    if value is None:
        return UNKNOWN
    _, size, digits, unit = max(row for row in rows if row[0] <= value or not row[0])
    return f"{value / size:,.{digits}f}{unit}"


def sentence(text: str) -> str:
    """Return words with a capital at the beginning; the rest stays as it is."""
    return text[:1].upper() + text[1:]
