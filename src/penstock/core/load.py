"""Load: how busy an upstream seems from here, as a peak-sensitive moving average of latency.

    a slower sample than the average   -> the average jumps to it at once
    a faster sample                    -> the average decays towards it over ``decay_s``
    no sample yet, attempts under way  -> a penalty, so that a newcomer is not flooded

Load is latency times (attempts under way + 1): the expected wait of one more. Latency here is the
time to the first token, since total time follows the length of the answer.

Pure: reads no clock. ``now_s`` is monotonic seconds.
Source: Twitter Finagle's Peak EWMA balancer; tower's load/peak_ewma.rs for the penalty.
"""

import math
from typing import Final

DECAY_S: Final = 10.0  # Finagle's and tower's default
PENALTY_S: Final = 1.0


class PeakEwma:
    """The load of one upstream and model. Owned by one event loop; not thread-safe."""

    __slots__ = ("_at_s", "_decay_s", "_latency_s")

    def __init__(self, now_s: float, decay_s: float = DECAY_S) -> None:
        self._decay_s = decay_s
        self._latency_s = 0.0
        self._at_s = now_s

    @property
    def latency_s(self) -> float:
        """The average as of the last sample, in seconds; 0 if there was none."""
        return self._latency_s

    def observe(self, latency_s: float, now_s: float) -> None:
        """Learn one latency, in seconds."""
        if latency_s > self._latency_s:
            self._latency_s = latency_s
        else:
            passed_s = now_s - self._at_s
            keep = math.exp(-passed_s / self._decay_s) if passed_s > 0.0 else 1.0
            self._latency_s = self._latency_s * keep + latency_s * (1.0 - keep)
        self._at_s = now_s

    def load(self, in_flight: int, now_s: float) -> float:
        """Return the expected wait of one more attempt, in seconds."""
        if self._latency_s == 0.0:
            return PENALTY_S * in_flight
        keep = math.exp(-max(0.0, now_s - self._at_s) / self._decay_s)
        return self._latency_s * keep * (in_flight + 1)
