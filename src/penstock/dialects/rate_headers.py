"""Reading the numbers in rate-limit headers, whatever their names.

a count    digits, as many as fit; a provider that sends -1 has told nothing
a level    limit, remaining, and the reset, which is read only where nothing remains: it is
           needed only then, and is dear to parse
"""

from collections.abc import Callable
from typing import Final

from penstock.core.limits_seen import Level
from penstock.dialects.http_error import RETRY_AFTER_S_MAX

DIGITS_MAX: Final = 15  # a trillion tokens a minute is no limit any more


def count(value: bytes | None) -> int | None:
    """Return a count, None if it is none."""
    if value is None or not value.isdigit() or len(value) > DIGITS_MAX:
        return None
    return int(value)


def level(
    limit: bytes | None, remaining: bytes | None, reset: bytes, reset_s: Callable[[str], float]
) -> Level:
    """Return one dimension; ``reset_s`` turns the reset's words into seconds from now."""
    left = count(remaining)
    wait_s = reset_s(reset.decode("latin-1")) if left == 0 and reset else 0.0
    return Level(count(limit), left, min(max(0.0, wait_s), RETRY_AFTER_S_MAX))
