"""Spent: what an attempt has taken of its upstream, told when its grant comes back.

Unknown is 0 or None everywhere: then an estimate stands. Plain values, so that it can be sent to
another process.
"""

from typing import Final

from penstock.core.limits_seen import LimitsSeen


class Spent:
    """What one attempt took. ``input_tokens`` are those that no cache spared the upstream."""

    __slots__ = ("input_tokens", "output_tokens", "seen", "seen_at_s", "ttft_s")

    def __init__(
        self,
        ttft_s: float = 0.0,
        input_tokens: int = 0,
        output_tokens: int = 0,
        seen: LimitsSeen | None = None,
        seen_at_s: float = 0.0,
    ) -> None:
        self.ttft_s = ttft_s  # from dialling to the first content of a stream
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.seen = seen
        self.seen_at_s = seen_at_s  # when these headers came; 0: just now


# Not to be changed.
NOTHING: Final = Spent()  # nothing was sent: an attempt that was granted, and never dialled
UNTOLD: Final = Spent()  # whoever knew it is gone
