"""The loop of ``consumer_loop``, where a part of the people come through a front end with a line.

Those stand in ``core.turnstile`` with each turn, are asked for as it says, and give up when their
patience ends before they are let in. The front end hears of a refusal at once; that one waits in
the gateway's own queue, after a second.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from tests.exchange.consumer_loop import BOUND_S, Load, Loop, User

from penstock.core.claim import Claim
from penstock.core.errors import ShedError
from penstock.core.line_standing import why_of
from penstock.core.tier import Tier
from penstock.core.turnstile import Turnstile

HEAD_S = 1.0  # after which one who waits in the gateway's queue is told so


@dataclass
class Wait:
    """One person's first turn in the line."""

    joined_at_s: float
    told: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])  # at, eta
    ranges: list[tuple[float, float, float]] = field(
        default_factory=list[tuple[float, float, float]]
    )  # at, least, most
    in_at_s: float = 0.0  # 0: gave up
    position: int = 0


@dataclass
class Lined:
    """How many come by the line, and how patient they are."""

    part: float = 1.0
    patience_s: Callable[[Random], float] = lambda _: math.inf


class LineLoop(Loop):
    """One run; ``run`` once."""

    def __init__(self, load: Load, lined: Lined) -> None:
        super().__init__(load)
        self.lined = lined
        self.line = Turnstile()
        self.waits: dict[str, Wait] = {}
        self.by_name: dict[str, User] = {}
        self.came = {True: 0, False: 0}  # by line
        self.done = {True: 0, False: 0}
        self.asked = self.refusals = 0
        self.word = 0  # news that were pushed
        self.at(0.0, self.poke)

    def is_lined(self, user: User) -> bool:
        return user.name in self.by_name

    def ask(self, user: User, now_s: float) -> None:
        if user.turn == 0 and user.tries == 0 and user.name not in self.waits:
            self.come_by(user, now_s)
        if self.is_lined(user):
            self.line.join(user.name, user.name, now_s)
            self.serve_line(now_s)
        else:
            super().ask(user, now_s)

    def come_by(self, user: User, now_s: float) -> None:
        """A new user: by the line, or not."""
        by_line = self.random.random() < self.lined.part
        self.came[by_line] += self.counts(user)
        if not by_line:
            return
        self.by_name[user.name] = user
        self.waits[user.name] = Wait(now_s, position=len(self.line) + 1)
        patience_s = self.lined.patience_s(self.random)
        if patience_s < math.inf:
            self.at(now_s + patience_s, lambda at_s: self.give_up(user, at_s))

    def give_up(self, user: User, now_s: float) -> None:
        if user.turn == 0 and not self.waits[user.name].in_at_s:
            self.line.leave(user.name, now_s)

    def poke(self, now_s: float) -> None:
        """The front end's own timer."""
        self.serve_line(now_s)
        for name, standing in self.line.news(now_s):
            self.word += 1
            wait = self.waits[name]
            if not wait.in_at_s and standing.position:
                wait.told.append((now_s, standing.eta_s))
                wait.ranges.append((now_s, standing.least_s, standing.most_s))
        self.at(min(self.line.next_s(now_s), now_s + 0.25), self.poke)

    def serve_line(self, now_s: float) -> None:
        while found := self.line.may_ask(now_s):
            for name in found:
                self.ask_gateway(self.by_name[name], now_s)

    def ask_gateway(self, user: User, now_s: float) -> None:
        claim = user.claim = Claim("chat", "chat", Tier.FREE, 100, now_s)
        claim.user = user.name
        claim.line = self.line.joined
        self.asked += 1
        error = self.consumers.admit(claim, now_s)
        if error is None and self.busy >= self.load.slots(now_s) and self.wait_s(now_s) > BOUND_S:
            self.consumers.leave(claim, now_s, is_served=False)
            error = ShedError("", retry_after_s=1.0 + self.wait_s(now_s) / 2, code="tier_capacity")
        if error is not None:
            self.refusals += 1
            told_s = float(math.ceil(min(60.0, max(1.0, error.retry_after_s))))
            self.line.refused(user.name, told_s, now_s, why_of(error.code))
        elif self.busy < self.load.slots(now_s):
            self.begin(now_s, user, now_s)
        else:
            self.queue.append((now_s, user))
            self.at(now_s + HEAD_S, lambda at_s: self.head(user, at_s))

    def head(self, user: User, now_s: float) -> None:
        """The front end hears that it is in."""
        wait = self.waits.get(user.name)
        if wait is not None and not wait.in_at_s:
            wait.in_at_s = now_s
        self.line.let_in(user.name, now_s)

    def begin(self, asked_at_s: float, user: User, now_s: float) -> None:
        super().begin(asked_at_s, user, now_s)
        if self.is_lined(user):
            self.head(user, now_s)

    def end(self, user: User, now_s: float) -> None:
        if self.is_lined(user):
            self.line.ended(user.name, now_s)
        super().end(user, now_s)
        if user.turn == self.load.turns:
            self.done[self.is_lined(user)] += self.counts(user)

    def refused(self, user: User, retry_after_s: float, now_s: float) -> None:
        assert not self.is_lined(user)
        super().refused(user, retry_after_s, now_s)
