"""What the providers' room allowed: the most that anybody could have answered, tier by tier.

    demand     calls a second of each tier in a window: the most that any arm made, since a session
               that fails asks for less than it would have. Retries are not counted. With them
               those of the chat, as far as an arm answered them: it asks the same providers
    room       of each provider, in mean calls a second: the smallest of what its limits allow
                   slots / mean time of a call;  calls/s;  tokens/s / mean tokens of a call
               times the share of its requests that does not fail just then. Providers without a
               limit have endless room. A model that fails alone takes nothing: another may answer
    pieces     of a window, between the instants at which something begins or ends to fail: what is
               idle before an outage is of no use in it
    order      the most urgent tier first, until the room is used up
    possible   of a tier, over the drill: calls that found room / calls that were made

An upper bound: whoever cannot be sent to every provider, and whatever comes in bursts, gets less.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from penstock.sim.drills import figures, strips
from penstock.sim.drills.shapes import Arm, Room, Strike, Timetable, Window

TINY: Final = 1e-9


class Load(NamedTuple):
    """A window: what was asked for, and what there was."""

    window: int
    demand_per_s: dict[str, float]  # by tier, the most urgent first
    room_per_s: dict[str, float]  # by provider
    failing: tuple[str, ...]  # providers that fail for some
    pieces: tuple[tuple[float, float], ...]  # of the window: seconds, and the room of all then

    @property
    def asked_per_s(self) -> float:
        """Of all tiers."""
        return sum(self.demand_per_s.values())

    @property
    def total_per_s(self) -> float:
        """Of all providers."""
        return sum(self.room_per_s.values())

    def possible(self) -> dict[str, float]:
        """Return which share of each tier finds room."""
        found = dict.fromkeys(self.demand_per_s, 0.0)
        whole_s = sum(long_s for long_s, _ in self.pieces)
        for long_s, room_per_s in self.pieces:
            left = room_per_s
            for tier, per_s in self.demand_per_s.items():
                taken = min(left, per_s)
                found[tier] += (taken / per_s if per_s > TINY else 1.0) * long_s / whole_s
                left -= taken
        return found


def loads(timetable: Timetable, arms: Sequence[Arm], rooms: Sequence[Room]) -> list[Load]:
    """Return each window's load; none if no room is known."""
    if not rooms:
        return []
    mean = _mean_call(arms)
    return [
        Load(
            at,
            _demand(arms, at, window.to_s - window.from_s),
            {one.provider: _room(timetable, one, mean, window) for one in rooms},
            tuple(one.provider for one in rooms if _well(timetable, one, window) < 1.0),
            tuple(
                (piece.long_s, sum(_room(timetable, one, mean, piece) for one in rooms))
                for piece in _pieces(timetable, window)
            ),
        )
        for at, window in enumerate(timetable.windows)
    ]


def possible(found: Sequence[Load], timetable: Timetable) -> dict[str, float]:
    """Return which share of each tier's calls found room, over the drill."""
    asked: dict[str, float] = {}
    roomy: dict[str, float] = {}
    for one in found:
        window = timetable.windows[one.window]
        for tier, share in one.possible().items():
            calls = one.demand_per_s[tier] * (window.to_s - window.from_s)
            asked[tier] = asked.get(tier, 0.0) + calls
            roomy[tier] = roomy.get(tier, 0.0) + calls * share
    return {tier: roomy[tier] / asked[tier] for tier in asked if asked[tier] > TINY}


def with_possible(arm: Arm, shares: dict[str, float]) -> Arm:
    """Return an arm that says of each tier's API calls what capacity allowed."""
    return msgspec.structs.replace(
        arm,
        counts=tuple(
            msgspec.structs.replace(one, possible_ratio=shares[one.tier])
            if one.place == "api" and one.window < 0 and one.tier in shares
            else one
            for one in arm.counts
        ),
    )


class _Piece(NamedTuple):
    from_s: float
    to_s: float

    @property
    def long_s(self) -> float:
        """How long it is."""
        return self.to_s - self.from_s


class _Mean(NamedTuple):
    took_s: float
    tokens: float


def _mean_call(arms: Sequence[Arm]) -> _Mean:
    """Return the mean call, of all arms' complete ones."""
    known = [one for arm in arms if (one := figures.find(arm)).complete]
    complete = sum(one.complete for one in known)
    if not complete:
        return _Mean(0.0, 0.0)
    took_s = sum((one.took_mean_s or 0.0) * one.complete for one in known)
    tokens = sum(one.input_tokens + one.output_tokens for one in known)
    return _Mean(took_s / complete, tokens / complete)


def _per_s(room: Room, mean: _Mean) -> float:
    limits = [math.inf]
    if room.calls_per_s is not None:
        limits.append(room.calls_per_s)
    if room.slots is not None and mean.took_s > TINY:
        limits.append(room.slots / mean.took_s)
    if room.tokens_per_s is not None and mean.tokens > TINY:
        limits.append(room.tokens_per_s / mean.tokens)
    return min(limits)


def _room(timetable: Timetable, room: Room, mean: _Mean, span: Window | _Piece) -> float:
    """Return how many calls a second a provider takes in a while."""
    well = _well(timetable, room, span)
    return _per_s(room, mean) * well if well > TINY else 0.0


def _pieces(timetable: Timetable, window: Window) -> list[_Piece]:
    """Return the stretches of a window in which nothing begins or ends to fail."""
    edges = {at_s for one in timetable.strikes for at_s in (one.from_s, one.to_s)}
    within = [at_s for at_s in sorted(edges) if window.from_s < at_s < window.to_s]
    return [_Piece(*pair) for pair in pairwise((window.from_s, *within, window.to_s))]


def _well(timetable: Timetable, room: Room, span: Window | _Piece) -> float:
    """Return which share of a provider's requests did not fail in a while, over its time."""
    mine = [one for one in timetable.strikes if _is_of(one, room.provider)]
    failed_s = sum(
        one.share * max(0.0, min(one.to_s, span.to_s) - max(one.from_s, span.from_s))
        for one in strips.spans(mine)
    )
    return 1.0 - failed_s / (span.to_s - span.from_s)


def _is_of(one: Strike, provider: str) -> bool:
    return one.place == "api" and one.provider == provider and one.model == "*"


def _demand(arms: Sequence[Arm], window: int, long_s: float) -> dict[str, float]:
    return {
        tier: (
            max(figures.find(arm, tier, "api", window).calls for arm in arms)
            + max(figures.find(arm, tier, "chat", window).complete for arm in arms)
        )
        / long_s
        for tier in figures.tiers(arms)
    }
