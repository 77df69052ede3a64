"""A route at run time: the targets behind an alias, and how to choose among them."""

from collections.abc import Callable, Sequence
from typing import Final

from penstock.config.model import Feature, Policy, Timeouts
from penstock.config.model import Route as RouteEntry
from penstock.core import balancer
from penstock.core.estimate import tokens
from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Inquiry
from penstock.exchange.target import Target

Chooser = Callable[[Sequence[Target], Callable[[], float], float], Target]
CHOOSERS: Final[dict[Policy, Chooser]] = {
    Policy.ORDER: balancer.in_order,
    Policy.WEIGHT: balancer.by_weight,
    Policy.LOAD: balancer.by_load,
}


class Route:
    """One alias. Replaced whole on a reload; its targets' state lives on."""

    __slots__ = (
        "_is_picky", "attempts_max", "choose", "failover_on", "is_ordered", "name", "targets",
        "timeouts",
    )  # fmt: skip

    def __init__(
        self,
        entry: RouteEntry,
        targets: list[Target],
        timeouts: Timeouts,
        attempts_max: int,
    ) -> None:
        self.name = entry.name
        self.targets = targets
        self.timeouts = timeouts
        self.attempts_max = attempts_max
        self.choose: Chooser = CHOOSERS[entry.policy]
        self.is_ordered = entry.policy is Policy.ORDER
        self.failover_on = frozenset(FailureKind(kind) for kind in entry.failover_on)
        self._is_picky = any(target.lacks or target.context_tokens_max for target in targets)

    def may_fail_over(self, kind: FailureKind) -> bool:
        """Tell whether the operator lets this kind of failure go on to another upstream."""
        return not self.failover_on or kind in self.failover_on

    def able(self, inquiry: Inquiry) -> list[Target]:
        """Return the targets that have what the request needs, in the route's order."""
        if not self._is_picky:
            return self.targets
        needed = needs(inquiry)
        able = [target for target in self.targets if not (target.lacks & needed)]
        if inquiry.needs_images or inquiry.needs_documents:
            return able  # the bytes of a picture say nothing of its tokens
        size_tokens = tokens(len(inquiry.body))
        large = [
            target
            for target in able
            if not target.context_tokens_max or size_tokens <= target.context_tokens_max
        ]
        return large or able  # an estimate refuses nobody: the upstream counts


def needs(inquiry: Inquiry) -> frozenset[Feature]:
    """Return what the request needs of an upstream."""
    wanted: list[Feature] = []
    if inquiry.needs_tools:
        wanted.append(Feature.TOOLS)
    if inquiry.needs_images:
        wanted.append(Feature.IMAGES)
    if inquiry.needs_documents:
        wanted.append(Feature.DOCUMENTS)
    if inquiry.needs_structured_output:
        wanted.append(Feature.STRUCTURED_OUTPUT)
    return frozenset(wanted)
