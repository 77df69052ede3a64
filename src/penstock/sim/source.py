"""Sources: one class of traffic at run time, which sends its requests and counts their fates."""

import math
from collections.abc import Callable
from typing import Final

from penstock.config.tenancy import TierName
from penstock.core.claim import Claim
from penstock.core.errors import PenstockError
from penstock.core.tier import NAMED, Tier
from penstock.exchange.route import Route
from penstock.sim.arrivals import Dice, Gaps, Lengths, Rate
from penstock.sim.clients import HABITS, Job, Session
from penstock.sim.exchange import Ending, Plant
from penstock.sim.scenario import Traffic
from penstock.sim.tally import Tally
from penstock.sim.world import START_S

GOALS_S: Final[dict[TierName, float]] = {
    TierName.ENTERPRISE: 2.0,
    TierName.CONTROL: 2.0,
    TierName.BATCH: 600.0,
}
MINUTE_S: Final = 60.0
GOAL_S: Final = 10.0  # of the tiers below (TIERING 9)


class Source:
    """Sends the requests of a class, in sessions if it has them; a ``clients.Sender``."""

    def __init__(self, entry: Traffic, plant: Plant, route: Route, lengths: Lengths) -> None:
        self.entry = entry
        self.plant = plant
        self.route = route
        self.habit = HABITS[entry.clients]
        self.tenant = entry.tenant or entry.name
        self.tier = Tier(NAMED[entry.tier.value])
        self.goal_s = entry.ttft_goal_s or GOALS_S.get(entry.tier, GOAL_S)
        self.tallies: list[Tally] = []  # by phase
        self.minutes: list[float] = []  # work by the minute in which it was done
        self.tries = 0  # of all phases, and outside of them
        self.load_ratio = 0.0  # of the capacity
        self.rate_per_s = 0.0  # of requests, or of sessions
        self.means = (0.0, 0.0)  # of input and output tokens
        self.gaps: Gaps
        self.chance: Callable[[], float]
        self._lengths = lengths
        self._service_s: Callable[[int, int], float]
        self._rate: Rate
        self._dice: Dice
        self._until_s = 0.0
        self._phase_at: Callable[[float], int]

    def run(self, gaps: Gaps, rate: Rate, dice: Dice, *, until_s: float) -> None:
        """Send until an instant."""
        self.gaps, self._rate, self._dice, self._until_s = gaps, rate, dice, until_s
        self.chance = dice.random
        self._next(self.plant.world.now_s)

    def count_by(
        self, phase_at: Callable[[float], int], service_s: Callable[[int, int], float], phases: int
    ) -> None:
        """Count into phases; ``phase_at`` says -1 where nothing is counted."""
        self._phase_at, self._service_s = phase_at, service_s
        self.tallies = [Tally() for _ in range(phases)]

    def _next(self, now_s: float) -> None:
        at_s = self._rate.after(now_s, self.gaps())
        if at_s <= self._until_s:
            self.plant.world.at(at_s, self._arrive)

    def _arrive(self, now_s: float) -> None:
        entry, dice = self.entry, self._dice
        user = f"{entry.name}-{int(dice.random() * entry.users)}" if entry.users else ""
        if entry.turns == 1:
            self._send(user, now_s)
        else:
            self._open(user, now_s)
        self._next(now_s)

    def _send(self, user: str, now_s: float) -> None:
        Job(self, user, self._lengths(), now_s).start(now_s)

    def on_sent(self, job: Job, now_s: float) -> None:
        """Count a request as offered."""
        job.phase = phase = self._phase_at(now_s)
        if phase >= 0:
            tally = self.tallies[phase]
            tally.offered += 1
            tally.offered_s += self._service_s(*job.lengths)

    def _open(self, user: str, now_s: float) -> None:
        entry, dice = self.entry, self._dice
        turns = [
            (self._lengths(), -math.log(1.0 - dice.random()) * entry.think_s)
            for _ in range(entry.turns)
        ]
        phase = self._phase_at(now_s)
        if phase >= 0:
            self.tallies[phase].sessions += 1
        Session(self, user, turns, lambda ending: self._close(phase, ending)).start(now_s)

    def _close(self, phase: int, ending: Ending) -> None:
        if phase >= 0 and ending is Ending.COMPLETE:
            self.tallies[phase].sessions_whole += 1

    # --- what jobs ask and tell

    def claim(self, job: Job, now_s: float) -> Claim:
        """Return what admission is told of a try."""
        claim = Claim(self.tenant, self.tenant, self.tier, job.lengths[0], now_s)
        claim.user = job.user
        return claim

    def on_tried(self, job: Job, ending: Ending, error: PenstockError | None) -> None:
        """Count one try."""
        self.tries += 1
        if job.phase < 0:
            return
        tally, exchange = self.tallies[job.phase], job.exchange
        assert exchange is not None
        tally.tries += 1
        tally.attempts += exchange.attempts
        tally.moved += exchange.moved
        tally.quota_refused += exchange.quota_refused
        tally.wasted_tokens += exchange.wasted_tokens
        tally.tokens += exchange.wasted_tokens
        if exchange.served_tokens:
            served = exchange.served_tokens + exchange.input_tokens
            tally.tokens += served
            if exchange.ttft_at_s - exchange.started_at_s > self.goal_s:
                tally.wasted_tokens += served
            tally.reserved_tokens += exchange.claim.input_tokens + exchange.claim.output_tokens
            tally.taken_tokens += served
        if error is not None:
            tally.sheds[error.code] += 1
        if job.told_to_wait:
            tally.retried += 1
            tally.retried_good += ending is Ending.COMPLETE
            job.told_to_wait = False

    def on_done(self, job: Job) -> None:
        """Count one request."""
        if job.ending is Ending.COMPLETE:
            self._note_work(job)
        if job.phase < 0:
            return
        tally = self.tallies[job.phase]
        tally.fates[job.ending.value] += 1
        if job.ending is not Ending.REFUSED:
            tally.waits_s.append(job.waited_s)
        if job.ttft_s:
            tally.ttft_s.append(job.ttft_s)
        if job.ending is Ending.COMPLETE:
            exchange = job.exchange
            assert exchange is not None
            work_s = self._service_s(exchange.input_tokens, exchange.served_tokens)
            tally.answered += 1
            tally.truncated += exchange.served_tokens < exchange.output_tokens
            tally.answered_s += work_s
            if job.ttft_s <= self.goal_s:
                tally.good += 1
                tally.good_s += work_s

    def _note_work(self, job: Job) -> None:
        exchange = job.exchange
        assert exchange is not None
        minute = int((self.plant.world.now_s - START_S) / MINUTE_S)
        minutes = self.minutes
        while len(minutes) <= minute:
            minutes.append(0.0)
        minutes[minute] += self._service_s(exchange.input_tokens, exchange.served_tokens)

    def on_cut(self, job: Job) -> None:
        """Count one that is not done when the run ends; its wait so far is its wait."""
        if job.phase >= 0 and job.exchange is not None:
            tally = self.tallies[job.phase]
            tally.fates["unfinished"] += 1
            tally.waits_s.append(job.waited_s + job.exchange.waited_s)
