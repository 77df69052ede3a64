"""The caller's end user, as a name that an upstream takes."""

import hashlib
from typing import Final

CHARS_MAX: Final = 64  # of what OpenAI and Anthropic take


def short(user: str) -> str:
    """Return the name, or its SHA-256 if it is longer than upstreams take."""
    return user if len(user) <= CHARS_MAX else hashlib.sha256(user.encode()).hexdigest()
