"""Limits seen: what an answer's headers say of our account's quota, whatever the dialect.

    limit      in a minute; None: not told
    remaining  what is left of it now; None: not told
    reset_s    seconds until it is whole again; 0: not told, or not asked because some is left

Plain values, so that they can be sent to another process. The dialects read them
(``Dialect.limits_seen``), the quota uses them.
"""

from typing import Final, NamedTuple


class Level(NamedTuple):
    """One dimension of a quota, as the provider sees it."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: float = 0.0


UNSEEN: Final = Level()


class LimitsSeen(NamedTuple):
    """The dimensions of a quota, in the order of ``quota.Dimension``."""

    requests: Level = UNSEEN
    tokens: Level = UNSEEN
    input_tokens: Level = UNSEEN
    output_tokens: Level = UNSEEN
