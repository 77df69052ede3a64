"""Counts by chance: Poisson, binomial and negative binomial, from given dice.

    poisson       by multiplication while the mean is small, a rounded normal beyond ``MEAN_LARGE``
    binomial      of many and rare as Poisson, of few one by one, else a rounded normal
    overdispersed Poisson of a Gamma mean: a negative binomial of that mean and that shape

The approximations are off by less than what the runs' own spread shows; they keep a month of
minutes within seconds.
"""

import math
from typing import Final, Protocol

MEAN_LARGE: Final = 20.0  # a normal is close from here on
FEW: Final = 12
RARE: Final = 0.05


class Dice(Protocol):
    """The part of ``random.Random`` that is used; seeded by whoever starts a run."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def gauss(self, mu: float, sigma: float) -> float:
        """Return a normal number."""
        ...

    def gammavariate(self, alpha: float, beta: float) -> float:
        """Return a number of a Gamma distribution of mean alpha * beta."""
        ...


def poisson(dice: Dice, mean: float) -> int:
    """Return a count of this mean."""
    if mean <= 0.0:
        return 0
    if mean > MEAN_LARGE:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    floor, product, count = math.exp(-mean), dice.random(), 0
    while product > floor:
        product *= dice.random()
        count += 1
    return count


def binomial(dice: Dice, count: int, share: float) -> int:
    """Return how many of ``count`` it hits."""
    mean = count * share
    if mean <= 0.0:
        return 0
    if share >= 1.0:
        return count
    if count > FEW and share < RARE:
        return min(count, poisson(dice, mean))
    if min(mean, count - mean) > MEAN_LARGE:
        drawn = round(dice.gauss(mean, math.sqrt(mean * (1.0 - share))))
        return min(count, max(0, drawn))
    return sum(dice.random() < share for _ in range(count))


def burst(dice: Dice, shape: float) -> float:
    """Return a factor of mean 1; the smaller the shape, the wilder."""
    return dice.gammavariate(shape, 1.0 / shape)


def overdispersed(dice: Dice, mean: float, shape: float) -> int:
    """Return a count of this mean, with variance mean + mean^2 / shape."""
    return poisson(dice, mean * burst(dice, shape)) if mean > 0.0 else 0


def pick(dice: Dice, count: int) -> int:
    """Return one of 0 .. count - 1."""
    return min(count - 1, int(dice.random() * count))
