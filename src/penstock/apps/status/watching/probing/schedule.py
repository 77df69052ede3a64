"""When which probe is due.

    first       within FIRST_S of the start, each at a moment of its own
    then        its interval after it began, give or take JITTER_RATIO of it: probes of several
                installations, and of one, do not fall into step
    under way   a probe is not begun again before it has ended
    confirmed   a bad one is made again soon, a few times (``watch/confirming.py``)
    a change    who stays keeps its moment; who is new begins as at the start

Pure: told the time, and its chance.
"""

from collections.abc import Callable, Iterable
from typing import Final

from penstock.watch.confirming import GAP_S, Confirming
from penstock.watch.evidence import ProbeResult

FIRST_S: Final = 3.0
JITTER_RATIO: Final = 0.1
INTERVAL_S_MIN: Final = 1.0


class Schedule:
    """Knows what is due. Owned by one event loop."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._due_s: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._confirming: dict[str, Confirming] = {}

    def use(self, names: Iterable[str], now_s: float) -> None:
        """Take a changed list."""
        due = {name: self._due_s.get(name) for name in names}
        self._due_s = {
            name: now_s + FIRST_S * self._chance() if at_s is None else at_s
            for name, at_s in due.items()
        }
        known = self._confirming
        self._confirming = {name: known.get(name) or Confirming() for name in self._due_s}

    def due(self, now_s: float, most: int) -> list[str]:
        """Return what is due, the longest overdue first; they are under way then."""
        ready = sorted(
            (at_s, name) for name, at_s in self._due_s.items()
            if at_s <= now_s and name not in self._under_way
        )  # fmt: skip
        found = [name for _, name in ready[: max(0, most - len(self._under_way))]]
        self._under_way.update(found)
        return found

    def begun(self, name: str, interval_s: float, now_s: float) -> None:
        """A probe has begun: set when it is due again."""
        if name in self._due_s:
            jitter = 1.0 + JITTER_RATIO * (2.0 * self._chance() - 1.0)
            self._due_s[name] = now_s + max(INTERVAL_S_MIN, interval_s) * jitter

    def done(self, name: str) -> None:
        """A probe has ended, however."""
        self._under_way.discard(name)

    def told(self, name: str, result: ProbeResult, now_s: float) -> None:
        """What became of it: a bad one is confirmed."""
        if name in self._confirming and self._confirming[name].ended(result):
            self._due_s[name] = min(self._due_s[name], now_s + GAP_S)

    def next_s(self, now_s: float, most_s: float) -> float:
        """Return in how many seconds something is due, or ``most_s`` if that is sooner."""
        waiting = [at_s for name, at_s in self._due_s.items() if name not in self._under_way]
        return min(most_s, max(0.0, min(waiting, default=now_s + most_s) - now_s))
