"""The only place that reads clocks. Everything else is told the time."""

import time


def now_s() -> float:
    """Return monotonic seconds, for deadlines and durations."""
    return time.monotonic()


def now_unix_s() -> float:
    """Return wall time in seconds since 1970, for records and headers."""
    return time.time()
