"""What the emulator is told when it starts."""

import secrets
from dataclasses import dataclass, field

from penstock.apps.emulate.limits import RateLimit
from penstock.apps.emulate.pace import PaceSetting

TOKEN_BYTES = 32


def new_token() -> str:
    """Return a token for the control port that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Seed, paces and limits by provider, a fault script as it was written, and what is allowed.

    With shared text every provider and model says the same to the same conversation.
    """

    seed: int = 0
    pace: dict[str, PaceSetting] = field(default_factory=dict[str, PaceSetting])
    limits: dict[str, RateLimit] = field(default_factory=dict[str, RateLimit])
    faults: object = None  # a decoded document
    control_token: str = field(default_factory=new_token)
    allows_fault_header: bool = False
    is_text_shared: bool = False
