"""What the chat's line tells people of their wait, how it proves, and what could be told at best.

    python bench/chat_line.py [--seeds 2]

The loop of ``tests/exchange/line_loop.py``, in virtual time: people in sessions of five turns
before a gateway that is full, all or some of them by the line. For the first word that each is
told, and for all words of a wait:

    figure   part of them where the wait was between half and one and a half times the figure told
    bound    the same for whoever knows the pace exactly, where people are let in one by one by
             chance: with k ahead the wait is gamma distributed, and the best figure is k * ln 3
             times the time for one
    range    part of them where the wait ended within the range told
    wide     the median of most / least of it

An error of two seconds is none, in ``figure`` and ``range``; where both are less, it is left out.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.exchange.consumer_loop import Load, steady
from tests.exchange.line_loop import Lined, LineLoop
from tests.exchange.test_line_loop import (
    FELT_S,
    SETTLED_S,
    crowd,
    half_back,
    half_lost,
    patient,
    scattered,
)

Word = tuple[int, float, float, float, float]  # position, eta, least, most, the wait that it was


def full(phi: float, slots: int) -> Callable[[int], Load]:
    """Return a place that a part of all who come cannot get into."""
    return lambda seed: steady(seed, phi, slots, scattered)


CASES: Final[dict[str, tuple[Callable[[int], Load], float, float]]] = {
    "80 % get in, 1 of 10 by the line": (full(0.8, 45), 0.1, 60.0),
    "50 % get in, 1 of 10 by the line": (full(0.5, 45), 0.1, 60.0),
    "30 % get in, 1 of 20 by the line": (full(0.3, 45), 0.05, 60.0),
    "50 % get in, 16 places, 1 of 4 by it": (full(0.5, 16), 0.25, 60.0),
    "80 % get in, all by the line": (full(0.8, 45), 1.0, 60.0),
    "30 % get in, all by the line": (full(0.3, 45), 1.0, 60.0),
    "half of the places are lost": (half_lost, 1.0, 120.0),
    "they come back": (half_back, 1.0, 120.0),
    "a crowd": (crowd, 1.0, 600.0),
}


class Heard(LineLoop):
    """A loop that keeps what was told with the place."""

    def __init__(self, load: Load, lined: Lined) -> None:
        super().__init__(load, lined)
        self.places: dict[str, list[int]] = {}

    def poke(self, now_s: float) -> None:
        """Note who stood where when it was told."""
        before = {name: len(wait.told) for name, wait in self.waits.items() if not wait.in_at_s}
        super().poke(now_s)
        for name, count in before.items():
            if len(self.waits[name].told) > count:
                self.places.setdefault(name, []).append(self.line.place(name, now_s).position)


def words_of(loop: Heard) -> tuple[list[Word], list[Word]]:
    """Return the first words and all words that were told."""
    first: list[Word] = []
    every: list[Word] = []
    for name, wait in loop.waits.items():
        if not wait.in_at_s or wait.joined_at_s <= SETTLED_S:
            continue
        told = zip(loop.places.get(name, []), wait.told, wait.ranges, strict=False)
        words = [
            (place, eta, least, most, wait.in_at_s - at_s)
            for place, (at_s, eta), (_, least, most) in told
            if eta >= 0.0 and max(eta, wait.in_at_s - at_s) > FELT_S
        ]
        first += words[:1]
        every += words
    return first, every


def at_best(ahead: int) -> float:
    """Return how often the best figure is right, where the pace is known."""
    best = ahead * math.log(3.0)
    return _gamma(ahead, 1.5 * best) - _gamma(ahead, 0.5 * best)


def _gamma(shape: int, at: float) -> float:
    """Return how likely so many are let in before that, at one a second."""
    term = total = math.exp(-at)
    for count in range(1, shape):
        term *= at / count
        total += term
    return 1.0 - total


def figures(words: list[Word]) -> str:
    """Return the figures of a header's line."""
    if not words:
        return "none"
    count = len(words)
    right = sum(
        0.5 * eta <= waited <= 1.5 * eta or abs(eta - waited) <= FELT_S
        for _, eta, _, _, waited in words
    )
    held = sum(least - FELT_S <= waited <= most + FELT_S for *_, least, most, waited in words)
    bound = statistics.mean(at_best(max(1, min(place, 400))) for place, *_ in words)
    wide = statistics.median(most / max(1.0, least) for *_, least, most, _ in words)
    return (
        f"{count:6}: figure {right / count:.2f} (bound {bound:.2f}), "
        f"range {held / count:.2f}, wide {wide:3.1f}"
    )


def main() -> None:
    """Run all cases, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    seeds = range(1, parser.parse_args().seeds + 1)
    sys.stdout.write("with k ahead, the best figure is right in: ")
    told = ", ".join(f"{k}: {at_best(k):.2f}" for k in (1, 2, 3, 4, 6, 8, 12, 16, 32))
    sys.stdout.write(f"{told}\n")
    for name, (load, part, patience_s) in CASES.items():
        first: list[Word] = []
        every: list[Word] = []
        for seed in seeds:
            loop = Heard(load(seed), Lined(part, patient(patience_s)))
            loop.run()
            found = words_of(loop)
            first += found[0]
            every += found[1]
        sys.stdout.write(f"{name}\n  first {figures(first)}\n  all   {figures(every)}\n")


if __name__ == "__main__":
    main()
