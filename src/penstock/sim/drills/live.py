"""A timetable as a live drill: what of an outage a running gateway can let happen to itself.

at a provider    at each upstream of ours that is this provider's, by what it is called
a share          as the timetable says; how many are struck is bounded by the blast radius
time             as it is played: it is cut, never sped up, and may last ``LAST_S_MAX`` at most
not struck       the front doors, which are not the gateway's; kinds that a live drill has not;
                 providers that none of our upstreams is of. Each is told, with the reason

Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from penstock.core.live_faults import ACTIONS, FAULTS_MAX, LAST_S_MAX
from penstock.sim.drills.script import AT_PROVIDER, SLOW_S
from penstock.sim.drills.shapes import Strike, Timetable, Unplayed
from penstock.sim.drills.surfaces import API

SLOW: Final = "slow_ttft"


class LiveFaultAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, as the operator API takes it."""

    kind: str
    share_ratio: float
    upstream: str
    model: str
    delay_s: float
    starts_s: float
    lasts_s: float


class LiveScript(msgspec.Struct, frozen=True, kw_only=True):
    """What is struck, and what is not."""

    faults: tuple[LiveFaultAsked, ...]
    unplayed: tuple[Unplayed, ...]


def live_script(timetable: Timetable, upstreams: Mapping[str, Sequence[str]]) -> LiveScript:
    """Return what a gateway with these upstreams, by provider, lets happen to itself."""
    faults: list[LiveFaultAsked] = []
    unplayed = list(timetable.unplayed)
    for strike in timetable.strikes:
        why = _obstacle(strike, upstreams)
        if why:
            unplayed.append(Unplayed(surface=strike.surface, why=why))
        else:
            faults += _faults(strike, upstreams[strike.provider])
    if len(faults) > FAULTS_MAX:
        told = f"{len(faults) - FAULTS_MAX} later steps: a live drill has {FAULTS_MAX} at most"
        unplayed.append(Unplayed(surface="steps", why=told))
    return LiveScript(faults=tuple(faults[:FAULTS_MAX]), unplayed=tuple(dict.fromkeys(unplayed)))


def _obstacle(strike: Strike, upstreams: Mapping[str, Sequence[str]]) -> str:
    """Return why a strike cannot be; empty if it can."""
    if strike.place != API:
        return f"{strike.place} is not the gateway's: penstock drill plays it"
    kind = AT_PROVIDER.get(strike.kind)
    if kind is None or kind not in ACTIONS:
        return f"{strike.kind} is no fault of a live drill"
    if not upstreams.get(strike.provider):
        return f"none of the upstreams is of {strike.provider}"
    if strike.from_s >= LAST_S_MAX:
        return f"it would begin after {LAST_S_MAX:g} s"
    return ""


def _faults(strike: Strike, upstreams: Sequence[str]) -> Iterator[LiveFaultAsked]:
    ends_s = min(strike.to_s, LAST_S_MAX)
    lasts_s = ends_s - strike.from_s
    stall_s = strike.stall_s
    if stall_s is None:
        stall_s = SLOW_S if strike.kind == SLOW else lasts_s
    for upstream in upstreams:
        yield LiveFaultAsked(
            kind=AT_PROVIDER[strike.kind].value,
            share_ratio=strike.share,
            upstream=upstream,
            model=strike.model,
            delay_s=min(stall_s, LAST_S_MAX),
            starts_s=strike.from_s,
            lasts_s=lasts_s,
        )
