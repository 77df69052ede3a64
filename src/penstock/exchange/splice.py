"""Going on after a break: what an exchange remembers of an answer that others may finish.

    nothing of the answer has gone out           plain failover, the answer begins anew
    a tool call was held back when it broke      the same, or on from the text before it
    the hop names an obstacle                    the truncation contract
    as many hops as are allowed have gone on     the truncation contract
    the output limit is as good as reached       the end that the model would have made
    otherwise                                    another upstream, the same model first

A hop is an attempt of whose answer the caller has something. Whom to ask is decided by
``failover.py``, as before the commit. Pure.
"""

from typing import Final

from penstock.core.claim import ANYONE
from penstock.dialects import service_tier
from penstock.dialects.continuation import continued, is_spent, obstacle_of
from penstock.dialects.message import Request, Usage
from penstock.dialects.splicing import Hop, first_hop
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.target import Readiness, Target

HOPS_MAX: Final = 2  # that go on after the first (DIALECTS 11)


class Splice:
    """The memory of one exchange. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_hop", "_hops", "_is_spent", "_model", "_order", "_request", "_used", "held_since_s",
    )  # fmt: skip

    def __init__(self, order: Order, request: Request) -> None:
        self._order = order
        self._request = request
        self._hop: Hop | None = None  # the last one, once it is broken
        self._used = Usage()  # by it
        self._model = ""  # of the first
        self._hops = -1
        self._is_spent = False
        self.held_since_s = 0.0  # 0: this attempt has held nothing

    @property
    def goes_on(self) -> bool:
        """Whether the next attempt is asked for the rest of an answer."""
        return self._hop is not None

    def write_request(self, attempt: Attempt) -> None:
        """Ask for what is missing; raises CallerError if this upstream cannot be asked."""
        assert self._hop is not None
        target = attempt.target
        attempt.continuation = continued(
            service_tier.lowered(self._request, self._order.inquiry.served),
            self._hop.progress,
            prefill=target.capability.prefill,
            prompt=self._order.route.continue_prompt,
        )
        attempt.is_translated = True
        if target.upstream.dialect is self._order.dialect:
            attempt.caller_headers = self._order.headers
        attempt.body, attempt.dropped = target.write_request(
            attempt.continuation.request, attempt.dialect
        )

    def reader_of(self, attempt: Attempt) -> Hop:
        """Return what reads a stream that another one can follow."""
        order, upstream = self._order, attempt.target.upstream.dialect
        if attempt.continuation is not None and self._hop is not None:
            decoder, model = upstream.decoder(), attempt.target.model
            hop = self._hop.resume(decoder, attempt.continuation, model, self._used)
        else:
            at_unix_s = int(order.at_unix_s)
            splicing = order.route.splicing
            hop = first_hop(order.dialect, upstream, order.inquiry, at_unix_s, splicing)
        attempt.hop = hop
        self.held_since_s = 0.0
        return hop

    def release_late(self, attempt: Attempt, now_s: float) -> bytes:
        """Return the calls that have been held back for too long; asked after every chunk."""
        hop = attempt.hop
        if hop is None or not hop.is_holding:
            return b""
        self.held_since_s = self.held_since_s or now_s
        is_late = now_s - self.held_since_s >= self._order.route.hold_s
        # What is held of an answer that has just broken is as if it had never come.
        return hop.release() if is_late and hop.failure is None else b""

    def on_break(self, attempt: Attempt) -> None:
        """Note a settled attempt; it is a hop if the caller has something of it."""
        hop = attempt.hop
        if hop is None or not attempt.first_token_at_s:
            return
        self._model = self._model or attempt.target.model
        self._used = attempt.counted
        self._hop = hop
        self._hops += 1
        self._is_spent = is_spent(self._request, hop.progress.text)

    def obstacle(self) -> str:
        """Return why nobody may go on; empty if somebody may."""
        if self._hop is None:
            return "nothing to go on from"
        why = self._hop.obstacle()
        if why is None and self._hops >= HOPS_MAX:
            why = f"{HOPS_MAX} upstreams have gone on with it already"
        return why or ""

    def conclusion(self) -> bytes:
        """Return the end of an answer that has reached its output limit; empty if it has not."""
        if self._hop is None or not self._is_spent or self._hop.obstacle() is not None:
            return b""
        return self._hop.conclude(self._used)

    def preferred(self, targets: list[Target], now_s: float) -> list[Target]:
        """Return whom to ask for the rest: the model that began it, where that is to be had."""
        same = [one for one in targets if one.model == self._model]
        return [one for one in same if one.readiness(ANYONE, now_s) is Readiness.READY] or targets


def splice_of(order: Order) -> Splice | None:
    """Return the memory for an exchange whose answer may be gone on with, or None."""
    if not order.is_continuing or not order.inquiry.is_stream:
        return None
    if obstacle_of(order.inquiry, order.dialect) is not None:
        return None
    return Splice(order, order.dialect.read_request(order.inquiry))
