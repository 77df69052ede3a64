"""How many exchanges a live drill may strike, at most: a share of all that were begun.

    seen       exchanges that were begun while the drill is on, whomever it aims at
    struck     exchanges that were struck; one that is struck again at a retry was counted before
    may strike only if afterwards struck <= ratio x seen in the last ``WINDOW_S``

Then it holds in the whole drill, too: cut it into windows that each end with a strike. The first
exchanges are let through until there are enough, and a burst is not made up for by the silence
before it. Of several workers each counts its own: where every part keeps the share, the sum does.

Pure: told the time. Bounded: one entry for a second of the window.
"""

from collections import deque
from typing import Final

WINDOW_S: Final = 60.0  # a minute of people noticing is what a drill may cost; shorter is noise
STEP_S: Final = 1.0
SLACK: Final = 1e-9  # of a product of floats: 0.1 x 30 is to allow three


class BlastRadius:
    """The counts of one drill at one worker. Owned by one event loop."""

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self.seen = self.struck = 0
        self._steps: deque[list[int]] = deque()  # step, seen, struck: the oldest first
        self._seen = self._struck = 0  # in the window

    def see(self, now_s: float) -> None:
        """Note that an exchange was begun."""
        self._step(now_s)[1] += 1
        self._seen += 1
        self.seen += 1

    def try_strike(self, now_s: float) -> bool:
        """Strike one more, if that is within the radius."""
        step = self._step(now_s)
        if self._struck + 1 > self._ratio * self._seen + SLACK:
            return False
        step[2] += 1
        self._struck += 1
        self.struck += 1
        return True

    def _step(self, now_s: float) -> list[int]:
        """Return the step that is filling; what is older than the window is forgotten."""
        at = int(now_s // STEP_S)
        steps = self._steps
        while steps and steps[0][0] <= at - WINDOW_S / STEP_S:
            _, seen, struck = steps.popleft()
            self._seen -= seen
            self._struck -= struck
        if not steps or steps[-1][0] < at:
            steps.append([at, 0, 0])
        return steps[-1]
