"""Concurrency limit: how many attempts one upstream may have under way at once.

    try_acquire   under the limit   -> one more is under way, True
    try_acquire   at the limit      -> False; whoever asked waits at the gate, not at the upstream
    release       once per acquire  -> one fewer

The limit is what the operator declared. Pure: reads no clock and keeps no queue.
"""


class ConcurrencyLimit:
    """The slots of one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = ("in_flight", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0

    @property
    def is_free(self) -> bool:
        """Whether ``try_acquire`` would succeed."""
        return self.in_flight < self.limit

    def try_acquire(self) -> bool:
        """Take a slot, or return False if there is none. Never waits."""
        if self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    def release(self) -> None:
        """Give a slot back."""
        assert self.in_flight > 0, "a slot came back twice"
        self.in_flight -= 1
