"""Doubt about 400s: whether an upstream that refuses many requests is at fault, not its callers.

    a 400                          its share of what was answered rises
    an answer                      it falls
    the share is above a fifth     in doubt: whoever is refused asks another upstream, once
    the other refuses it, too      the callers are at fault: from the beginning

Callers' own mistakes are a few in a hundred, or one client in a loop, and are told as sent. Outages
have been 400s for half of all requests. What is asked again costs little: a 400 is quick, and of
callers that are at fault only every fifth or so asks twice.

Pure. Five in a row are in doubt, and at a share of a half about eight.
"""

from typing import Final

KEEP_RATIO: Final = 0.95  # of the share, an end: a memory of twenty
DOUBT_RATIO: Final = 0.2
REFUSED: Final = 400  # 413 and 422 say what is wrong


class RefusalDoubt:
    """The 400s of one upstream and model. Owned by one event loop; not thread-safe."""

    __slots__ = ("_share",)

    def __init__(self) -> None:
        self._share = 0.0

    @property
    def is_open(self) -> bool:
        """Whether another should be asked what it makes of a request."""
        return self._share >= DOUBT_RATIO

    def on_answered(self) -> None:
        """Count a request that was answered."""
        self._share *= KEEP_RATIO

    def on_refused(self) -> None:
        """Count a 400."""
        self._share = KEEP_RATIO * self._share + 1.0 - KEEP_RATIO

    def on_agreed(self) -> None:
        """Take note that another upstream has refused the same request."""
        self._share = 0.0
