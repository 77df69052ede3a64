"""Reserve: how many slots are kept for enterprise, and the closed forms that say what it gains.

Symbols as in the books: ``k`` slots, ``rho`` the enterprise load as a share of what k slots can do,
S the time that one attempt holds a slot, ``r`` slots that the tiers below may not use.

    no reserve                 W is exponential: the lower tiers keep all slots busy, so enterprise
                               waits for one of k to end, and then for its own
    r slots reserved           P(wait) is about rho^r; about (r - rho/(1-rho))/k of all stays idle
    full preemption            enterprise sees itself alone: the queue M/M/k

``reserve`` follows them:

    W without reserve is within its budget at p99   -> 0
    k >= 256                                        -> 0: some slot ends soon enough
    preemption is on     -> the smallest r that leaves at most 1 in 10 to be preempted for; less, if
                            that would take more than 1/20 of all or of what the lower tiers ideally
                            get. k = 64 at rho 0.3: 2. Few slots (16): 0, preemption does it all
    preemption is off    -> the smallest r with P(wait) <= 1 %, at most k/8: where that is not
                            enough, another upstream is the remedy, not an idle one

The formulas hold for exponential S, and W for Poisson arrivals; W of others is longer by
(c_a^2 + c_s^2)/2. Fairness is measured here too: what each should have got (``max_min``), and how
even what they got is (``jain``).

Pure functions. Rates may be in any unit of time, if in one.
Source: TIERING 3.6 and 9 of the reference shelf; Kleinrock, "Queueing Systems", 1 (Erlang C) and 2
(priorities); Jain, Chiu, Hawe, DEC TR-301, 1984; for the gap, VTC (see fairness.py).
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

WAIT_BUDGET_S: Final = 0.25  # enterprise, at p99: TIERING 10, row 1
SLOTS_PLENTY: Final = 256  # from here on nothing is reserved: TIERING 3.6
WAIT_RATIO_MAX: Final = 0.01  # without preemption: TIERING 3.6
PREEMPT_RATIO_MAX: Final = 0.1  # with it; 2 of 64 at rho 0.3 leave 0.091 (TIERING 9)
LOSS_RATIO_MAX: Final = 0.05  # of all slots, and of the lower tiers' ideal: TIERING 10, rows 3, 5
RESERVE_RATIO_MAX: Final = 0.125  # of slots, without preemption; beyond it idles more than 0.1
RHO_MAX: Final = 0.95  # what is measured above is as good as full
RESERVE_SMALL: Final = 2  # as many as moving aside leaves of 64; no half of it for standard
BATCH_RATIO: Final = 0.8  # of slots: TIERING 3.1


class Held(NamedTuple):
    """What a reserve does, as shares of 1."""

    wait_ratio: float  # of enterprise that finds no slot free
    idle_ratio: float  # of all slots that stand idle for it


def wait_s(share: float, k: int, rho: float, mean_service_s: float) -> float:
    """Return the quantile of the enterprise wait without reserve or preemption.

    TIERING 9: -ln(1-p) E[S] / (k (1-rho)); ``share`` is p, below 1. It does not depend on the load
    of the tiers below. Infinite where enterprise alone is too much.
    """
    if rho >= 1.0:
        return math.inf
    return -math.log(1.0 - share) * mean_service_s / (k * (1.0 - rho))


def erlang_c(k: int, load: float) -> float:
    """Return the chance that all of k slots are busy, of a load in slots; 1 if that is k or more.

    By Erlang B's recursion, B(n) = load B(n-1) / (n + load B(n-1)), which does not overflow.
    """
    if load >= k:
        return 1.0
    blocked = 1.0
    for at in range(1, k + 1):
        blocked = load * blocked / (at + load * blocked)
    return blocked / (1.0 - load / k * (1.0 - blocked))


def wait_preempting_s(share: float, k: int, rho: float, mean_service_s: float) -> float:
    """Return the quantile of the enterprise wait with full preemption.

    TIERING 9: P(W > t) = C(k, k rho) exp(-k (1-rho) t / E[S]), solved for t; ``share`` is below 1.
    """
    if rho >= 1.0:
        return math.inf
    waits = erlang_c(k, k * rho)
    if waits <= 1.0 - share:
        return 0.0
    return math.log(waits / (1.0 - share)) * mean_service_s / (k * (1.0 - rho))


def held(k: int, rho: float, r: int) -> Held:
    """Return what r reserved slots of k do, for a rho below 1 and lower tiers without end.

    TIERING 9: pi_j ~ prod_{i=1..j} k rho / (k-r+i), tail T = pi_r rho / (1-rho), Z = sum pi_j + T;
    P(wait) = (pi_r + T) / Z, idle = sum (r-j) pi_j / (k Z).
    """
    chance = total = 1.0
    idle = float(r)
    for at in range(1, r + 1):
        chance *= k * rho / (k - r + at)
        total += chance
        idle += (r - at) * chance
    tail = chance * rho / (1.0 - rho)
    total += tail
    return Held((chance + tail) / total, idle / (k * total))


def lower_ratio(k: int, rho: float, r: int) -> float:
    """Return what the lower tiers reach with r reserved slots, as a share of what they could."""
    return 1.0 - held(k, rho, r).idle_ratio / (1.0 - rho)


def reserve(
    k: int,
    rho: float,
    mean_service_s: float,
    wait_budget_s: float = WAIT_BUDGET_S,
    *,
    preempts: bool = True,
) -> int:
    """Return how many of k slots to keep for enterprise. The header has the rule."""
    rho = min(max(rho, 0.0), RHO_MAX)
    if not 0 < k < SLOTS_PLENTY or wait_s(0.99, k, rho, mean_service_s) <= wait_budget_s:
        return 0
    goal = PREEMPT_RATIO_MAX if preempts else WAIT_RATIO_MAX
    for r in range(1, int(k * RESERVE_RATIO_MAX) + 1):
        would = held(k, rho, r)
        if preempts and would.idle_ratio > LOSS_RATIO_MAX * (1.0 - rho):
            return r - 1
        if would.wait_ratio <= goal:
            return r
    return int(k * RESERVE_RATIO_MAX)


def ceilings(
    limit: int, reserved: int, batch_ratio: float = BATCH_RATIO
) -> tuple[int, int, int, int, int]:
    """Return, for each tier, how many slots may be in use, with it, by all tiers together.

    TIERING 3.1: control one more than there are, of its own; enterprise all; standard all but
    half of the reserve, free all but the reserve, batch a share. Each has one where there is one.
    Of a small reserve standard has nothing: half of two would be half of what contracts find, and
    nobody moves standard aside.
    """
    one = min(1, limit)
    standard = max(one, limit - max(reserved // 2, min(reserved, RESERVE_SMALL)))
    free = max(one, limit - reserved)
    return limit + 1, limit, standard, free, min(free, max(one, int(limit * batch_ratio)))


def consumer_ideal(rho: float, rho_lower: float) -> float:
    """Return the share of the lower tiers' demand that an ideal gateway serves: TIERING 9."""
    left = max(0.0, 1.0 - rho)
    return 1.0 if rho_lower <= left else left / rho_lower


def max_min(demands: Sequence[float], weights: Sequence[float], capacity: float) -> list[float]:
    """Return the fairest shares: min(demand, weight * theta) each, summing up to the capacity.

    Filled from the least demand for its weight on. Weights are above 0.
    """
    shares = [0.0] * len(demands)
    left, weight_left = capacity, sum(weights)
    for at in sorted(range(len(demands)), key=lambda at: demands[at] / weights[at]):
        shares[at] = min(demands[at], weights[at] * left / weight_left)
        left -= shares[at]
        weight_left -= weights[at]
    return shares


def jain(values: Sequence[float]) -> float:
    """Return how even they are: 1 if all are the same, 1/n if one has all; 1 for none or zeros."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def vtc_gap(w_in: float, input_tokens_max: float, w_out: float, tokens_in_flight: float) -> float:
    """Return by how much two who wait can differ at most, in cost tokens over weight."""
    return 2.0 * max(w_in * input_tokens_max, w_out * tokens_in_flight)
