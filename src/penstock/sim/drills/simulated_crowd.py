"""Everybody of one class of a drill's traffic, in virtual time.

arrivals   sessions begin at ``per_s / turns`` a second, times ``more``; whoever sends one call
has sessions of one. A struck log-in fails a session of the chat at its first call.
Where arrivals are those of a trace, each multiple is a source of its own, from its
own place in the trace: many customers are smoother than one who is large
lengths    of a trace, within the traffic's own bounds
the dice   of arrivals, lengths, users and retries are apart, so that every arm sees the same
people ask the same
"""

import math
from collections.abc import Callable
from typing import Final

from penstock.core.claim import Claim
from penstock.core.errors import PenstockError
from penstock.core.tier import NAMED, Tier
from penstock.exchange.route import Route
from penstock.sim.arrivals import Dice, Draw, Gaps, Length, Lengths, drawn, poisson, replay
from penstock.sim.building import Traces
from penstock.sim.clients import HABITS, Job, Session
from penstock.sim.drills import shapes
from penstock.sim.drills.simulated_count import Ended, Recorder
from penstock.sim.drills.simulated_exchange import DOOR, DrillExchange
from penstock.sim.drills.simulated_faults import HANG, Struck
from penstock.sim.drills.traffic import CHAT, Traffic
from penstock.sim.exchange import Ending, Plant
from penstock.sim.world import START_S

SOURCES_MAX: Final = 200  # more are smooth enough, and each is an event that waits
ENDS: Final = {
    Ending.COMPLETE: shapes.COMPLETE,
    Ending.REFUSED: shapes.REFUSED,
    Ending.FAILED: shapes.FAILED,
    Ending.LEFT: shapes.LEFT,
}


class Bounds:
    """Lengths of a trace within a traffic's bounds, and their means."""

    def __init__(self, traffic: Traffic, traces: Traces) -> None:
        rows = {
            "azure_conv": traces.conv, "azure_code": traces.code, "agentic": traces.agentic,
        }[traffic.lengths]  # fmt: skip
        taken, made = traffic.input_tokens_max, traffic.output_tokens_max
        self.rows: list[Length] = [(min(one[0], taken), min(one[1], made)) for one in rows]
        count = len(self.rows)
        self.means = (
            sum(one[0] for one in self.rows) / count,
            sum(one[1] for one in self.rows) / count,
        )


