"""The pace of a line: how fast people are let in, and how long it takes from there.

    now      those let in lately / the time in which somebody was kept waiting: while nobody is, the
             line is as fast as people come, which says nothing. ``USUAL_COUNTS`` more are counted
             as let in at the pace of the last ``USUAL_S``: a line is long just when few were let in
             by chance, and would be told too much
    settled  all that the place begins to answer, those inside as well / turns of a session: whoever
             is let in comes back for more turns, so this is what the pace comes down to after a
             crowd, or up to again. Known once enough sessions have ended
    leave    people who gave up / seconds that people have waited: the line before one grows shorter
             by them as well
    wait     ahead people stand before one:  ln(1 + ahead * leave / pace) / leave, at a pace that
             goes from now to settled in ``SETTLES_S``

    doubt    the square of how far a wait may be from what is told, as a ratio: ``LUMPS`` / ahead
             by chance alone, even at a pace that is known; 1 / let in, of which the pace is known;
             and ``DRIFT``, as the pace goes on changing

Nothing is said before ``ADMITTED_MIN`` were let in, nor when nobody has been for much longer than
it takes: then the past is no guide.

Shown by ``tests/exchange/test_line_loop.py``. Pure: reads no clock. ``now_s`` is monotonic seconds,
from whoever drives us.
"""

import math
from bisect import bisect_left
from collections import deque
from typing import Final

ADMITTED_MIN: Final = 6  # let in, before a pace is told: it is uncertain by two fifths then
ADMITTED_MAX: Final = 64  # that the pace of now is taken from: uncertain by an eighth
RECENT_S: Final = 45.0  # and no older than this, where twice the least are younger
USUAL_COUNTS: Final = 64.0  # as many as the pace of now is taken from at most
USUAL_S: Final = 600.0
LUMPS: Final = 1.5  # people are let in when places have ended and are asked for: not one by one
DRIFT: Final = 0.06  # 24 %: what is left of the error far back in lines that are simulated
STALLED: Final = 6.0  # of the usual time between two: chance makes that one time in 400
STALLED_MIN_S: Final = 5.0  # a gateway is asked again in a second or more
SERVED_MIN: Final = 16  # that the settled pace is taken from
SERVED_ENOUGH: Final = 64
SERVED_MAX: Final = 512
SERVED_S: Final = 30.0  # and no older than this, where enough are younger
SESSIONS_MIN: Final = 10.0
SESSION_KEEP: Final = 0.99  # of older sessions with each that ends: the last hundred count
SETTLES_S: Final = 25.0  # about the time between two turns of a person
ROUNDS: Final = 4  # of finding a wait and its pace together: within a few hundredths
LEAVE_WINDOW_S: Final = 120.0
LEAVE_MIN_PER_S: Final = 1e-6  # below it nobody leaves


class LinePace:
    """The pace of one line. Owned by one event loop. Telling it things is O(1)."""

    __slots__ = (
        "_admitted", "_at_s", "_held_s", "_is_held", "_left", "_person_s", "_served", "_sessions",
        "_turns", "_usual", "_usual_s",
    )  # fmt: skip

    def __init__(self, now_s: float) -> None:
        self._at_s = now_s
        self._is_held = False
        self._held_s = 0.0  # in which somebody was kept waiting, since the beginning
        self._admitted: deque[float] = deque(maxlen=ADMITTED_MAX)  # at which ``_held_s``
        self._served: deque[float] = deque(maxlen=SERVED_MAX)
        self._sessions = self._turns = 0.0  # that have ended, and what they asked for
        self._left = 0.0  # of late, and the seconds that people have waited of late
        self._person_s = 0.0
        self._usual = self._usual_s = 0.0  # let in of late, and the held time of it

    def advance(self, waiting: int, *, is_held: bool, now_s: float) -> None:
        """Say how many have been waiting since the last call, and whether they were kept so."""
        self._is_held = is_held
        span_s = now_s - self._at_s
        if span_s <= 0.0:
            return
        self._at_s = now_s
        keep = math.exp(-span_s / LEAVE_WINDOW_S)
        self._left *= keep
        self._person_s = self._person_s * keep + span_s * waiting
        if is_held:
            self._held_s += span_s
            keep = math.exp(-span_s / USUAL_S)
            self._usual *= keep
            self._usual_s = self._usual_s * keep + span_s

    def admitted(self) -> None:
        """Count one of the line that was let in now."""
        if self._is_held:
            self._admitted.append(self._held_s)
            self._usual += 1.0

    def served(self) -> None:
        """Count a message that was let in now, of the line or of those inside."""
        if self._is_held:
            self._served.append(self._held_s)

    def ended(self, turns: int) -> None:
        """Count a session that has ended, with its turns."""
        self._sessions = self._sessions * SESSION_KEEP + 1.0
        self._turns = self._turns * SESSION_KEEP + turns

    def left(self) -> None:
        """Count one that gave up now."""
        self._left += 1.0

    def forget(self) -> None:
        """Begin anew: what it was says nothing about what will be."""
        self._admitted.clear()
        self._served.clear()
        self._usual = self._usual_s = 0.0

    @property
    def per_s(self) -> float:
        """How many are let in by the second now; 0: not known."""
        count, span_s = self._recent(self._admitted, ADMITTED_MIN, 2 * ADMITTED_MIN, RECENT_S)
        if span_s <= 0.0:
            return 0.0
        quiet_s = self._held_s - self._admitted[-1]
        if quiet_s > max(STALLED_MIN_S, STALLED * span_s / count):
            return 0.0
        return (count + USUAL_COUNTS) / (span_s + USUAL_COUNTS * self._usual_s / self._usual)

    def doubt(self, turns: float) -> float:
        """Return the square of how far a wait for so many may be off, as a ratio."""
        known = max(ADMITTED_MIN, len(self._admitted))
        return LUMPS / max(1.0, turns) + 1.0 / known + DRIFT

    def wait_s(self, turns: float) -> float:
        """Return how long it takes for so many to go; -1: it cannot be said."""
        per_s = self.per_s
        if per_s <= 0.0:
            return -1.0
        wait_s = self._wait_s(turns, per_s)
        served, span_s = self._recent(self._served, SERVED_MIN, SERVED_ENOUGH, SERVED_S)
        if self._sessions >= SESSIONS_MIN and span_s > 0.0 and turns > 0.0:
            settled_per_s = served / span_s * self._sessions / self._turns
            for _ in range(ROUNDS):
                part = -math.expm1(-wait_s / SETTLES_S) * SETTLES_S / wait_s
                wait_s = self._wait_s(turns, part * per_s + (1.0 - part) * settled_per_s)
        return wait_s

    def _wait_s(self, turns: float, per_s: float) -> float:
        leave_per_s = self._left / self._person_s if self._person_s > 0.0 else 0.0
        if leave_per_s < LEAVE_MIN_PER_S:
            return turns / per_s
        return math.log1p(turns * leave_per_s / per_s) / leave_per_s

    def _recent(
        self, at_s: deque[float], least: int, enough: int, recent_s: float
    ) -> tuple[int, float]:
        """Return how many there were lately, or as many older ones as it takes, and in what time.

        The time is 0 where there are too few.
        """
        count = len(at_s)
        if count < least:
            return 0, 0.0
        first = bisect_left(at_s, self._held_s - recent_s)
        first = max(0, min(first, count - enough))
        return count - first - 1, self._held_s - at_s[first]
