"""Consumers in sessions, against slots and a queue: the loop that the ladder and its shares close.

Users come as a Poisson stream, each for a session of some turns, with a think time between them. A
turn holds a slot for a log-normal time (mean 4.48 s, squared coefficient of variation 0.53: the
reference model of TIERING) or waits for one, first come first served; one that would wait for more
than the bound is refused. Who is refused comes again when told, twice a turn, unless told too long.

Everything is drawn from one seed.
"""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from penstock.config.model import Admission
from penstock.core.claim import Claim
from penstock.core.errors import RETRY_AFTER_MAX_S
from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers

SERVICE_MEAN_S = 4.48
SERVICE_SIGMA = math.sqrt(math.log(1.53))
BOUND_S = 8.0
TRIES_MAX = 3
TICK_S = 0.5


@dataclass
class Load:
    """What comes: ``users_per_s`` and ``slots`` may change with time."""

    seed: int
    slots: Callable[[float], int]
    users_per_s: Callable[[float], float]
    think_s: Callable[[Random], float]
    turns: int = 5
    until_s: float = 900.0
    from_s: float = 200.0  # counted from here on


@dataclass
class User:
    """One user's session."""

    name: str
    came_at_s: float
    turn: int = 0
    tries: int = 0
    claim: Claim | None = None


@dataclass
class Tally:
    """What became of it, from ``from_s`` on."""

    came: int = 0
    whole: int = 0  # sessions that came in the counted time and ended
    broken: int = 0  # sessions given up after the first turn
    turns: int = 0
    busy_s: float = 0.0
    slots_s: float = 0.0
    waits_s: list[float] = field(default_factory=list[float])
    moved_at_s: list[float] = field(default_factory=list[float])
    told: int = 0


class Loop:
    """One run; ``run`` once."""

    def __init__(self, load: Load, entry: Admission | None = None) -> None:
        self.load = load
        self.random = Random(load.seed)
        self.consumers = Consumers(entry or Admission(), b"salt", 0.0, self.random.random, 0.0)
        self.tally = Tally()
        self.trace: list[tuple[float, int, float, float]] = []
        self.names = itertools.count()
        self.busy = 0
        self.queue: deque[tuple[float, User]] = deque()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._counted_at_s = load.from_s

    def run(self) -> Tally:
        """Run until the load's end."""
        self.at(0.0, self.come)
        self.at(0.0, self.tick)
        while self._events[0][0] < self.load.until_s:
            now_s, _, event = heapq.heappop(self._events)
            event(now_s)
        return self.tally

    def at(self, at_s: float, event: Callable[[float], None]) -> None:
        """Do it then."""
        heapq.heappush(self._events, (at_s, next(self._order), event))

    def come(self, now_s: float) -> None:
        """A user begins a session."""
        self.at(now_s + self.random.expovariate(self.load.users_per_s(now_s)), self.come)
        user = User(f"u{next(self.names)}", now_s)
        self.tally.came += self.counts(user)
        self.ask(user, now_s)

    def counts(self, user: User) -> bool:
        """Tell whether a session could end in the counted time, as all of them should."""
        return self.load.from_s < user.came_at_s < self.load.until_s - self.load.from_s

    def ask(self, user: User, now_s: float) -> None:
        """A turn of a user, or another try of it."""
        claim = user.claim = Claim("app", "key", Tier.FREE, 100, now_s)
        claim.user = user.name
        refusal = self.consumers.admit(claim, now_s)
        if refusal is not None:
            self.refused(user, refusal.retry_after_s, now_s)
        elif self.busy < self.load.slots(now_s):
            self.begin(now_s, user, now_s)
        elif self.wait_s(now_s) > BOUND_S:
            self.consumers.leave(claim, now_s, is_served=False)
            self.refused(user, 1.0 + self.wait_s(now_s) * self.random.random(), now_s)
        else:
            self.queue.append((now_s, user))

    def refused(self, user: User, retry_after_s: float, now_s: float) -> None:
        """Come again when told, or give up."""
        user.tries += 1
        self.tally.told += 1
        if user.tries < TRIES_MAX and retry_after_s <= RETRY_AFTER_MAX_S:
            self.at(now_s + retry_after_s, lambda at_s: self.ask(user, at_s))
        else:
            self.tally.broken += user.turn > 0 and self.counts(user)

    def wait_s(self, now_s: float) -> float:
        """Return how long one more would wait."""
        return len(self.queue) * SERVICE_MEAN_S / self.load.slots(now_s)

    def begin(self, asked_at_s: float, user: User, now_s: float) -> None:
        """A turn gets its slot."""
        self.count(now_s)
        self.busy += 1
        if now_s > self.load.from_s:
            self.tally.turns += 1
            self.tally.waits_s.append(now_s - asked_at_s)
        mu = math.log(SERVICE_MEAN_S) - SERVICE_SIGMA**2 / 2
        self.at(
            now_s + self.random.lognormvariate(mu, SERVICE_SIGMA),
            lambda at_s: self.end(user, at_s),
        )

    def end(self, user: User, now_s: float) -> None:
        """A turn has its answer."""
        self.count(now_s)
        self.busy -= 1
        assert user.claim is not None
        self.consumers.leave(user.claim, now_s, cost_tokens=1000.0)
        user.turn += 1
        user.tries = 0
        if user.turn == self.load.turns:
            self.tally.whole += self.counts(user)
        else:
            self.at(now_s + self.load.think_s(self.random), lambda at_s: self.ask(user, at_s))
        self.serve(now_s)

    def serve(self, now_s: float) -> None:
        """Give free slots to those who wait."""
        while self.queue and self.busy < self.load.slots(now_s):
            self.begin(*self.queue.popleft(), now_s)

    def count(self, now_s: float) -> None:
        """Add up what was busy since the last event."""
        span_s = max(0.0, now_s - self._counted_at_s)
        self.tally.busy_s += span_s * min(self.busy, self.load.slots(now_s))
        self.tally.slots_s += span_s * self.load.slots(now_s)
        self._counted_at_s = max(self._counted_at_s, now_s)

    def tick(self, now_s: float) -> None:
        """Twice a second: what the gate measures."""
        self.count(now_s)
        self.serve(now_s)
        slots = self.load.slots(now_s)
        wait_ratio = self.wait_s(now_s) / BOUND_S if self.busy >= slots else 0.0
        level = self.consumers.level
        self.consumers.observe(min(1.0, self.busy / slots), wait_ratio, now_s)
        if self.consumers.level != level:
            self.tally.moved_at_s.append(now_s)
        shares = (self.consumers.new_ratio, self.consumers.kept_ratio)
        self.trace.append((now_s, self.consumers.level, *shares))
        self.at(now_s + TICK_S, self.tick)


def steady(seed: int, phi: float, slots: int, think_s: Callable[[Random], float]) -> Load:
    """Return a load of five-turn sessions, of which the share ``phi`` can be served."""
    users_per_s = slots / (SERVICE_MEAN_S * 5 * phi)
    return Load(seed, lambda _: slots, lambda _: users_per_s, think_s)
