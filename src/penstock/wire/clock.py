"""The only place that reads clocks. Everything else is told the time."""

import time
from collections.abc import Callable

# The functions themselves, with none of ours around: they are called several times a request.

now_s: Callable[[], float] = time.monotonic
"""Return monotonic seconds, for deadlines and durations."""

now_unix_s: Callable[[], float] = time.time
"""Return wall time in seconds since 1970, for records and headers."""
