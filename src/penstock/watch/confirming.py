"""When a probe is made again: at its interval, or at once, to see whether a bad one was chance.

    bad       failed, slow or wrong: the next ``SERIES`` probes follow ``GAP_S`` after one another,
              whatever becomes of them; a bad one among them begins the series anew
    bounded   each of them takes one from a purse of ``PURSE``, into which each that came at its
              interval puts 1 / ``EARNS``: however long an outage, it is asked 1 / ``EARNS`` more
              often than without, and ``PURSE`` times
    unknown   it is our own side that fails: the series is over

What they are worth is not the scheduler's to say: bad ones in a row within seconds may be one blip,
and ``dossier`` lets them add to the evidence by the time that they span.

Pure: told what became of a probe.
"""

from typing import Final

from penstock.watch.evidence import ProbeResult

GAP_S: Final = 1.0  # from the end of one to the begin of the next, which takes one or two itself
SERIES: Final = 8  # of a fault that hits three in ten, one series in twenty shows nothing
PURSE: Final = 20.0  # a minute of them: what has not been found by then is found without hurry
EARNS: Final = 8.0  # probes at their interval, for one that confirms
BAD: Final = frozenset({ProbeResult.FAILED, ProbeResult.SLOW, ProbeResult.WRONG})


class Confirming:
    """Of one probe; not thread-safe."""

    __slots__ = ("_left", "_purse", "_was_extra")

    def __init__(self) -> None:
        self._left = 0
        self._purse = PURSE
        self._was_extra = False

    def ended(self, result: ProbeResult) -> bool:
        """Return whether the next one is to follow after ``GAP_S``, and not at its interval."""
        if not self._was_extra:
            self._purse = min(PURSE, self._purse + 1.0 / EARNS)
        if result in BAD:
            self._left = SERIES
        elif result is ProbeResult.UNKNOWN:
            self._left = 0
        self._was_extra = self._left > 0 and self._purse >= 1.0
        if self._was_extra:
            self._left -= 1
            self._purse -= 1.0
        return self._was_extra
