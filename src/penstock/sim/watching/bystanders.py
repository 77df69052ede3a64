"""People at a drill who report that it fails for them: who comes, how long they wait, from where.

come      ``VISITS_PER_S``, evenly by chance, to web chat, log-in and console as the published mixes
          of reports have it
patience  who fails waits at least ``REACTION_S`` (``sim/watching/crowd.py``), tries once more, and
          reports if that fails, too: of a whole outage about as many as a sudden wave there (40 in
          a quarter of an hour)
callers   of the drill's own traffic, ``CALLER_RATIO`` of those whose call failed report likewise
from      a network of ``NETWORKS`` by the same steep law, a person nobody has seen before

Pure: dice are handed in.
"""

import math
from typing import Final

import msgspec

from penstock.sim.watching.chance import Dice
from penstock.sim.watching.crowd import NETWORK_TILT, NETWORKS, REACTION_S

VISITS_PER_S: Final = 0.1
MIX: Final = (("web", 0.75), ("login", 0.2), ("console", 0.05))
PATIENCE_S: Final = 20.0  # on the average, beyond the reaction
PATIENCE_S_MAX: Final = 240.0
CALLER_RATIO: Final = 0.1
HOSTS: Final = 254
NETWORK_BLOCK: Final = 256
SHARED_SPACE: Final = (100, 64)  # 100.64.0.0/10 is nobody's on the internet (RFC 6598)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who looks in."""

    surface: str
    address: str
    agent: str
    after_s: float  # since whoever came before
    patience_s: float


def person(dice: Dice) -> Person:
    """Return the next one."""
    return Person(
        surface=_surface(dice.random()),
        address=address(dice),
        agent=f"bystander/{int(dice.random() * 1e9)}",
        after_s=_exponential(dice, 1.0 / VISITS_PER_S),
        patience_s=patience_s(dice),
    )


def patience_s(dice: Dice) -> float:
    """Return how long somebody waits between a failure and the next try, or a report."""
    return min(PATIENCE_S_MAX, REACTION_S + _exponential(dice, PATIENCE_S))


def address(dice: Dice) -> str:
    """Return where somebody comes from."""
    network = min(NETWORKS - 1, int(NETWORKS * dice.random() ** NETWORK_TILT))
    first, second = SHARED_SPACE
    high, low = divmod(network, NETWORK_BLOCK)
    return f"{first}.{second + high}.{low}.{1 + int(dice.random() * HOSTS)}"


def _surface(drawn: float) -> str:
    reached = 0.0
    for name, share in MIX:
        reached += share
        if drawn < reached:
            return name
    return MIX[-1][0]


def _exponential(dice: Dice, mean: float) -> float:
    return -mean * math.log(1.0 - dice.random())
