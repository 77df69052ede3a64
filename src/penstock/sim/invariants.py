"""What must be true whatever happens; checked while a run goes on.

    at each grant     no more attempts are out than the upstream's limit allows; none is out twice
    at each return    only what is out comes back, and once
    at each end       an exchange ends once, and nothing of it is left; one within its contract was
                      not refused
    now and then      what is out is what the limit counts, and what the server runs or refuses;
                      the gate counts those who wait; no more wait than may; nobody of the first
                      tier that waits finds a slot free

A breach is noted, not raised, so that a run shows how often; the first few are kept in words.
"""

from typing import Final

from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.exchange.target import Readiness, UpstreamState
from penstock.sim.exchange import Ending, Plant, SimExchange

KEPT_MAX: Final = 20
IDLE_S: Final = 0.05  # credit of a quota comes drop by drop, and is looked at now and then
LOOK_EVERY: Final = 64  # events, and as many more as there are exchanges to look at


class Watch:
    """Checks one run; a ``exchange.Watcher``."""

    __slots__ = (
        "_ends", "_idle_since_s", "_out", "_plant", "breaches", "checks", "contract_sheds",
        "first_waits", "queue_max", "waiting_max", "words",
    )  # fmt: skip

    def __init__(self, plant: Plant, queue_max: int, *, first_waits: bool) -> None:
        self._plant = plant
        self._out: dict[UpstreamState, set[Grant]] = {}
        self._ends = 0
        self._idle_since_s: dict[SimExchange, float] = {}  # of those who wait beside a free slot
        self.queue_max = queue_max
        self.first_waits = first_waits  # whether the first tier never waits beside a free slot
        self.waiting_max = 0
        self.checks = 0
        self.breaches = 0
        self.contract_sheds = 0
        self.words: list[str] = []

    def forget(self) -> None:
        """Begin anew: the process that had granted is gone."""
        self._out.clear()

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """A grant is out."""
        upstream = grant.target.upstream
        out = self._out.setdefault(upstream, set())
        if grant in out:
            self._note(f"{now_s:.3f}: a grant is out twice")
        out.add(grant)
        limit = upstream.limit
        if limit.in_flight > limit.limit:
            self._note(f"{now_s:.3f}: {limit.in_flight} attempts at a limit of {limit.limit}")

    def on_returned(self, grant: Grant, now_s: float) -> None:
        """A grant comes back."""
        out = self._out.get(grant.target.upstream)
        if out is None or grant not in out:
            self._note(f"{now_s:.3f}: a grant came back that is not out")
        else:
            out.remove(grant)

    def on_ended(self, exchange: SimExchange, ending: Ending, now_s: float) -> None:
        """An exchange is over."""
        self._ends += 1
        if exchange.is_waiting or exchange.is_out:
            self._note(f"{now_s:.3f}: an exchange has ended, and waits or runs on")
        if ending is Ending.REFUSED and exchange.claim.is_in_contract:
            self.contract_sheds += 1

    def inspect(self, now_s: float) -> None:
        """Look at everything."""
        self.checks += 1
        plant = self._plant
        for upstream, server in plant.servers.items():
            out = len(self._out.get(upstream, ()))
            if out != upstream.limit.in_flight:
                self._note(
                    f"{now_s:.3f}: {out} grants of {upstream.name} are out, its limit counts "
                    f"{upstream.limit.in_flight}"
                )
            if len(server.running) > out:
                self._note(f"{now_s:.3f}: {upstream.name} runs more than was granted")
        waiting = [one for one in plant.live if one.is_waiting]
        self.waiting_max = max(self.waiting_max, len(waiting))
        plant.world.inspect_every = LOOK_EVERY + len(plant.live)  # a look costs as much
        if len(waiting) != plant.gate.waiting:
            self._note(f"{now_s:.3f}: {len(waiting)} wait, the gate says {plant.gate.waiting}")
        if len(waiting) > self.queue_max * len(plant.servers):
            self._note(f"{now_s:.3f}: {len(waiting)} wait, more than may")
        if self.first_waits:
            self._look_for_idle(waiting, now_s)

    def _look_for_idle(self, waiting: list[SimExchange], now_s: float) -> None:
        before, self._idle_since_s = self._idle_since_s, {}
        for one in waiting:
            if one.claim.served is Tier.ENTERPRISE and any(
                target.readiness(one.claim, now_s) is Readiness.READY for target in one.targets
            ):
                since_s = self._idle_since_s[one] = before.get(one, now_s)
                if now_s - since_s > IDLE_S:
                    self._note(f"{now_s:.3f}: one of the first tier waits beside a free slot")
                    return

    def _note(self, words: str) -> None:
        self.breaches += 1
        if len(self.words) < KEPT_MAX:
            self.words.append(words)
