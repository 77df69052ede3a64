"""Closed forms that runs are held against (TIERING 9).

k slots, mean service time ES, load of the first tier over the capacity rho_e, of those below rho_c.
"""

import math
from collections.abc import Sequence


def erlang_c(servers: int, load: float) -> float:
    """Return the probability to wait in M/M/k, for ``load`` = arrival rate x mean service time.

    By the recursion of Erlang B, which does not overflow. 1 if the load is at least ``servers``.
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for at in range(1, servers + 1):
        blocked = load * blocked / (at + load * blocked)
    return servers * blocked / (servers - load * (1.0 - blocked))


def mmk_wait_s(servers: int, load: float, service_s: float, quantile: float) -> float:
    """Return a quantile of the wait in M/M/k, first come first served; seconds."""
    waits = erlang_c(servers, load)
    if waits <= 1.0 - quantile:
        return 0.0
    return math.log(waits / (1.0 - quantile)) * service_s / (servers - load)


def first_tier_wait_s(servers: int, rho_e: float, service_s: float, quantile: float) -> float:
    """Return a quantile of the first tier's wait where those below always fill all slots.

    Without preemption; exponential with rate k (1 - rho_e) / ES, whatever the load below.
    """
    return -math.log(1.0 - quantile) * service_s / (servers * (1.0 - rho_e))


def consumer_ideal(rho_e: float, rho_c: float) -> float:
    """Return the best share of the lower tiers' load that can be served."""
    return min(1.0, max(0.0, 1.0 - rho_e) / rho_c) if rho_c > 0 else 1.0


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index of fairness, 1/n to 1; 1 if there is nobody or nothing."""
    square = sum(shares) ** 2
    squares = sum(one * one for one in shares)
    return square / (len(shares) * squares) if squares else 1.0
