"""Money as people write it: dollars outside, whole micro-dollars inside.

"12.50", "12", "0.000001"   accepted: exact, never a binary fraction
negative, finer, not finite  ValueError
"""

from decimal import Decimal, InvalidOperation
from typing import Final

PER_DOLLAR: Final = 1_000_000
DOLLARS_MAX: Final = 1_000_000_000  # a typing mistake beyond; and it fits 64 bits by far


def microusd(dollars: str | int | Decimal) -> int:
    """Return whole micro-dollars; raises ValueError that says what is wrong."""
    try:
        amount = Decimal(dollars)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError(f"{dollars!r} is not an amount in dollars, such as 12.50")
    if not 0 <= amount <= DOLLARS_MAX:
        raise ValueError(f"{dollars} is not between 0 and {DOLLARS_MAX:,} dollars")
    scaled = amount * PER_DOLLAR
    if scaled != int(scaled):
        raise ValueError(f"{dollars} is finer than a millionth of a dollar")
    return int(scaled)


def dollars(amount_microusd: int) -> str:
    """Return an amount for people: two decimals, or as many as it has."""
    whole, rest = divmod(amount_microusd, PER_DOLLAR)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{whole:,}.{decimals}"
