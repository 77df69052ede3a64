"""A stand-in for the gate, as it was before tiers: it knows slots and breakers only.

It takes the breaker's permit of the first upstream that gives one. It neither queues nor refuses.
Where penstock is compiled, ``built.py`` compiles this, too, so that like is compared with like.
"""

from penstock.core.claim import Claim
from penstock.core.outcome import Outcome
from penstock.core.standing import UNLIMITED, Standing
from penstock.exchange.demand import Demand, Grant, Place
from penstock.exchange.desk import Desk


class Slots:
    """A gate of slots and breakers only."""

    waiting = 0
    desks: tuple[Desk, ...] = ()

    def ask(self, demand: Demand, now_s: float) -> None:
        """Grant; there is always a slot."""
        for target in demand.targets:
            permit = target.acquire(demand.claim, now_s)
            if permit is not None:
                demand.on_granted(Grant(target, permit, demand, now_s), now_s)
                return
        raise AssertionError("a slot is missing")

    def withdraw(self, demand: Demand) -> None:
        """Nobody waits."""

    def began(self, grant: Grant, now_s: float) -> None:
        """Let a probe count."""
        grant.target.state.breaker.on_begun(grant.permit, now_s)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take the slot back."""
        assert grant.is_out
        grant.is_out = False
        grant.target.give_back(grant.permit, outcome, grant.spent, now_s, lambda: 0.5)

    def close(self, demand: Demand, now_s: float) -> None:
        """Nothing is reserved."""
        del demand, now_s

    def place(self, demand: Demand, now_s: float) -> Place | None:
        """Nobody waits."""
        del demand, now_s

    def standing(self, claim: Claim, now_s: float) -> Standing:
        """Limit nobody."""
        del claim, now_s
        return UNLIMITED

    def may_degrade(self, claim: Claim) -> bool:
        """Take nothing away."""
        del claim
        return False

    def may_retry(self, claim: Claim) -> bool:
        """Take nothing away."""
        del claim
        return True
