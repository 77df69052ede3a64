"""What has been learned of upstreams, as plain values: for whoever owns capacity after us.

    limits     what each adaptive limit has come down to, or up
    quotas     what each declared quota has left, and for how long it is frozen
    breakers   those that are open, and for how long

Quotas that headers tell are learned anew with the first answer. An upstream or model that is no
longer configured is passed over.
"""

from typing import Any

from penstock.core.circuit_breaker import BreakerState
from penstock.snapshot.routing import Routing


class Learned:
    """A view of a routing's states. Owned by one event loop."""

    def __init__(self, routing: Routing) -> None:
        self._routing = routing

    def state(self, now_s: float) -> dict[str, Any]:
        """Return what is worth keeping."""
        upstreams = self._routing.upstreams.items()
        return {
            "limits": {name: one.limit.limit for name, one in upstreams if one.limit.is_adaptive},
            "quotas": {name: one.quota.levels(now_s) for name, one in upstreams},
            "breakers": [
                (*pair, max(0.0, state.breaker.retry_at_s - now_s))
                for pair, state in self._routing.targets()
                if state.breaker.state is not BreakerState.CLOSED
            ],
        }

    def restore(self, state: Any, now_s: float) -> None:
        """Take back what ``state`` returned; raises what a wrong shape raises."""
        upstreams = self._routing.upstreams
        for name, limit in state["limits"].items():
            if name in upstreams:
                upstreams[name].limit.restore(int(limit))
        for name, levels in state["quotas"].items():
            if name in upstreams:
                upstreams[name].quota.restore(levels, now_s)
        pairs = dict(self._routing.targets())
        for upstream, model, rest_s in state["breakers"]:
            if (upstream, model) in pairs:
                pairs[upstream, model].breaker.restore(float(rest_s), now_s)
