"""What is asked of the gate, and what it gives: leave to dial one target once."""

from typing import NamedTuple, Protocol

from penstock.core.circuit_breaker import Permit
from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.spent import NOTHING, Spent
from penstock.exchange.route import Route
from penstock.exchange.target import Target


class Place(NamedTuple):
    """Where one who waits stands: 1 is next; ``eta_s`` is an estimate, 0 if there is none."""

    position: int
    eta_s: float


class Demand(Protocol):
    """Who asks, for which of a route's targets, and until when it can wait."""

    claim: Claim
    route: Route
    targets: list[Target]  # those that would do now
    wait_until_s: float  # 0: do not wait at all; the gate may bring it forward
    is_waiting: bool

    @property
    def may_be_moved(self) -> bool:
        """Whether nothing of its answer has come, so that its attempt may be put aside."""
        ...

    def output_tokens_now(self) -> int:
        """Return about how many tokens of output its attempt has made so far."""
        ...

    def on_granted(self, grant: "Grant", now_s: float) -> None:
        """Dial."""

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        """Do without."""

    def on_moved_aside(self, now_s: float) -> None:
        """Give the grant back at once and ask again: a contract needs the slot."""


class Grant:
    """Leave to dial one target once; comes back to the gate exactly once."""

    __slots__ = ("at_s", "charged", "demand", "is_out", "permit", "spent", "target")

    def __init__(self, target: Target, permit: Permit, demand: Demand, at_s: float) -> None:
        self.target = target
        self.permit = permit
        self.demand = demand
        self.at_s = at_s
        self.is_out = True
        self.spent: Spent = NOTHING  # set before it comes back
        self.charged = -1  # output tokens that its tenant has been charged; -1: none needs to be
