"""The gate of one worker of several: it asks the owner of capacity, and goes on alone without it.

    remote   ask, give back, close        go to the owner; its answers go to the demands
             a grant                      is booked in the own gate too: what is under way is known
                                          here, and breakers learn from the own attempts
             the owner is lost            alone; who waited there asks the own gate, in the same
                                          order
    alone    ask, give back, close        the own gate decides, whose limits are this worker's share
             the owner says Welcome       remote; what is under way is reported first, then those
                                          who wait here ask there

The own gate is the same object that a single worker has. Knows no socket and no clock: ``send``
takes messages, ``on_message`` brings them. At the start a worker is alone.
"""

import itertools
from collections.abc import Callable
from typing import Final

from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.outcome import Outcome
from penstock.core.price import Used
from penstock.core.standing import UNLIMITED, Standing
from penstock.core.tier import Tier
from penstock.exchange.consumers import NO_RETRIES, SHORTEST
from penstock.exchange.demand import Demand, Grant, Place
from penstock.exchange.gate import LocalGate
from penstock.exchange.route import Route
from penstock.exchange.statistics import GateStatistics
from penstock.exchange.target import Target
from penstock.fleet import plain
from penstock.fleet.messages import (
    Ask,
    Close,
    FromOwner,
    FromWorker,
    GiveBack,
    Granted,
    Held,
    MoveAside,
    Places,
    Pong,
    Progress,
    Refused,
    Report,
    RouteName,
    Statistics,
    Stays,
    Watch,
    Welcome,
    Withdraw,
)

ROUTES_MAX: Final = 2048  # numbered ones; then all are told anew
REPORT_MAX: Final = 500  # exchanges in one part of a report


