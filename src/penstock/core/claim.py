"""Claim: what admission knows of one exchange, and what it has decided about it.

The first part is the caller's and never changes: who asks, how urgently, for about how much. The
second part is written by admission, once, when the exchange is admitted; a failover asks again with
the same claim and is not counted twice. The last part is what it has used, when it is over.

Pure data: plain values only, so that a claim can be sent to another process.
"""

from typing import Final

from penstock.core.price import NOTHING_USED, Tokens
from penstock.core.tier import Tier


class Claim:
    """One exchange before the gate. Owned by one event loop."""

    __slots__ = (
        "arrived_at_s", "degraded", "input_tokens", "is_admitted", "is_in_contract", "is_limited",
        "is_struck", "key", "line", "load_level", "may_degrade_model", "model", "output_tokens",
        "output_tokens_cap",
        "output_tokens_max", "reserved_microusd", "reserved_tokens", "seat", "served", "tenant",
        "tier", "ttft_timeout_s", "used", "user", "was_moved",
    )  # fmt: skip

    def __init__(
        self,
        tenant: str,
        key: str,
        tier: Tier,
        input_tokens: int,
        arrived_at_s: float,
    ) -> None:
        self.tenant = tenant
        self.key = key
        self.tier = tier  # as asked for, and not above the key's
        self.user = ""  # as asserted by a key that may; empty: the key is the user
        self.line = 0  # people who have joined the line that its front end keeps; 0: it keeps none
        self.input_tokens = input_tokens  # an estimate, from bytes
        self.output_tokens_max = 0  # as the caller bounds it; 0: not at all
        self.arrived_at_s = arrived_at_s
        self.may_degrade_model = False  # its tenant agrees to a smaller one under load
        self.ttft_timeout_s = 0.0  # as the caller or the tenant bounds it; 0: not at all
        # admission's
        self.is_admitted = False
        self.is_in_contract = False
        self.is_limited = False  # its key or tenant has limits, which answers tell
        self.served = tier  # the band it waits in
        self.seat = ""  # whose ticket and streams it counts among, if a consumer's
        self.output_tokens = 0  # reserved: what such an exchange usually takes
        self.load_level = 0  # of the ladder, as it was admitted; 0: it is no consumer, or no load
        self.output_tokens_cap = 0  # the ladder's: answer no longer than this; 0: no cap
        self.reserved_microusd = 0
        self.reserved_tokens = 0  # that its key and tenant are charged with until it is settled
        self.degraded: tuple[str, ...] = ()  # what the ladder took: max_tokens, model
        self.model = ""  # of the upstream that was granted last
        self.was_moved = False  # put aside before its first byte, for one with a contract
        self.is_struck = False  # by a live drill, at any of its attempts
        self.used: Tokens = NOTHING_USED  # what is to be paid for, when all is over


# One of many alike, for questions that are nobody's in particular: not to be changed.
ANYONE: Final = Claim("", "", Tier.STANDARD, 0, 0.0)


MAX_TOKENS: Final = "max_tokens"  # words of Claim.degraded and of x-penstock-degraded
MODEL: Final = "model"
