"""The share of new users who get in, so that what all bring just fills what there is for them.

    T   exchanges/s that are served; C: that could be, more than T where nobody waits
    H   exchanges/s that ticket holders ask for
    N   users/s who come anew, those who are refused included, each once
    L   those of them who stand in a line that a front end keeps, as they join it
    w   expected wait relative to its bound

    room = C * (1 + 0.25 - w)            what should come in: the queue is held at a quarter
    new  = (room - H) / N                of the new users get in, 0 to 1
    kept = C * (1 + 0.75 - w) / H        of the ticket holders stay in, 0 to 1
    line = room - new * (N - L)          users/s of lines get in: their share of those who come,
                                         and what nobody else wants, so that a line grows shorter

A feed-forward, trimmed by the queue. What holders leave over is filled with new users at once;
their next turns come a think time later, are seen in H, and leave less for others. So capacity is
full from the first second on, and the shares settle with the sessions, in a few think times. The
queue stays long enough for no slot to lie idle, and short enough for holders to be served.

Where nobody waits, C is not known: it is taken for larger by the second (C = T * growth) until
somebody waits. So capacity that comes back is filled within seconds, and a share of 1 says so.

Where nothing is served and nobody waits either, there is nothing to share: an outage. Then all
stays as it was, and who asks again and again is not counted; afterwards it goes on from there.

Holders are put out only where the queue nears its bound, because capacity was lost or a crowd came
in before anybody noticed. Then some go with all of their turns: one turn of everybody would leave
nobody a whole session.

The closed loop of ``tests/exchange/test_consumers_loop.py`` keeps slots full and at least 0.9 of
the ideal number of five-turn sessions whole, with a twentieth to a half of the load served.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import math
from typing import Final

WINDOW_S: Final = 10.0  # of the flows: a hundred exchanges at 10/s, half a think time
WAIT_GOAL_RATIO: Final = 0.25  # 2 s of queue at a bound of 8: the noise of 10/s over ten seconds
WAIT_KEEP_RATIO: Final = 0.75  # from here on holders are in danger of being refused by the queue
WAIT_NONE_RATIO: Final = 0.05  # nobody waits
GROWTH_PER_S: Final = 0.3  # of what is taken for possible, where nobody waits: double in 2.3 s
GROWTH_MAX: Final = 20.0  # from a twentieth of the load to all of it
SERVED_MIN_PER_S: Final = 0.2  # so that a capacity that was gone is found again
FLOW_MIN_PER_S: Final = 1e-6  # nobody comes: whoever does gets in


class FreeShare:
    """The shares of one pool of capacity. Owned by one event loop. Every call is O(1)."""

    __slots__ = (
        "_at_s", "_growth", "_holders_per_s", "_lined", "_lined_per_s", "_newcomers",
        "_newcomers_per_s", "_served_per_s", "holders", "kept_ratio", "line_per_s", "new_ratio",
        "served",
    )  # fmt: skip

    def __init__(self, now_s: float) -> None:
        self._at_s = now_s
        # Since the last look: exchanges that holders asked for, also if refused; those served.
        self.holders = self.served = 0
        self._lined = self._newcomers = 0
        self._holders_per_s = self._newcomers_per_s = self._served_per_s = 0.0
        self._lined_per_s = 0.0  # of the newcomers
        self._growth = 1.0
        self.line_per_s = SERVED_MIN_PER_S
        self.new_ratio = 1.0
        self.kept_ratio = 1.0

    def on_newcomer(self) -> None:
        """Count a user without ticket, once, also one who is refused."""
        self._newcomers += 1

    def on_joined(self, count: int) -> None:
        """Count users without ticket who have joined a line that a front end keeps."""
        self._lined += count
        self._newcomers += count

    def observe(self, wait_ratio: float, now_s: float) -> None:
        """Work the shares out anew, with the expected wait relative to its bound."""
        span_s = now_s - self._at_s
        if span_s <= 0.0:
            return
        self._at_s = now_s
        if not self.served and wait_ratio < WAIT_NONE_RATIO:
            self.holders = self._lined = self._newcomers = 0
            return
        self._count(span_s)
        if wait_ratio < WAIT_NONE_RATIO:
            self._growth = min(GROWTH_MAX, self._growth * math.exp(GROWTH_PER_S * span_s))
        else:
            self._growth = 1.0 + (self._growth - 1.0) * math.exp(-span_s)
        can = self._served_per_s * self._growth + SERVED_MIN_PER_S
        holders = self._holders_per_s
        room = can * max(0.0, 1.0 + WAIT_GOAL_RATIO - wait_ratio) - holders
        keep = can * max(0.0, 1.0 + WAIT_KEEP_RATIO - wait_ratio)
        self.new_ratio = min(1.0, max(0.0, room / max(self._newcomers_per_s, FLOW_MIN_PER_S)))
        others_per_s = self._newcomers_per_s - self._lined_per_s
        self.line_per_s = max(0.0, room - self.new_ratio * others_per_s)
        self.kept_ratio = min(1.0, keep / max(holders, FLOW_MIN_PER_S))

    def state(self) -> dict[str, float]:
        """Return what has been learned, for ``restore``."""
        return {
            "growth": self._growth,
            "holders_per_s": self._holders_per_s,
            "kept_ratio": self.kept_ratio,
            "line_per_s": self.line_per_s,
            "lined_per_s": self._lined_per_s,
            "new_ratio": self.new_ratio,
            "newcomers_per_s": self._newcomers_per_s,
            "served_per_s": self._served_per_s,
        }

    def restore(self, state: dict[str, float], now_s: float) -> None:
        """Go on from what another process has learned."""
        self._at_s = now_s
        self.holders = self._lined = self._newcomers = self.served = 0
        self._growth = state["growth"]
        self._holders_per_s = state["holders_per_s"]
        self._lined_per_s = state.get("lined_per_s", 0.0)  # of an older process
        self._newcomers_per_s = state["newcomers_per_s"]
        self._served_per_s = state["served_per_s"]
        self.kept_ratio = state["kept_ratio"]
        self.line_per_s = state.get("line_per_s", SERVED_MIN_PER_S)
        self.new_ratio = state["new_ratio"]

    def _count(self, span_s: float) -> None:
        share = 1.0 - math.exp(-span_s / WINDOW_S)
        self._holders_per_s += (self.holders / span_s - self._holders_per_s) * share
        self._lined_per_s += (self._lined / span_s - self._lined_per_s) * share
        self._newcomers_per_s += (self._newcomers / span_s - self._newcomers_per_s) * share
        self._served_per_s += (self.served / span_s - self._served_per_s) * share
        self.holders = self._lined = self._newcomers = self.served = 0
