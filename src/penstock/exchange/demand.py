"""What is asked of the gate, and what it gives: leave to dial one target once."""

from typing import Protocol

from penstock.core.circuit_breaker import Permit
from penstock.core.errors import ShedError
from penstock.exchange.route import Route
from penstock.exchange.target import Target


class Grant:
    """Leave to dial one target once; comes back to the gate exactly once."""

    __slots__ = ("is_out", "permit", "target")

    def __init__(self, target: Target, permit: Permit) -> None:
        self.target = target
        self.permit = permit
        self.is_out = True


class Demand(Protocol):
    """Who asks, for which of a route's targets, and until when it can wait."""

    route: Route
    targets: list[Target]  # those that would do now
    wait_until_s: float  # 0: do not wait at all
    is_waiting: bool

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Dial."""

    def on_refused(self, error: ShedError, now_s: float) -> None:
        """Do without."""
