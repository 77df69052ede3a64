"""The owner of a machine's capacity: one gate, asked by every worker.

    Hello       a worker is here            -> Welcome, once nobody who is away is to be waited for
    Report      all that it has under way   -> booked; from now on it is asked as if in process
    Leaving     it goes on alone            -> away: what it had stays booked until it reports again
    a cut line  it is dead                  -> its grants come back without a verdict, at once, and
                                               those who waited for it wait no longer
    2 s silent  it hangs                    -> the same, and its line is cut
    the start   all workers are away

While somebody is away, or has yet to report, nothing is granted: what is asked is kept, in order,
for ``AWAY_S`` at most. So two never use the same slot, whoever stopped and came back. A worker that
is not welcome yet goes on with its own share.

Knows no socket and no clock: a session is given ``send``, and messages are brought.
"""

from collections.abc import Callable
from typing import Final

from penstock.config.check import WORKERS_MAX
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Timeouts
from penstock.core.claim import Claim
from penstock.core.errors import DialectError, ShedError
from penstock.core.outcome import IGNORED
from penstock.core.price import Used
from penstock.core.spent import UNTOLD
from penstock.core.standing import UNLIMITED, Standing
from penstock.exchange.gate import LocalGate
from penstock.exchange.route import Route
from penstock.exchange.statistics import statistics_of
from penstock.fleet import plain
from penstock.fleet.messages import (
    PROTOCOL,
    Ask,
    Close,
    FromOwner,
    FromWorker,
    GiveBack,
    Held,
    Hello,
    Leaving,
    Ping,
    Places,
    Pong,
    Progress,
    Report,
    RouteName,
    Statistics,
    Stays,
    Watch,
    Welcome,
    Withdraw,
)
from penstock.fleet.visitor import SharedRoute, Visitor
from penstock.snapshot.routing import Routing

AWAY_S: Final = 0.5  # a worker tries to come back every twentieth of a second
HUNG_S: Final = 2.0  # without a ping, of which there are ten a second
UNWELCOME: Final = "the line is not in use"


class Session:
    """One line to one worker. ``cut`` ends it."""

    def __init__(self, owner: "Owner", send: Callable[[FromOwner], None], now_s: float) -> None:
        self.send = send
        self.owner = owner
        self.worker = 0  # until it has said who it is
        self.pid = 0
        self.attempt = 0
        self.is_open = True
        self.is_welcome = False
        self.has_reported = False
        self.has_left = False  # said so: it goes on alone
        self.heard_at_s = now_s
        self.visitors: dict[int, Visitor] = {}
        self.routes: dict[int, SharedRoute] = {}

    def on_message(self, message: FromWorker, now_s: float) -> None:
        """Take one message; raises DialectError for what no worker of ours would say."""
        self.heard_at_s = now_s
        if type(message) is Ping:
            self.send(Pong())
        elif self.is_open:
            try:
                self.owner.on_message(self, message, now_s)
            except (LookupError, ValueError) as error:
                self.has_left = True  # it lives, and will come back
                raise DialectError(f"{type(message).__name__}: {error!r}") from error

    def standing(self, claim: Claim, now_s: float) -> Standing | None:
        """Return what is left of the limits of key and tenant, if there are any."""
        return self.owner.standing(claim, now_s)

    def forget(self, number: int) -> None:
        """Let go of an exchange that was not admitted."""
        self.visitors.pop(number, None)

    def on_cut(self, now_s: float) -> None:
        """The line has ended."""
        if self.is_open:
            self.owner.on_gone(self, now_s, is_away=self.has_left)


