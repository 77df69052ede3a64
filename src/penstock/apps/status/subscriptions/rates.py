"""How often somebody may ask: so many times in a span, counted by whatever names them.

Kept in memory: a restart forgives, which costs little beside what it would cost to write each
question down. At most KEYS_MAX are remembered; whoever has not asked for longest is forgotten when
more come. Pure: told the time.
"""

from typing import Final

KEYS_MAX: Final = 20_000  # two megabytes


class Rates:
    """Counts one kind of thing. Owned by one event loop."""

    def __init__(self, times: int, span_s: float) -> None:
        self._times = times
        self._span_s = span_s
        self._counts: dict[str, tuple[float, int]] = {}  # since when, how often

    def allows(self, key: str, now_unix_s: float) -> bool:
        """Count one time more; tell whether that is still allowed."""
        since_unix_s, count = self._counts.pop(key, (now_unix_s, 0))
        if abs(now_unix_s - since_unix_s) >= self._span_s:
            since_unix_s, count = now_unix_s, 0
        if len(self._counts) >= KEYS_MAX:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = (since_unix_s, min(count + 1, self._times + 1))
        return count < self._times
