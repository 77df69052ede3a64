"""Whom a wave is not about, and when many rise together (STATUS 5.4).

    spill    everybody gets 2-8 % of a wave's volume: people blame what they use. So of each
             component's reports, spill_ratio of all larger series together is expected on top of
             what is usual; only what exceeds that counts. What is larger is never explained by
             what is smaller
    shared   the models of two providers or more, and of most that can be seen, begin to fail
             together: it is what they share. With errors of connections and names, two suffice

Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from penstock.watch.settings import Settings

CONNECTION_KINDS: Final = frozenset({"connect", "dns", "tls", "unreachable", "network"})
PROVIDERS_MIN: Final = 2
MOST_RATIO: Final = 2 / 3


class Spill(msgspec.Struct, frozen=True):
    """What the larger series of reports amount to now, for each component that has any."""

    total_per_min: float = 0.0
    larger_per_min: dict[str, float] = {}

    def on(self, component: str, settings: Settings) -> float:
        """Votes a minute that others' waves send to this component."""
        if not settings.has_explaining:
            return 0.0
        larger = self.larger_per_min.get(component, self.total_per_min)
        return larger * min(settings.spill_ratio, settings.spill_max_ratio)


NO_SPILL: Final = Spill()


def spill_of(per_min: Mapping[str, float]) -> Spill:
    """From each component's votes a minute; of two that are alike neither explains the other."""
    if not per_min:
        return NO_SPILL
    larger: dict[str, float] = {}
    total = same = last = 0.0
    for component, rate in sorted(per_min.items(), key=lambda one: -one[1]):
        same = same + rate if rate == last else rate
        total += rate
        last = rate
        larger[component] = total - same
    return Spill(total, larger)


class Rise(msgspec.Struct, frozen=True):
    """A model's component that stands out."""

    component: str
    provider: str
    onset_unix_s: float
    is_connection: bool  # most of its failures are of connections and names


def is_shared(
    rises: Iterable[Rise], models: Mapping[str, int], settings: Settings
) -> tuple[str, ...]:
    """Components that began to fail together; ``models``: provider -> how many of it are seen.

    Empty: there is no sign that what they share is at fault.
    """
    together = _together(sorted(rises, key=lambda rise: rise.onset_unix_s), settings.together_s)
    failing: dict[str, int] = {}
    for rise in together:
        failing[rise.provider] = failing.get(rise.provider, 0) + 1
    whole = [name for name, number in failing.items() if 2 * number > models.get(name, 0)]
    is_connection = bool(together) and all(rise.is_connection for rise in together)
    is_most = len(whole) >= MOST_RATIO * len(models)
    if len(whole) < PROVIDERS_MIN or not (is_most or is_connection):
        return ()
    return tuple(rise.component for rise in together if rise.provider in whole)


def _together(rises: list[Rise], within_s: float) -> list[Rise]:
    """The largest run of rises that began within a span; the later one of two alike."""
    best: list[Rise] = []
    for at, first in enumerate(rises):
        run = [rise for rise in rises[at:] if rise.onset_unix_s - first.onset_unix_s <= within_s]
        if len(run) >= len(best):
            best = run
    return best
