"""The gateway with a stand-in for its gate, which knows slots and breakers only.

``tiers_cost.py --gateways`` starts it beside the real one. It takes the options of ``penstock``.
"""

import sys

from tiers_cost import Slots

from penstock.apps.gateway import sharing
from penstock.cli.main import main
from penstock.core.claim import Claim
from penstock.core.outcome import Outcome
from penstock.exchange.demand import Demand, Grant
from penstock.exchange.gate import LocalGate

SLOTS = Slots()


class SlotsGate(LocalGate):
    """A gate that looks whole to whoever reads its state, and decides like ``Slots``."""

    __slots__ = ()

    def ask(self, demand: Demand, now_s: float) -> None:
        """Grant."""
        SLOTS.ask(demand, now_s)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take the slot back."""
        SLOTS.give_back(grant, outcome, now_s)

    def close(self, demand: Demand, now_s: float) -> None:
        """Settle nothing."""

    def may_degrade(self, claim: Claim) -> bool:
        """Take nothing away."""
        del claim
        return False

    def may_retry(self, claim: Claim) -> bool:
        """Take nothing away."""
        del claim
        return True


if __name__ == "__main__":
    sharing.LocalGate = SlotsGate
    raise SystemExit(main(sys.argv[1:]))
