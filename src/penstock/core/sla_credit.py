"""SLA credit: what is given back if a promise was not kept.

    steps      below a share of availability, a share of the fee is given back; of all steps that
               the figure lies below, the largest counts. At a bound nothing is due: 99.9 is kept
    several    credits of several clauses add up, and never exceed the fee
    least      some contracts pay nothing up to an amount

What is not known is no breach: without a figure nothing is due. Amounts are micro-dollars, rounded
to the nearest.
"""

from collections.abc import Iterable


def credit_ratio(ratio: float | None, steps: Iterable[tuple[float, float]]) -> float:
    """Return the share of the fee that is due at this availability."""
    if ratio is None:
        return 0.0
    return max((credit for below, credit in steps if ratio < below), default=0.0)


def credit_microusd(fee_microusd: int, ratios: Iterable[float], above_microusd: int = 0) -> int:
    """Return what is due of a fee; nothing if it is not more than ``above_microusd``."""
    due = round(max(0, fee_microusd) * min(1.0, sum(ratios)))
    return due if due > above_microusd else 0
