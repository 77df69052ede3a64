"""When requests come, and how long they are.

    gaps      poisson             exponential: nobody knows of the others
              gamma               of a given squared coefficient of variation (SCV), for bursts
              replay              those of a trace, in their order, from a drawn place on
    rate      so many a second, times the factors that hold at an instant
    lengths   of a trace, drawn one by one; or all alike; or exponential, for closed forms

Gaps have mean 1 and are stretched to the rate: the time between two arrivals is what it takes the
integral of the rate to grow by one gap (time change of a renewal process).

Everything is drawn from dice that belong to one class of traffic, so that all policies see the
same arrivals and the same lengths (common random numbers).
"""

import bisect
import math
from collections.abc import Callable, Sequence
from typing import Protocol

Gaps = Callable[[], float]
Length = tuple[int, int]  # input tokens, output tokens
Lengths = Callable[[], Length]


class Dice(Protocol):
    """The part of ``random.Random`` that is used; seeded by whoever starts a run."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...

    def gammavariate(self, alpha: float, beta: float) -> float:
        """Return a number of a Gamma distribution of mean alpha * beta."""
        ...


Draw = Callable[[str], Dice]  # the dice of that name, the same for each policy


def poisson(dice: Dice) -> Gaps:
    """Return exponential gaps of mean 1."""
    return lambda: -math.log(1.0 - dice.random())


def gamma(dice: Dice, scv: float) -> Gaps:
    """Return Gamma gaps of mean 1 and this squared coefficient of variation."""
    shape = 1.0 / scv
    return lambda: dice.gammavariate(shape, scv)


def replay(gaps: Sequence[float], dice: Dice) -> Gaps:
    """Return the gaps of a trace, scaled to mean 1, over and over."""
    mean = math.fsum(gaps) / len(gaps)
    at = int(dice.random() * len(gaps))

    def following() -> float:
        nonlocal at
        at = (at + 1) % len(gaps)
        return gaps[at] / mean

    return following


class Rate:
    """Arrivals a second over time: a number, times the factors that hold.

    ``changes`` are instants in seconds, in order, with the factor from each on.
    """

    def __init__(self, rate_per_s: float, changes: Sequence[tuple[float, float]] = ()) -> None:
        self.rate_per_s = rate_per_s
        self._starts_s = [0.0, *(at_s for at_s, _ in changes)]
        self._rates = [rate_per_s, *(rate_per_s * factor for _, factor in changes)]

    def at(self, now_s: float) -> float:
        """Return the rate at an instant."""
        return self._rates[bisect.bisect_right(self._starts_s, now_s) - 1]

    def after(self, now_s: float, gap: float) -> float:
        """Return the instant at which the rate's integral since now reaches ``gap``."""
        at = bisect.bisect_right(self._starts_s, now_s) - 1
        last = len(self._starts_s) - 1
        while at < last:
            rate, end_s = self._rates[at], self._starts_s[at + 1]
            if rate > 0 and now_s + gap / rate <= end_s:
                return now_s + gap / rate
            gap -= rate * (end_s - now_s)
            now_s = end_s
            at += 1
        return now_s + gap / self._rates[at] if self._rates[at] > 0 else math.inf


def drawn(lengths: Sequence[Length], dice: Dice) -> Lengths:
    """Return lengths drawn from a trace, each row as likely as any other."""
    count = len(lengths)
    return lambda: lengths[int(dice.random() * count)]


def exponential(input_tokens: int, output_tokens: int, dice: Dice) -> Lengths:
    """Return outputs of an exponential distribution, for what closed forms assume."""

    def one() -> Length:
        return input_tokens, max(1, round(-math.log(1.0 - dice.random()) * output_tokens))

    return one


def parse_lengths(text: str) -> list[Length]:
    """Return the first two columns of a CSV file with a head."""
    rows = (line.split(",") for line in text.splitlines()[1:] if line)
    return [(int(row[0]), max(1, int(row[1]))) for row in rows]


def parse_column(text: str, column: int) -> list[float]:
    """Return one column of a CSV file with a head."""
    return [float(line.split(",")[column]) for line in text.splitlines()[1:] if line]
