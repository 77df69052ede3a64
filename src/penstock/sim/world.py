"""The world: virtual time, and what is to happen in it.

    at(at_s, ring)   -> ``ring(now_s)`` is called at that instant; of two at one, the first asked
    run(until_s)     -> everything up to that instant happens, in order; time stands there then
    Alarm            -> the one alarm of a gate: what is set replaces what was set before

Nothing is ever taken out of the heap: who no longer wants to be called ignores the call. Every
``inspect_every`` events somebody may look whether the world is still as it must be.

Pure: there is no other time than this one, and no chance in it.
"""

import heapq
from collections.abc import Callable
from typing import Final

Ring = Callable[[float], None]

START_S: Final = 1000.0  # not 0, which means never in many places


class World:
    """One virtual clock and its events. Not thread-safe."""

    __slots__ = ("_heap", "_order", "events", "inspect", "inspect_every", "now_s")

    def __init__(self) -> None:
        self.now_s = START_S
        self.events = 0
        self.inspect: Ring | None = None
        self.inspect_every = 64
        self._heap: list[tuple[float, int, Ring]] = []
        self._order = 0

    def at(self, at_s: float, ring: Ring) -> None:
        """Call back at an instant in seconds; what is past happens next."""
        self._order += 1
        heapq.heappush(self._heap, (at_s, self._order, ring))

    def run(self, until_s: float) -> None:
        """Let everything happen that is due up to ``until_s``."""
        heap, pop, inspect = self._heap, heapq.heappop, self.inspect
        until_look = self.inspect_every
        while heap and heap[0][0] <= until_s:
            at_s, _, ring = pop(heap)
            self.now_s = max(self.now_s, at_s)
            ring(self.now_s)
            self.events += 1
            if inspect is not None:
                until_look -= 1
                if until_look <= 0:
                    inspect(self.now_s)
                    until_look = self.inspect_every
        self.now_s = max(self.now_s, until_s)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen."""
        return not self._heap


class Alarm:
    """One alarm, as ``exchange.ports.Timer`` has it."""

    __slots__ = ("_at_s", "_ring", "_world")

    def __init__(self, world: World, ring: Ring) -> None:
        self._world = world
        self._ring = ring
        self._at_s = 0.0

    def wake_at(self, at_s: float) -> None:
        """Ring at this instant, and at no other."""
        if at_s != self._at_s:
            self._at_s = at_s
            self._world.at(at_s, self._on_time)

    def drop(self) -> None:
        """Do not ring."""
        self._at_s = 0.0

    def _on_time(self, now_s: float) -> None:
        if self._at_s and now_s >= self._at_s:
            self._at_s = 0.0
            self._ring(now_s)
