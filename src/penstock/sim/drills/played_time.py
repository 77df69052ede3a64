"""From the outage's own time to played seconds, and back.

What lies in a window is there at its own second. What lies between two windows is left out: it has
happened when the next one begins. Before the first window: at its begin; after the last: never.
"""

from collections.abc import Sequence

from penstock.sim.drills.shapes import Window


def played_s(windows: Sequence[Window], at_unix_s: float) -> float | None:
    """Return when something that happened then has happened in the play; None: it is not played."""
    for one in windows:
        if at_unix_s < one.to_unix_s:
            return one.from_s + max(0.0, at_unix_s - one.from_unix_s)
    return None


def unix_s(windows: Sequence[Window], at_s: float) -> float:
    """Return the outage's own time at a played second; outside of all windows, the nearest."""
    for one in windows:
        if at_s < one.to_s:
            return one.from_unix_s + max(0.0, at_s - one.from_s)
    return windows[-1].to_unix_s if windows else at_s
