"""What follows from the head of a request alone: what is asked for, by whom, and how.

A client sends the same head again and again, so this is worked out once and then found beside the
head (``wire.familiar``). It holds for the snapshot that it was worked out with: a key that the next
one does not have any more is looked up again, and refused. Whether a key has expired is asked each
time. The secret is not kept, only whose it is.
"""

from dataclasses import dataclass
from typing import Final

from penstock.config.tenancy import Tenant
from penstock.core.tier import Tier
from penstock.dialects.operation import Endpoint
from penstock.snapshot.model import Key

OURS: Final = b"x-penstock-"
RESUME: Final = b"idempotency-key"
NONE: Final[frozenset[bytes]] = frozenset()


@dataclass(frozen=True, slots=True)
class Context:
    """What follows from the head of a request alone.

    ``wishes`` are the headers by which a caller asks for more than an answer; most have none.
    """

    generation: int  # of the snapshot: ``Routing.generation``
    endpoint: Endpoint
    key: Key
    tenant: Tenant
    tier_max: Tier  # the highest that the request may have
    wishes: frozenset[bytes] = NONE
    may_fail_over: bool = True
    wants_places: bool = False
    wants_notes: bool = False


def wishes_of(headers: dict[bytes, bytes]) -> frozenset[bytes]:
    """Return the names of the headers by which a caller asks for more than an answer."""
    return frozenset(name for name in headers if name.startswith(OURS) or name == RESUME)