class Asker:
    """One exchange at the gate of its worker; the own gate sees it in the demand's place."""

    __slots__ = (
        "claim", "demand", "gate", "grant", "is_known", "is_waiting", "number", "place", "route",
        "serial", "standing", "targets", "tokens", "wait_until_s",
    )  # fmt: skip

    def __init__(self, gate: "RemoteGate", demand: Demand, number: int) -> None:
        self.gate = gate
        self.demand = demand
        self.number = number
        self.claim = plain.shadow_of(demand.claim)  # the own gate decides on this one
        self.route: Route = demand.route
        self.targets: list[Target] = demand.targets
        self.wait_until_s = demand.wait_until_s
        self.is_waiting = False
        self.serial = 0  # of the last ask
        self.is_known = False  # to the owner
        self.grant: Grant | None = None
        self.standing: Standing | None = None  # of its limits, as the owner last said
        self.tokens = 0  # that the owner knows of
        self.place: Place | None = None  # as the owner last said

    def look(self) -> None:
        """Take over what the demand asks for now."""
        demand = self.demand
        self.claim.was_moved = demand.claim.was_moved
        self.route = demand.route
        self.targets = demand.targets
        self.wait_until_s = demand.wait_until_s

    @property
    def may_be_moved(self) -> bool:
        """Whether its attempt may be put aside."""
        return self.demand.may_be_moved

    def output_tokens_now(self) -> int:
        """Return how many tokens have come out so far."""
        return self.demand.output_tokens_now()

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Pass on what the own gate has granted."""
        plain.take_over(self.demand.claim, self.claim)
        self.take(grant, now_s)

    def take(self, grant: Grant, now_s: float) -> None:
        """Pass on a grant."""
        self.grant = grant
        self.place = None
        self.demand.is_waiting = False
        self.demand.on_granted(grant, now_s)

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        """Pass on that the own gate has refused."""
        plain.take_over(self.demand.claim, self.claim)
        self.refuse(error, now_s)

    def refuse(self, error: ShedError | LimitError, now_s: float) -> None:
        """Pass on a refusal; nobody will close who was not admitted."""
        if not self.demand.claim.is_admitted:
            self.gate.forget(self)
        self.demand.is_waiting = False
        self.demand.on_refused(error, now_s)

    def on_moved_aside(self, now_s: float) -> None:
        """Pass on that the own gate needs the slot."""
        self.demand.on_moved_aside(now_s)


class RemoteGate:
    """The Gate port of a worker. Owned by one event loop; not thread-safe."""

    def __init__(self, own: LocalGate, send: Callable[[FromWorker], None]) -> None:
        self._own = own
        self._send = send
        self._numbers = itertools.count(1)
        self._askers: dict[Demand, Asker] = {}
        self._by_number: dict[int, Asker] = {}
        self._by_claim: dict[Claim, Asker] = {}  # that the owner has granted something
        self._asking: dict[int, Asker] = {}  # who waits for the owner's answer, in that order
        self._routes: dict[Route, tuple[int, dict[Target, int]]] = {}
        self._level = 0  # of the owner's ladder
        self.is_remote = False
        self.statistics: GateStatistics | None = None  # the owner's; none: as the own gate has it
        self.turns = 0  # how often it was left alone

    @property
    def waiting(self) -> int:
        """How many wait, here or at the owner."""
        return self._own.waiting + len(self._asking)

    @property
    def under_way(self) -> int:
        """How many exchanges are known."""
        return len(self._by_number)

    # --- what exchanges ask

    def ask(self, demand: Demand, now_s: float) -> None:
        """Ask for leave to dial; ``on_granted`` or ``on_refused`` follows, at once or later."""
        asker = self._askers.get(demand)
        if asker is None:
            asker = Asker(self, demand, next(self._numbers))
            self._askers[demand] = self._by_number[asker.number] = asker
        asker.look()
        if self.is_remote:
            self._ask_owner(asker)
        else:
            self._ask_own(asker, now_s)

    def withdraw(self, demand: Demand) -> None:
        """Stop waiting; nothing follows."""
        demand.is_waiting = False
        asker = self._askers.get(demand)
        if asker is None:
            return
        if self._asking.pop(asker.number, None) is not None:
            asker.is_waiting = False
            if demand.claim.is_admitted:
                self._send(Withdraw(asker.number))
            else:  # as far as is known here, so nobody will close it
                self.forget(asker)
                self._send(Close(asker.number))
        else:
            self._own.withdraw(asker)

    def began(self, grant: Grant, now_s: float) -> None:
        """Let a probe count here; the owner learns it from the progress of the answer."""
        self._own.began(grant, now_s)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Return what was granted, once, with what became of it."""
        asker = grant.demand
        assert isinstance(asker, Asker)
        asker.grant = None
        if self.is_remote:
            spending = plain.spending(grant.spent)
            self._send(GiveBack(asker.number, plain.told(outcome), spending))
        self._own.give_back(grant, outcome, now_s)

    def close(self, demand: Demand, now_s: float) -> None:
        """Settle an exchange that is over."""
        asker = self._askers.get(demand)
        if asker is None:
            return
        self.forget(asker)
        claim, shadow = demand.claim, asker.claim
        if self.is_remote and asker.is_known:
            self._send(Close(asker.number, Used.of(claim.used)))
        if shadow.is_admitted:
            shadow.used = claim.used
            self._own.close(asker, now_s)

    def standing(self, claim: Claim, now_s: float) -> Standing:
        """Return what is left of the limits of key and tenant, as of the last grant."""
        asker = self._by_claim.get(claim)
        if asker is None:
            return UNLIMITED if self.is_remote else self._own.standing(claim, now_s)
        return asker.standing or UNLIMITED

    def may_degrade(self, claim: Claim) -> bool:
        """Tell whether a smaller model may answer now, as the owner's ladder stands."""
        if not self.is_remote:
            return self._own.may_degrade(claim)
        may = claim.may_degrade_model or claim.served >= Tier.FREE
        return may and self._level >= SHORTEST

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated, as the owner's ladder stands."""
        if not self.is_remote:
            return self._own.may_retry(claim)
        return claim.served < Tier.FREE or self._level < NO_RETRIES

    def place(self, demand: Demand, now_s: float) -> Place | None:
        """Return where one who waits stands; None if that is not known (yet)."""
        asker = self._askers.get(demand)
        if asker is None:
            return None
        if asker.number not in self._asking:
            return self._own.place(asker, now_s)
        if asker.place is None:
            self._send(Watch(asker.number))
        return asker.place

    def forget(self, asker: Asker) -> None:
        """Let go of an exchange."""
        del self._askers[asker.demand]
        self._by_claim.pop(asker.demand.claim, None)
        del self._by_number[asker.number]

    def progress(self) -> None:
        """Tell the owner of tokens that have come out; called once a second."""
        if not self.is_remote:
            return
        grown: list[tuple[int, int]] = []
        for asker in self._by_number.values():
            if asker.grant is None:
                continue
            tokens = asker.output_tokens_now()
            if tokens > asker.tokens:
                asker.tokens = tokens
                grown.append((asker.number, tokens))
        if grown:
            self._send(Progress(tuple(grown)))

    # --- what the owner says

    def on_message(self, message: FromOwner, now_s: float) -> None:
        """Take one message of the owner."""
        match message:
            case Granted():
                self._on_granted(message, now_s)
            case Refused():
                self._on_refused(message, now_s)
            case MoveAside():
                self._on_move(message, now_s)
            case Places():
                self._on_places(message)
            case Welcome():
                self._on_welcome()
            case Statistics():
                self.statistics = message.gate
                consumers = message.gate.consumers
                self._level = consumers.level if consumers is not None else 0
            case Pong():
                pass

    def on_lost(self, now_s: float) -> None:
        """Go on alone; called once for each time that the owner had said Welcome."""
        if not self.is_remote:
            return
        self.is_remote = False
        self.statistics = None
        self.turns += 1
        asking, self._asking = self._asking, {}
        for asker in asking.values():
            asker.is_waiting = False
            asker.place = None
        for asker in asking.values():
            if self._by_number.get(asker.number) is asker:  # it may have ended meanwhile
                self._ask_own(asker, now_s)

    def _on_granted(self, message: Granted, now_s: float) -> None:
        asker = self._answered(message.exchange, message.serial)
        if asker is None:
            return
        plain.apply(asker.demand.claim, message.changes)
        target = asker.route.every[message.target]
        asker.standing = message.standing
        grant = self._own.adopt(asker, target, now_s)
        self._by_claim[asker.demand.claim] = asker
        asker.take(grant, now_s)

    def _on_refused(self, message: Refused, now_s: float) -> None:
        asker = self._answered(message.exchange, message.serial)
        if asker is not None:
            plain.apply(asker.demand.claim, message.changes)
            asker.refuse(plain.error_of(message), now_s)

    def _answered(self, number: int, serial: int) -> Asker | None:
        """Return who gets an answer; None if it has withdrawn and the answer crossed that."""
        asker = self._asking.get(number)
        if asker is None or asker.serial != serial:
            return None
        del self._asking[number]
        asker.is_waiting = False
        return asker

    def _on_move(self, message: MoveAside, now_s: float) -> None:
        asker = self._by_number.get(message.exchange)
        if asker is None or asker.grant is None:
            return  # its slot is on the way back
        if asker.may_be_moved:
            asker.on_moved_aside(now_s)
        else:
            self._send(Stays(asker.number))

    def _on_places(self, message: Places) -> None:
        for number, before, wait_s in message.places:
            asker = self._asking.get(number)
            if asker is not None:
                asker.place = Place(before, wait_s)

    def _on_welcome(self) -> None:
        """Say what is under way, then ask for those who wait here."""
        self.is_remote = True
        self._routes.clear()
        held: list[Held] = []
        waiting: list[Asker] = []
        for asker in self._by_number.values():
            asker.is_known = True
            asker.tokens = asker.output_tokens_now()
            route, places = self._numbered(asker.route)
            target = places[asker.grant.target] if asker.grant is not None else None
            claim = plain.values_of(asker.demand.claim)
            held.append(Held(asker.number, route, claim, target, asker.tokens))
            if asker.is_waiting:
                waiting.append(asker)
        while len(held) > REPORT_MAX:
            self._send(Report(tuple(held[:REPORT_MAX]), is_last=False))
            del held[:REPORT_MAX]
        self._send(Report(tuple(held), is_last=True))
        for asker in waiting:
            self._own.withdraw(asker)
            self._ask_owner(asker)

    # --- what is told to the owner

    def _ask_owner(self, asker: Asker) -> None:
        asker.is_waiting = asker.demand.is_waiting = True
        asker.serial += 1
        self._asking[asker.number] = asker
        number, places = self._numbered(asker.route)
        targets = asker.targets
        able = () if targets is asker.route.targets else tuple(places[one] for one in targets)
        claim = () if asker.is_known else plain.values_of(asker.demand.claim)
        asker.is_known = True
        moved = asker.demand.claim.was_moved
        self._send(Ask(asker.number, asker.serial, number, able, asker.wait_until_s, moved, claim))

    def _ask_own(self, asker: Asker, now_s: float) -> None:
        self._own.ask(asker, now_s)
        asker.demand.is_waiting = asker.is_waiting
        if asker.is_waiting:
            plain.take_over(asker.demand.claim, asker.claim)

    def _numbered(self, route: Route) -> tuple[int, dict[Target, int]]:
        """Return the number of a route and the places of its targets; the owner is told of new."""
        found = self._routes.get(route)
        if found is None:
            if len(self._routes) >= ROUTES_MAX:
                self._routes.clear()
            places = {target: at for at, target in enumerate(route.every)}
            is_first = not self._routes
            found = self._routes[route] = (next(self._numbers), places)
            pairs = tuple((target.upstream.name, target.model) for target in route.every)
            self._send(RouteName(found[0], route.model, pairs, is_first))
        return found
