"""How an upstream hears how urgent an attempt is, where it is declared to listen.

    setting of the upstream    what is sent
    passes_priority            the field ``priority`` of the body: vLLM serves the lowest number
                               first, SGLang the highest; 0 is standard, as whoever says nothing
    tier_headers = "smg"       x-smg-priority, one of its four classes
    tier_headers = "llm-d"     x-llm-d-inference-objective, the name of the tier, under which the
                               operator of llm-d has declared an objective; and the tenant as
                               x-llm-d-inference-fairness-id

A caller's own ``priority`` is replaced there: nobody goes before others by asking for it. A count
of tokens has headers only.

Sources: vLLM's and SGLang's request fields and their flags for priority scheduling
(``--schedule-low-priority-values-first`` of SGLang must be off); SMG's reference of its priority
scheduler; llm-d's flow control.
"""

from typing import Final

import msgspec

from penstock.config.model import TierHeaders, Upstream
from penstock.core.tier import Tier
from penstock.dialects import json_fields
from penstock.dialects.capability import Engine
from penstock.dialects.operation import Operation
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.target import header_value

SMG_CLASSES: Final = (b"system", b"interactive", b"default", b"bulk", b"bulk")


def mark(order: Order, attempt: Attempt) -> None:
    """Say in an attempt that is written how urgent it is; nothing to most upstreams."""
    served, entry = order.inquiry.served, attempt.target.upstream.entry
    if served is None:
        return
    if entry.tier_headers is not None:
        attempt.more_lines = _lines(entry.tier_headers, served, order.tenant)
    if entry.passes_priority and order.operation is Operation.GENERATE:
        value = msgspec.Raw(b"%d" % priority(entry, served))
        attempt.body = json_fields.with_field(attempt.body, (), "priority", value)


def priority(entry: Upstream, served: Tier) -> int:
    """Return the number by which an engine orders what waits."""
    lateness = served - Tier.STANDARD
    return -lateness if entry.engine is Engine.SGLANG else lateness


def _lines(style: TierHeaders, served: Tier, tenant: str) -> bytes:
    if style is TierHeaders.SMG:
        return b"x-smg-priority: %b\r\n" % SMG_CLASSES[served]
    return (b"x-llm-d-inference-objective: %b\r\nx-llm-d-inference-fairness-id: %b\r\n") % (
        served.word.encode(),
        header_value(tenant),
    )
