"""Time for the watch, which only goes on: a wall clock that is set back must not hold it up.

set back    by more than JUMP_S: the watch is told times that are ahead by as much, and what it
            says is told in the wall clock's again; else an outage would last until that has
            caught up
set ahead   the watch comes nearer to the wall clock again, as far as it can
a start     with what was learned after now: the same

While it is ahead, hours of the week are off by as much.
"""

from typing import Any, Final, TypeVar

import msgspec

from penstock.watch.assessment import Assessment

JUMP_S: Final = 60.0  # a machine that slept; less is what clocks are corrected by
TIMES: Final = "_unix_s"
Some = TypeVar("Some", bound=msgspec.Struct)


class Steady:
    """How far the watch's time is ahead. Owned by one event loop."""

    def __init__(self, last_unix_s: float) -> None:
        self._last_unix_s = last_unix_s
        self._ahead_s = 0.0

    def now(self, now_unix_s: float) -> float:
        """Return the watch's time."""
        passed_s = now_unix_s + self._ahead_s - self._last_unix_s
        if not -JUMP_S <= passed_s <= JUMP_S:
            behind_s = self._last_unix_s - now_unix_s
            self._ahead_s = max(0.0, behind_s)
        self._last_unix_s = max(self._last_unix_s, now_unix_s + self._ahead_s)
        return self._last_unix_s

    def heard(self, evidence: Some) -> Some:
        """Return evidence in the watch's time."""
        return _moved(evidence, self._ahead_s) if self._ahead_s else evidence

    def told(self, assessments: tuple[Assessment, ...]) -> tuple[Assessment, ...]:
        """Return what the watch says in the wall clock's time."""
        if not self._ahead_s:
            return assessments
        return tuple(self._back(one) for one in assessments)

    def _back(self, one: Assessment) -> Assessment:
        by_s = -self._ahead_s
        detected = {name: at_unix_s + by_s for name, at_unix_s in one.detected.items()}
        signs = tuple(_moved(sign, by_s) for sign in one.signs)
        return msgspec.structs.replace(_moved(one, by_s), detected=detected, signs=signs)


def _moved(one: Some, by_s: float) -> Some:
    """Return it with all of its times moved; 0 is never."""
    times: dict[str, Any] = {
        name: getattr(one, name) + by_s
        for name in one.__struct_fields__
        if name.endswith(TIMES) and getattr(one, name)
    }
    return msgspec.structs.replace(one, **times)
