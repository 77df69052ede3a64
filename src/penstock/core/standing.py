"""How much of its own limits a tenant or a key has left: what rate-limit headers tell.

Limits of requests and of tokens a minute have such headers in callers' dialects; those of money and
of concurrency have none.
"""

from typing import Final, NamedTuple

from penstock.core.errors import LimitError


class Level(NamedTuple):
    """One limit: ``reset_s`` is until all of it is there again."""

    limit: int
    remaining: int
    reset_s: float


class Standing(NamedTuple):
    """The limits of one caller; None is without limit."""

    requests: Level | None = None
    tokens: Level | None = None


UNLIMITED: Final = Standing()


def standing_of(error: LimitError) -> Standing:
    """Return what a refusal says of the limit that was reached; nothing of the others."""
    level = Level(error.limit, error.remaining, error.retry_after_s)
    if error.dimension == "requests_per_min":
        return Standing(requests=level)
    return Standing(tokens=level) if error.dimension == "tokens_per_min" else UNLIMITED
