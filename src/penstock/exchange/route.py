"""A route at run time: the targets behind an alias, and how to choose among them.

targets                                     who is asked
that are not degraded                       by everybody, as the route's policy has it
that are degraded (a smaller model)         first, and the others after them, by those whose
                                            model may be degraded now; else by nobody
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from penstock.config.model import Feature, Policy, Timeouts
from penstock.config.model import Route as RouteEntry
from penstock.core import balancer
from penstock.core.estimate import BYTES_PER_TOKEN, tokens
from penstock.core.outcome import FailureKind
from penstock.dialects.continuation import PROMPT
from penstock.dialects.contract import Inquiry
from penstock.dialects.operation import Speakers
from penstock.dialects.splicer import Splicing
from penstock.exchange.target import Target

Chooser = Callable[[Sequence[Target], Callable[[], float], float], Target]
NOTHING: Final[frozenset[Feature]] = frozenset()
CHOOSERS: Final[dict[Policy, Chooser]] = {
    Policy.ORDER: balancer.in_order,
    Policy.WEIGHT: balancer.by_weight,
    Policy.LOAD: balancer.by_load,
}


class Route:
    """One alias. Replaced whole on a reload; its targets' state lives on."""

    __slots__ = (
        "_fitting_bytes", "_lacks", "attempts_max", "choose", "continue_prompt", "every",
        "failover_on", "hold_s", "is_ordered", "keep_alive_s", "model", "name", "on_break",
        "splicing", "targets", "timeouts", "unary_hold_bytes_max", "unary_via_stream",
    )  # fmt: skip

    def __init__(
        self,
        entry: RouteEntry,
        targets: list[Target],
        timeouts: Timeouts,
        attempts_max: int,
        model: str = "",
    ) -> None:
        self.name = entry.name
        self.model = model or entry.name  # as callers say it: a prefix is not said
        self.targets = [target for target in targets if not target.is_degraded]
        smaller = [target for target in targets if target.is_degraded]
        self.every = [*smaller, *self.targets] if smaller else self.targets
        self.timeouts = timeouts
        self.attempts_max = attempts_max
        chooser = CHOOSERS[entry.policy]
        self.choose: Chooser = partial(smaller_first, chooser) if smaller else chooser
        self.on_break = entry.on_break
        self.continue_prompt = entry.continuation.prompt or PROMPT
        self.splicing = Splicing(
            holds_calls=entry.continuation.holds_calls,
            held_bytes_max=entry.continuation.held_bytes_max,
        )
        self.hold_s = entry.continuation.hold_s
        self.unary_hold_bytes_max = entry.unary_hold_bytes_max
        self.unary_via_stream = entry.unary_via_stream
        self.keep_alive_s = entry.keep_alive_s or 0.0
        self.is_ordered = entry.policy is Policy.ORDER
        self.failover_on = frozenset(FailureKind(kind) for kind in entry.failover_on)
        self._lacks = frozenset(feature for target in targets for feature in target.lacks)
        sizes = (target.context_tokens_max for target in targets if target.context_tokens_max)
        self._fitting_bytes: float = min(sizes, default=math.inf) * BYTES_PER_TOKEN

    def may_fail_over(self, kind: FailureKind) -> bool:
        """Tell whether the operator lets this kind of failure go on to another upstream."""
        return not self.failover_on or kind in self.failover_on

    def able(
        self,
        inquiry: Inquiry,
        speakers: Speakers | None = None,
        *,
        may_degrade: bool = False,
    ) -> list[Target]:
        """Return the targets that have what the request needs, in the route's order.

        With ``speakers`` it is no answer that is asked for, and all it needs is to be spoken there.
        With ``may_degrade`` the smaller models stand first, and are chosen first.
        """
        if speakers is not None:
            return [one for one in self.targets if one.upstream.dialect.name in speakers]
        targets = self.every if may_degrade else self.targets
        needed = needs(inquiry) & self._lacks if self._lacks else NOTHING
        if not needed and len(inquiry.body) <= self._fitting_bytes:
            return targets  # the usual request: everybody can
        return with_what(inquiry, needed, targets)


def with_what(
    inquiry: Inquiry, needed: frozenset[Feature], targets: Sequence[Target]
) -> list[Target]:
    """Return those that lack nothing that is needed, and take a request of this size."""
    able = [target for target in targets if not (target.lacks & needed)]
    if inquiry.needs_images or inquiry.needs_documents:
        return able  # the bytes of a picture say nothing of its tokens
    size_tokens = tokens(len(inquiry.body))
    large = [
        target
        for target in able
        if not target.context_tokens_max or size_tokens <= target.context_tokens_max
    ]
    return large or able  # an estimate refuses nobody: the upstream counts


def smaller_first(
    chooser: Chooser, free: Sequence[Target], chance: Callable[[], float], now_s: float
) -> Target:
    """Choose among the smaller models that are free, if they may be asked, else among all."""
    smaller = [target for target in free if target.is_degraded]
    return chooser(smaller or free, chance, now_s)


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