class Owner:
    """All sessions, and the gate. Owned by one event loop; not thread-safe."""

    def __init__(
        self,
        gate: LocalGate,
        routing: Routing,
        now_s: float,
        refresh: Callable[[], None],
    ) -> None:
        self._gate = gate
        self._routing = routing
        self._refresh = refresh  # looks for a newer snapshot, at once
        self.sessions: dict[int, Session] = {}  # by worker
        self._left: dict[int, dict[int, Visitor]] = {}  # what those who are away have under way
        workers = range(1, routing.config.gateway.workers + 1)
        self._away = dict.fromkeys(workers, now_s + AWAY_S)  # until when they are waited for
        self._kept: list[tuple[Session, FromWorker]] = []

    @property
    def is_paused(self) -> bool:
        """Whether nothing is granted, because not all is known."""
        return bool(self._away)

    @property
    def under_way(self) -> int:
        """How many exchanges are known."""
        return sum(len(session.visitors) for session in self.sessions.values())

    # --- lines

    def on_message(self, session: Session, message: FromWorker, now_s: float) -> None:
        """Take one message of an open session; raises LookupError, ValueError or DialectError."""
        match message:
            case Hello():
                self._on_hello(session, message, now_s)
            case RouteName():
                self._on_route(session, message, now_s)
            case Report():
                self._on_report(session, message, now_s)
            case Leaving():
                session.has_left = True
                self.on_gone(session, now_s, is_away=True)
            case _ if not session.has_reported:
                raise DialectError(UNWELCOME)
            case _ if self.is_paused:
                self._kept.append((session, message))
            case _:
                self._act(session, message, now_s)

    def on_gone(self, session: Session, now_s: float, *, is_away: bool) -> None:
        """Forget a session; if its worker lives on without us, what it has stays booked."""
        session.is_open = False
        if self.sessions.get(session.worker) is not session:
            return
        del self.sessions[session.worker]
        visitors = session.visitors
        for visitor in visitors.values():
            if visitor.is_waiting:
                self._gate.withdraw(visitor)
        if is_away:
            self._left.setdefault(session.worker, {}).update(visitors)
            self._away[session.worker] = now_s + AWAY_S
        else:
            self._away.pop(session.worker, None)
            self._release(visitors, now_s)
            self._release(self._left.pop(session.worker, {}), now_s)
            self._go_on(now_s)

    def on_tick(self, now_s: float) -> list[Session]:
        """Look at who is away or hangs, ten times a second; returns the lines to be cut."""
        silent = [one for one in self.sessions.values() if now_s - one.heard_at_s > HUNG_S]
        for session in silent:
            self.on_gone(session, now_s, is_away=False)
        late = [worker for worker, until_s in self._away.items() if until_s <= now_s]
        for worker in late:
            del self._away[worker]
            self._release(self._left.pop(worker, {}), now_s)
            session = self.sessions.get(worker)
            if session is not None and session.is_welcome and not session.has_reported:
                silent.append(session)  # was welcome, and said nothing
                self.on_gone(session, now_s, is_away=False)
        self._welcome(now_s)
        self._go_on(now_s)
        return silent

    def standing(self, claim: Claim, now_s: float) -> Standing | None:
        """Return what is left of the limits of key and tenant, if there are any."""
        standing = self._gate.standing(claim, now_s)
        return None if standing == UNLIMITED else standing

    def excuse(self, now_s: float) -> None:
        """Blame nobody for a time in which we ourselves stood still."""
        for session in self.sessions.values():
            session.heard_at_s = now_s
        for worker in self._away:
            self._away[worker] = now_s + AWAY_S

    def tell_places(self, now_s: float) -> None:
        """Tell those who asked for it where they stand; called twice a second."""
        for session in self.sessions.values():
            places: list[tuple[int, int, float]] = []
            for visitor in session.visitors.values():
                if visitor.is_watched and visitor.is_waiting:
                    place = self._gate.place(visitor, now_s)
                    if place is not None:
                        places.append((visitor.number, place.position, place.eta_s))
            if places:
                session.send(Places(tuple(places)))

    def tell_statistics(self, now_s: float) -> None:
        """Tell all how things stand; called once a second."""
        upstreams = self._routing.upstreams.values()
        message = Statistics(statistics_of(self._gate, now_s, upstreams))
        for session in self.sessions.values():
            if session.has_reported:
                session.send(message)

    # --- who is here

    def _on_hello(self, session: Session, hello: Hello, now_s: float) -> None:
        if hello.protocol != PROTOCOL or not 0 < hello.worker <= WORKERS_MAX:
            raise DialectError(f"worker {hello.worker} of protocol {hello.protocol}")
        old = self.sessions.get(hello.worker)
        if old is not None:
            if old.attempt > hello.attempt and old.pid == hello.pid:
                raise DialectError("an older line than the one in use")
            self.on_gone(old, now_s, is_away=old.pid == hello.pid)
        session.worker, session.pid, session.attempt = hello.worker, hello.pid, hello.attempt
        self.sessions[hello.worker] = session
        self._away.setdefault(hello.worker, now_s + AWAY_S)
        self._welcome(now_s)

    def _welcome(self, now_s: float) -> None:
        """Let those in who wait for it, once all who are away are here, or are late."""
        if any(worker not in self.sessions for worker in self._away):
            return
        for session in self.sessions.values():
            if not session.is_welcome:
                session.is_welcome = True
                self._away[session.worker] = now_s + AWAY_S  # until it has reported
                session.send(Welcome())

    def _on_report(self, session: Session, report: Report, now_s: float) -> None:
        if not session.is_welcome or session.has_reported:
            raise DialectError("a report that nobody asked for")
        left = self._left.get(session.worker, {})
        for held in report.held:
            visitor = left.pop(held.exchange, None)
            self._book(session, held, visitor, now_s)
        if report.is_last:
            session.has_reported = True
            self._away.pop(session.worker, None)
            self._release(self._left.pop(session.worker, {}), now_s)
            self._go_on(now_s)

    def _book(self, session: Session, held: Held, visitor: Visitor | None, now_s: float) -> None:
        """Take over what is under way; what we know of it already is not counted again."""
        shared = session.routes[held.route]
        if visitor is None:
            claim = plain.shadow_of(plain.claim_of(held.claim))  # here it is not admitted yet
            visitor = Visitor(held.exchange, shared, claim, session)
        visitor.come(shared, session)
        visitor.tokens = held.output_tokens
        target = shared.targets[held.target] if held.target is not None else None
        grant = visitor.grant
        if grant is not None and (target is None or grant.target.state is not target.state):
            visitor.grant = None
            grant.spent = UNTOLD
            self._gate.give_back(grant, IGNORED, now_s)
        if target is not None and visitor.grant is None:
            visitor.grant = self._gate.adopt(visitor, target, now_s)
        session.visitors[held.exchange] = visitor

    def _release(self, visitors: dict[int, Visitor], now_s: float) -> None:
        """Take everything back, without a verdict."""
        for visitor in visitors.values():
            grant = visitor.grant
            visitor.grant = None
            if grant is not None:
                grant.spent = UNTOLD
                self._gate.give_back(grant, IGNORED, now_s)
            self._settle(visitor, now_s)

    def _settle(self, visitor: Visitor, now_s: float) -> None:
        if visitor.claim.is_admitted:
            self._gate.close(visitor, now_s)

    def _go_on(self, now_s: float) -> None:
        """Do what was kept while not all was known."""
        while self._kept and not self.is_paused:
            kept, self._kept = self._kept, []
            for session, message in kept:
                if session.is_open:
                    self._act(session, message, now_s)

    # --- what workers ask

    def _act(self, session: Session, message: FromWorker, now_s: float) -> None:
        match message:
            case Ask():
                self._on_ask(session, message, now_s)
            case GiveBack():
                self._on_give_back(session, message, now_s)
            case Close():
                self._on_close(session, message, now_s)
            case Withdraw(exchange=number):
                if number in session.visitors:  # else it crossed a refusal
                    self._on_withdraw(session.visitors[number], now_s)
            case _:
                self._note(session, message, now_s)

    def _note(self, session: Session, message: FromWorker, now_s: float) -> None:
        match message:
            case Progress(tokens=tokens):
                for number, count in tokens:
                    visitor = session.visitors[number]
                    if not visitor.tokens and visitor.grant is not None:
                        self._gate.began(visitor.grant, now_s)
                    visitor.tokens = count
            case Watch(exchange=number):
                if number in session.visitors:  # else it crossed a refusal
                    session.visitors[number].is_watched = True
            case Stays(exchange=number):
                grant = session.visitors[number].grant if number in session.visitors else None
                if grant is not None:
                    self._gate.on_stayed(grant.target, now_s)
            case _:
                raise DialectError(f"{type(message).__name__} comes too late")

    def _on_ask(self, session: Session, ask: Ask, now_s: float) -> None:
        shared = session.routes[ask.route]
        visitor = session.visitors.get(ask.exchange)
        if visitor is None:
            claim = plain.claim_of(ask.claim)
            visitor = session.visitors[ask.exchange] = Visitor(ask.exchange, shared, claim, session)
        visitor.come(shared, session)
        visitor.claim.was_moved = ask.was_moved
        visitor.serial = ask.serial
        visitor.targets = shared.some(ask.targets)
        visitor.wait_until_s = ask.wait_until_s
        visitor.is_moving = False
        if visitor.targets:
            self._gate.ask(visitor, now_s)
        else:
            error = ShedError("The upstreams of this route have gone.", retry_after_s=1.0)
            visitor.on_refused(error, now_s)

    def _on_withdraw(self, visitor: Visitor, now_s: float) -> None:
        if visitor.is_waiting:
            self._gate.withdraw(visitor)
        elif visitor.grant is not None:  # the grant and this crossed each other on their way
            grant, visitor.grant = visitor.grant, None
            self._gate.give_back(grant, IGNORED, now_s)

    def _on_give_back(self, session: Session, message: GiveBack, now_s: float) -> None:
        visitor = session.visitors[message.exchange]
        grant, visitor.grant = visitor.grant, None
        if grant is None:
            raise ValueError("nothing was granted")
        grant.spent = plain.spent_of(message.spent)
        if grant.spent.ttft_s:
            grant.target.state.load.observe(grant.spent.ttft_s, now_s)
        self._gate.give_back(grant, plain.heard(message.outcome), now_s)

    def _on_close(self, session: Session, message: Close, now_s: float) -> None:
        visitor = session.visitors.pop(message.exchange, None)
        if visitor is None:
            return  # this crossed a refusal
        claim = visitor.claim
        claim.used = Used(*message.used)
        self._on_withdraw(visitor, now_s)
        self._settle(visitor, now_s)

    def _on_route(self, session: Session, message: RouteName, now_s: float) -> None:
        shared = self._shared(message, now_s)
        if shared is None or None in shared.targets:
            self._refresh()  # the worker may have a newer snapshot
            shared = self._shared(message, now_s) or shared
        if shared is None:
            targets = [self._routing.target(*pair, now_s) for pair in message.targets]
            known = [target for target in targets if target is not None]
            entry = RouteEntry(name=message.model, targets=())
            shared = SharedRoute(Route(entry, known, Timeouts(), 1), targets)
        if message.is_first:
            session.routes.clear()
        session.routes[message.number] = shared

    def _shared(self, message: RouteName, now_s: float) -> SharedRoute | None:
        route = self._routing.named(message.model, now_s)
        if route is None:
            return None
        ours = {(one.upstream.name, one.model): one for one in route.targets}
        targets = [ours.get(pair) or self._routing.target(*pair, now_s) for pair in message.targets]
        return SharedRoute(route, targets)
