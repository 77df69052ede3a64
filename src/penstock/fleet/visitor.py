"""One exchange of some worker, as the owner's gate sees it: a demand like any other."""

from typing import Any, Protocol

from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.standing import Standing
from penstock.exchange.demand import Grant
from penstock.exchange.route import Route
from penstock.exchange.target import Target
from penstock.fleet import plain
from penstock.fleet.messages import FromOwner, Granted, MoveAside


class SharedRoute:
    """A route as one worker numbered its targets; None stands for one that is not known here."""

    __slots__ = ("able", "places", "route", "targets")

    def __init__(self, route: Route, targets: list[Target | None]) -> None:
        self.route = route
        self.targets = targets
        known = [target for target in targets if target is not None]
        self.able = route.targets if known == route.every else known
        self.places = {target: at for at, target in enumerate(targets) if target is not None}

    def some(self, places: tuple[int, ...]) -> list[Target]:
        """Return the targets at these places; raises IndexError."""
        if not places:
            return self.able
        found = [self.targets[at] for at in places]
        return [target for target in found if target is not None]


class Teller(Protocol):
    """The way to the worker."""

    def send(self, message: FromOwner, /) -> None:
        """Send a message, at the end of this turn."""

    def standing(self, claim: Claim, now_s: float) -> Standing | None:
        """Return what is left of the limits of key and tenant, if there are any."""

    def forget(self, number: int, /) -> None:
        """Let go of an exchange that was not admitted."""


class Visitor:
    """A Demand. Lives from the first ask to the close, and changes sessions with its worker."""

    __slots__ = (
        "_known", "claim", "grant", "is_moving", "is_waiting", "is_watched", "number", "route",
        "serial", "shared",
        "targets", "teller", "tokens", "wait_until_s",
    )  # fmt: skip

    def __init__(self, number: int, shared: SharedRoute, claim: Claim, teller: Teller) -> None:
        self.number = number
        self.shared = shared
        self.route: Route = shared.route  # as it was when its worker named it
        self.claim = claim
        self.teller = teller
        self.targets: list[Target] = []
        self.wait_until_s = 0.0
        self.is_waiting = False
        self.is_watched = False  # its caller wants to know where it stands
        self.is_moving = False  # it has been asked to let its attempt go
        self.serial = 0
        self.grant: Grant | None = None
        self.tokens = 0
        self._known: Any = plain.values_of(claim)  # to the worker

    def come(self, shared: SharedRoute, teller: "Teller") -> None:
        """Ask, or be reported, by this route and on this line."""
        self.shared = shared
        self.route = shared.route
        self.teller = teller

    @property
    def may_be_moved(self) -> bool:
        """Whether its attempt may be put aside, as far as is known here; its worker knows."""
        if self.grant is None or self.is_moving or self.claim.was_moved:
            return False
        return not self.tokens

    def output_tokens_now(self) -> int:
        """Return how many tokens have come out, as of the last second."""
        return self.tokens

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Tell the worker."""
        self.grant = grant
        self.is_moving = self.is_watched = False
        at = self.shared.places[grant.target]
        standing = self.teller.standing(self.claim, now_s)
        self.teller.send(Granted(self.number, self.serial, at, self._changes(), standing))

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        """Tell the worker; who was not admitted is not known any more, there and here."""
        del now_s
        self.is_watched = False
        self.teller.send(plain.refused(self.number, self.serial, error, self._changes()))
        if not self.claim.is_admitted:
            self.teller.forget(self.number)

    def on_moved_aside(self, now_s: float) -> None:
        """Ask the worker; the slot comes back when it can."""
        del now_s
        self.is_moving = True
        self.teller.send(MoveAside(self.number))

    def _changes(self) -> tuple[tuple[int, Any], ...]:
        values = plain.values_of(self.claim)
        changed = plain.changes(self._known, values)
        self._known = values
        return changed
