"""Alarms for many exchanges at the price of one timer.

An exchange sets an alarm, moves it and drops it far more often than one goes off, so setting and
dropping must cost next to nothing. Alarms lie in buckets of one tick each; one timer of the event
loop walks the buckets while there is any alarm at all, and rests when there is none. An alarm goes
off at the first walk that finds its bucket past: less than two ticks late, never early. One that
was set more than ``FAR_TICKS`` ahead may be ``COARSE_TICKS`` later still, so that the many that are
never reached share few buckets. An alarm that is moved to a later instant stays where it is until
its bucket falls due, as late as that is: most are moved often and never go off.

Most are moved or dropped within a second as well. So what is not due before the next sorting lies
in no bucket yet, but with all that is new; ``SORT_S`` apart, a walk lays what is left of that into
its buckets, before it looks which of them are past.

Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987 (scheme 5, with a
dictionary for the wheel, below one outer slot of scheme 7).
"""

import asyncio
from collections.abc import Callable
from typing import Final

from penstock.wire import clock

TICK_S: Final = 0.01  # far below any limit that is set, and 100 idle wake-ups a second at most
FAR_TICKS: Final = 1000  # ten seconds
COARSE_TICKS: Final = 32  # a third of a second: at most 3 % of what is that far away
SORT_S: Final = 0.5  # most answers have begun by then, or are over
UNSET: Final = -1
DUE: Final = -2
NEW: Final = 0  # in no bucket yet


class Alarm:
    """One alarm, set again and again. Owned by one event loop; not thread-safe."""

    __slots__ = ("_alarms", "_callback", "at_s", "bucket", "put_at_s")

    def __init__(self, alarms: "Alarms", callback: Callable[[float], None]) -> None:
        self._alarms = alarms
        self._callback = callback
        self.bucket = UNSET  # where it lies; kept by the wheel
        self.at_s = 0.0
        self.put_at_s = 0.0  # the first instant that it need not be put anew for

    def wake_at(self, at_s: float) -> None:
        """Go off at this instant, in monotonic seconds; replaces what was set before."""
        self.at_s = at_s
        if self.bucket < 0 or at_s < self.put_at_s:
            self._alarms.put(self, at_s)

    def drop(self) -> None:
        """Do not go off."""
        if self.bucket >= 0:
            self._alarms.remove(self)
        self.bucket = UNSET

    def ring(self, now_s: float) -> None:
        """Go off, unless dropped or set anew since it fell due; called by the loop alone."""
        if self.bucket == DUE:
            self.bucket = UNSET
            if now_s < self.at_s:
                self.wake_at(self.at_s)  # it was moved to a later instant
            else:
                self._callback(now_s)


class Alarms:
    """The wheel of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buckets: dict[int, set[Alarm]] = {}
        self._new: set[Alarm] = set()
        self._sort_at_s = 0.0
        self._walked = self._tick(clock.now_s())
        self._is_walking = False

    @staticmethod
    def _tick(at_s: float) -> int:
        return int(at_s / TICK_S)

    def put(self, alarm: Alarm, at_s: float) -> None:
        """Lay an alarm where it is found in time, and start walking if we were at rest."""
        if not self._is_walking:
            self._start()
        if alarm.bucket >= 0:
            self.remove(alarm)
        if at_s >= self._sort_at_s:
            alarm.bucket, alarm.put_at_s = NEW, self._sort_at_s
            self._new.add(alarm)
        else:
            self._place(alarm)

    def remove(self, alarm: Alarm) -> None:
        """Take an alarm out of where it lies; an empty bucket goes with it."""
        bucket = alarm.bucket
        if bucket == NEW:
            self._new.discard(alarm)
            return
        found = self._buckets[bucket]
        found.discard(alarm)
        if not found:
            del self._buckets[bucket]

    def _start(self) -> None:
        now_s = clock.now_s()
        self._walked = max(self._tick(now_s), self._walked)  # there was nothing to walk
        self._sort_at_s = now_s + SORT_S
        self._is_walking = True
        self._loop.call_later(TICK_S, self._walk)

    def _place(self, alarm: Alarm) -> None:
        """Lay an alarm into its bucket: the first tick wholly after it, never a past one."""
        at_s = alarm.at_s
        bucket = int(at_s / TICK_S) + 1
        ahead = bucket - self._walked
        if ahead > FAR_TICKS:
            bucket -= bucket % -COARSE_TICKS
        elif ahead <= 0:
            bucket = self._walked + 1
        alarm.bucket, alarm.put_at_s = bucket, at_s
        found = self._buckets.get(bucket)
        if found is None:
            self._buckets[bucket] = {alarm}
        else:
            found.add(alarm)

    def _sort(self, now_s: float) -> None:
        new, self._new = self._new, set()
        self._sort_at_s = now_s + SORT_S
        for alarm in new:
            self._place(alarm)

    def _walk(self) -> None:
        now_s = clock.now_s()
        if now_s >= self._sort_at_s:
            self._sort(now_s)
        tick = self._tick(now_s)
        if tick - self._walked > len(self._buckets):  # after a long sleep: only what there is
            due = sorted(bucket for bucket in self._buckets if bucket <= tick)
        else:
            due = [b for b in range(self._walked + 1, tick + 1) if b in self._buckets]
        self._walked = max(tick, self._walked)
        # First the next walk: an alarm that fails must not silence all the others.
        self._is_walking = len(self._buckets) > len(due) or bool(self._new)
        if self._is_walking:
            self._loop.call_later(TICK_S, self._walk)
        for bucket in due:
            for alarm in self._buckets.pop(bucket, ()):
                alarm.bucket = DUE  # to ring in a moment
                self._loop.call_soon(alarm.ring, now_s)