class Crowd:
    """Sends a class's calls, and tells what became of each; a ``clients.Sender``."""

    def __init__(
        self, traffic: Traffic, tenant: str, plant: Plant, route: Route, recorder: Recorder
    ) -> None:
        self.traffic = traffic
        self.tenant = tenant
        self.plant = plant
        self.route = route
        self.habit = HABITS[traffic.client]
        self.chance: Callable[[], float] = lambda: 0.5
        self.tier = Tier(NAMED[traffic.tier])  # as the report has it
        self.claimed = self.tier  # as the gate is told; a plain gateway knows one
        self.exchanges = 0
        self.login: Struck | None = None
        self.users = 0  # 0: the key is the user
        self._recorder = recorder
        self._home = route.targets[0].upstream.name
        self._codes: dict[Job, list[str]] = {}
        self._rate_per_s = 0.0
        self._until_s = 0.0
        self._lengths: Lengths
        self._people: Dice

    def run(
        self, bounds: Bounds, gaps: list[float], draw: Draw, more: float, until_s: float
    ) -> None:
        """Send from now until an instant; ``more`` times as many as the traffic says."""
        traffic = self.traffic
        name = traffic.name
        self.chance = draw(f"{name}/clients").random
        self._people = draw(f"{name}/people")
        self._lengths = drawn(bounds.rows, draw(f"{name}/lengths"))
        dice = draw(f"{name}/arrivals")
        is_traced = traffic.arrivals == "azure_code"
        sources = max(1, min(SOURCES_MAX, round(more))) if is_traced else 1
        self._rate_per_s = traffic.per_s / traffic.turns * more / sources
        # Free and batch are let in by user, and a class that is a multiple has as many more keys.
        keys = 1 if self.tier >= Tier.FREE else 0
        self.users = math.ceil((traffic.users or keys) * more)
        self._until_s = until_s
        for _ in range(sources) if self._rate_per_s else ():
            self._next(replay(gaps, dice) if is_traced else poisson(dice), self.plant.world.now_s)

    def _next(self, gaps: Gaps, now_s: float) -> None:
        at_s = now_s + gaps() / self._rate_per_s
        if at_s <= self._until_s:
            self.plant.world.at(at_s, lambda at_s: self._arrive(gaps, at_s))

    def _arrive(self, gaps: Gaps, now_s: float) -> None:
        traffic, dice = self.traffic, self._people
        user = f"{traffic.name}-{int(dice.random() * self.users)}" if self.users else ""
        if traffic.turns == 1:
            Job(self, user, self._lengths(), now_s).start(now_s)
        else:
            self._open(user, now_s)
        self._next(gaps, now_s)

    def _open(self, user: str, now_s: float) -> None:
        traffic, dice = self.traffic, self._people
        turns = [
            (self._lengths(), -math.log(1.0 - dice.random()) * traffic.think_s)
            for _ in range(traffic.turns)
        ]
        at_s = now_s - START_S

        def close(ending: Ending) -> None:
            is_whole = ending is Ending.COMPLETE
            self._recorder.on_session(traffic.place, traffic.tier, at_s, is_whole=is_whole)

        if self._is_kept_out(at_s):
            close(Ending.FAILED)
        else:
            Session(self, user, turns, close).start(now_s)

    def _is_kept_out(self, at_s: float) -> bool:
        """Tell whether the log-in fails; that is a call that failed, or was left."""
        if self.login is None or self.traffic.place != CHAT:
            return False
        strike = self.login.meets(DOOR, self.chance)
        if strike is None:
            return False
        end = shapes.LEFT if strike.kind == HANG else shapes.FAILED
        self._recorder.on_call(Ended(CHAT, self.traffic.tier, at_s, end))
        return True

    # --- what jobs ask and tell

    def claim(self, job: Job, now_s: float) -> Claim:
        """Return what admission is told of a try."""
        claim = Claim(self.tenant, self.tenant, self.claimed, job.lengths[0], now_s)
        claim.user = job.user
        return claim

    def on_sent(self, job: Job, now_s: float) -> None:
        """Nothing: a call is counted when it is over."""

    def on_tried(self, job: Job, ending: Ending, error: PenstockError | None) -> None:
        """Note why a try was refused."""
        self.exchanges += 1
        if error is not None and ending is Ending.REFUSED:
            self._codes.setdefault(job, []).append(error.code)

    def on_done(self, job: Job) -> None:
        """Count one call."""
        exchange = job.exchange
        assert isinstance(exchange, DrillExchange)
        end = shapes.BROKEN if exchange.has_ended_broken else ENDS[job.ending]
        self._tell(job, exchange, end)

    def on_cut(self, job: Job) -> None:
        """Count one that is not done when the drill ends."""
        exchange = job.exchange
        assert isinstance(exchange, DrillExchange)
        self._tell(job, exchange, shapes.UNFINISHED)

    def _tell(self, job: Job, exchange: DrillExchange, end: str) -> None:
        traffic = self.traffic
        call = Ended(traffic.place, traffic.tier, job.at_s - START_S, end)
        call.tries = job.tries
        call.ttft_s = job.ttft_s
        if job.ttft_s:
            call.added_s = max(0.0, job.ttft_s - exchange.own_ttft_s)
            call.itl_s = exchange.token_s
        call.took_s = self.plant.world.now_s - job.at_s
        call.waited_s = job.waited_s
        call.home = self._home
        call.route = traffic.route
        call.input_tokens = exchange.input_tokens
        call.answered_by = exchange.answered_by
        call.continued = exchange.seams
        call.output_tokens = exchange.sent_tokens + exchange.served_tokens
        if self._codes:
            call.refusals = self._codes.pop(job, [])
        self._recorder.on_call(call)
