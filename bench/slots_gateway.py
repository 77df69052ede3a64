"""The gateway with a stand-in for the gate that exchanges ask, which knows slots and breakers only.

``tiers_cost.py --gateways`` starts it beside the real one. It takes the options of ``penstock``.
The real gate is there as well, for whoever reads its state or ticks, but no exchange asks it.
"""

import asyncio
import sys
from typing import Any

from built import Slots

from penstock.apps.gateway import app
from penstock.apps.gateway.sharing import Sharing
from penstock.cli.main import main
from penstock.exchange.gate import LocalGate


class SlotsSharing(Sharing):
    """What the only worker has, with another gate before its exchanges."""

    def gate(self, own: LocalGate, tasks: asyncio.TaskGroup) -> Any:
        """Return the stand-in."""
        del own, tasks
        return Slots()


if __name__ == "__main__":
    app.Sharing = SlotsSharing
    raise SystemExit(main(sys.argv[1:]))
