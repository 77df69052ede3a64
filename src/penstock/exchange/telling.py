"""The caller's half of an exchange: what has gone out, and the signs of life in between.

    nothing yet   the status can still be anything
    started       the status is spent: it is 200, and every error is an event from here on
    committed     content has gone out

Who waits in silence gets a sign of life that its client bears:

    before the commit   as the route says; whoever may be told gets its place in the queue
    while others go on  every ``KEEP_ALIVE_S``
    a stream that flows has its upstream's own

Whoever asks for notes (``notes.py``) has them in front of the content that they are about.
"""

from typing import Final

from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.dialects import service_tier
from penstock.exchange.answering import EVENT_STREAM
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Place
from penstock.exchange.notes import Notes
from penstock.exchange.order import Order
from penstock.exchange.ports import Caller, Ports
from penstock.exchange.target import header_value

FREE: Final = Tier.FREE
KEEP_ALIVE_S: Final = 15.0  # of silence while others go on; common proxies close after 60
HELD_BYTES_MAX: Final = 1024 * 1024  # before the first content there is little to hold
PLACE_S: Final = 1.0  # between two words on the place in the queue (TIERING 5)
TIER_LINES: Final = tuple(b"x-penstock-tier: %b\r\n" % tier.word.encode() for tier in Tier)


class Telling:
    """What the caller knows so far. Owned by one event loop; the machine is built on it."""

    __slots__ = (
        "_bytes_out", "_held", "_is_committed", "_is_paused", "_is_started",
        "_notes", "_order", "_ports", "_told_at_s", "caller", "claim", "is_waiting",
    )  # fmt: skip

    caller: Caller

    def __init__(self, order: Order, ports: Ports) -> None:
        self._order = order
        self._ports = ports
        self.claim: Claim = order.claim
        self.is_waiting = False
        self._bytes_out: int = 0
        self._is_started = False  # the status is spent
        self._is_committed = False  # content has gone out
        self._is_paused = False
        self._held: bytearray | None = None
        self._notes = Notes(order.dialect) if order.wants_notes else None
        self._told_at_s = order.at_s  # when the caller last got a byte

    def _begin(self, headers: bytes, now_s: float) -> None:
        """Spend the status, if it has not been."""
        if not self._is_started:
            self._is_started = True
            self.caller.start(headers + self._tier_lines() + self._limit_lines(now_s))

    def _write(self, data: bytes, now_s: float) -> None:
        self._bytes_out += len(data)
        self._told_at_s = now_s
        self.caller.write(data)

    def _unix_s(self, now_s: float) -> float:
        """Return the wall time of an instant, in seconds."""
        return self._order.at_unix_s + (now_s - self._order.at_s)

    def _limit_lines(self, now_s: float) -> bytes:
        """Return the header lines of what is left of the caller's own limits, if it has some."""
        if not self.claim.is_limited:
            return b""
        standing = self._ports.gate.standing(self.claim, now_s)
        return self._order.dialect.limit_lines(standing, self._unix_s(now_s))

    def _tier_lines(self) -> bytes:
        """Return the header lines of the tier, and of what was taken."""
        claim = self.claim
        lines = TIER_LINES[claim.served]
        own = service_tier.HEADER_LINES.get(self._order.dialect.name)
        if own is not None:
            lines += own[claim.served]
        if claim.degraded:
            words = header_value(",".join(claim.degraded))
            lines += b"x-penstock-degraded: %b\r\n" % words
        return lines

    @property
    def _tells_places(self) -> bool:
        """Whether it waits in a queue whose places are told; that spends the status."""
        if not self.is_waiting or self._is_committed or not self._order.inquiry.is_stream:
            return False
        return self._order.wants_places or self.claim.served >= FREE

    def _silence_s(self, *, flows: bool) -> float:
        """Return the silence after which the caller gets a sign of life from us; 0: none."""
        if self._is_paused or not self._order.inquiry.is_stream:
            return 0.0
        if self._tells_places:
            return PLACE_S
        if not self._is_committed:
            return self._order.route.keep_alive_s
        return 0.0 if flows else KEEP_ALIVE_S

    def _keep_alive(self, place: Place | None, now_s: float) -> None:
        """Tell the caller that we are still there; before the commit this spends the status."""
        self._begin(b"content-type: %b\r\n" % EVENT_STREAM, now_s)
        dialect = self._order.dialect
        load = self._notes.load(self.claim) if self._notes is not None else b""
        if load:
            self._write(load, now_s)
        if place is None:
            self._write(dialect.keep_alive, now_s)
        elif place.eta_s:
            self._write(dialect.comment(b"queued position=%d eta_s=%.1f" % place), now_s)
        else:
            self._write(dialect.comment(b"queued position=%d" % place.position), now_s)

    # --- what is held back until the commit

    def _keep(self, out: bytes) -> int:
        """Hold this back too; return how much that is by now."""
        if self._held is None:
            self._held = bytearray()
        self._held += out
        return len(self._held)

    def _forget(self) -> None:
        self._held = None

    def _with_kept(self, out: bytes, attempts: list[Attempt]) -> bytes:
        """Return what has been held back, with this behind it, the first content of the last."""
        if self._held is not None:
            out = bytes(self._held) + out
            self._held = None
        if self._notes is not None:
            return self._notes.load(self.claim) + self._notes.who(attempts) + out
        return out
