"""Calls as their senders saw them, joined with what the arm's ledger knows of their exchanges.

    waited     at the gate, over all tries
    added      first content less what the upstream that gave it took for it; of an answer that is
               not streamed, the whole of it less the whole of the attempt
    upstream   who gave the first content, if the caller was not told
    attempts   of the gateway, over all tries
    continued  seams of the last try
    tokens     of the last try, as they were counted: also what a session brings along
    cost       what providers take, over all tries

A call whose exchanges are not in the ledger stays as it was. Callers who are bound to a provider
have no ledger: their tokens are the provider's own count.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from penstock.apps.drill.ledgers import Known
from penstock.exchange.record import AttemptRecord, Record
from penstock.sim.drills.shapes import Call


def joined(calls: Iterable[Call], known: Mapping[str, Known]) -> list[Call]:
    """Return the calls with what the ledger knows of them."""
    return [_joined(call, known) for call in calls]


def counted(calls: Iterable[Call], attempts: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Return the calls of those who are bound to a provider, with that provider's counts."""
    known = {one["request_id"]: one for one in attempts}
    return [_counted(call, known) for call in calls]


def missing(calls: Iterable[Call], known: Mapping[str, Known]) -> set[str]:
    """Return the exchanges whose head callers saw, and that are not in the ledger (yet)."""
    return {one for call in calls for one in call.request_ids if one not in known}


def first_giver(record: Record) -> AttemptRecord | None:
    """Return the attempt that gave the first content; None: there was none."""
    return next((one for one in record.attempts if one.ttft_s > 0.0), None)


def _counted(call: Call, known: Mapping[str, Mapping[str, Any]]) -> Call:
    theirs = known.get(call.request_ids[-1]) if call.request_ids else None
    if theirs is None:
        return call
    return msgspec.structs.replace(
        call,
        input_tokens=theirs["input_tokens"],
        output_tokens=theirs["output_tokens"],
        upstream=call.upstream or theirs["provider"],
    )


def _joined(call: Call, known: Mapping[str, Known]) -> Call:
    found = [known[one] for one in call.request_ids if one in known]
    if not found:
        return call
    last = found[-1].record
    giver = first_giver(last)
    return msgspec.structs.replace(
        call,
        waited_s=sum(one.record.queued_s for one in found),
        added_s=added_s(call, giver) if giver else None,
        upstream=call.upstream or (giver.upstream if giver else ""),
        attempts=sum(len(one.record.attempts) for one in found),
        continued=last.hops,
        input_tokens=last.input_tokens or call.input_tokens,
        output_tokens=last.output_tokens or call.output_tokens,
        cost_microusd=sum(one.cost_microusd for one in found),
    )


def added_s(call: Call, giver: AttemptRecord) -> float | None:
    """Return what the way to the answer cost, beside whoever gave it."""
    if not call.is_stream:
        return max(0.0, call.took_s - giver.duration_s)
    return max(0.0, call.ttft_s - giver.ttft_s) if call.ttft_s else None
