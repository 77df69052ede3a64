"""Rate-limit headers as the official SDKs' users read them, of the caller's own limits.

    OpenAI      x-ratelimit-{limit,remaining,reset}-{requests,tokens}; a reset such as 6m0.5s
    Anthropic   anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}; a reset is an instant
    Gemini      none

What an upstream says of our account never goes to a caller (DIALECTS 7).
"""

import math
from datetime import UTC, datetime
from typing import Final

from penstock.core.standing import Level, Standing

SECOND_MS: Final = 1000


def openai(standing: Standing) -> bytes:
    """Return the lines for OpenAI's clients."""
    lines = b""
    for name, level in _levels(standing):
        lines += b"x-ratelimit-limit-%b: %d\r\n" % (name, level.limit)
        lines += b"x-ratelimit-remaining-%b: %d\r\n" % (name, max(0, level.remaining))
        lines += b"x-ratelimit-reset-%b: %b\r\n" % (name, _duration(level.reset_s))
    return lines


def anthropic(standing: Standing, now_unix_s: float) -> bytes:
    """Return the lines for Anthropic's clients; instants are whole seconds, rounded up."""
    lines = b""
    for name, level in _levels(standing):
        until = datetime.fromtimestamp(math.ceil(now_unix_s + max(0.0, level.reset_s)), UTC)
        lines += b"anthropic-ratelimit-%b-limit: %d\r\n" % (name, level.limit)
        lines += b"anthropic-ratelimit-%b-remaining: %d\r\n" % (name, max(0, level.remaining))
        at = until.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        lines += b"anthropic-ratelimit-%b-reset: %b\r\n" % (name, at)
    return lines


def _levels(standing: Standing) -> list[tuple[bytes, Level]]:
    named = ((b"requests", standing.requests), (b"tokens", standing.tokens))
    return [(name, level) for name, level in named if level is not None]


def _duration(seconds: float) -> bytes:
    """Return seconds as OpenAI writes them, rounded up to a millisecond: 12ms, 1.5s, 6m0s."""
    whole_ms = math.ceil(max(0.0, seconds) * SECOND_MS)
    if whole_ms < SECOND_MS:
        return b"%dms" % whole_ms
    minutes, rest_ms = divmod(whole_ms, 60 * SECOND_MS)
    shown = f"{rest_ms / SECOND_MS:.3f}".rstrip("0").rstrip(".").encode()
    return b"%dm%bs" % (minutes, shown) if minutes else b"%bs" % shown
