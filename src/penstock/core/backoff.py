"""Backoff: how long to wait before the same upstream is asked again.

Full jitter between a quarter and the whole of an exponential step, so that callers who failed
together do not come back together.

Pure: chance is given. Source: Brooker, "Exponential backoff and jitter", AWS Architecture Blog,
2015; the first step of 0.1-0.3 s is TIERING 2's.
"""

from collections.abc import Callable

FIRST_S = 0.3
MAX_S = 5.0


def backoff_s(repeat: int, chance: Callable[[], float]) -> float:
    """Return the wait in seconds before repeat number ``repeat``, counted from 1."""
    step_s = min(MAX_S, FIRST_S * 2.0 ** min(repeat - 1, 16))
    return float(step_s * (0.25 + 0.75 * chance()))
