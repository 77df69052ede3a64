"""Who comes when, and what they want: drawn by name, so that each arm has the same.

    arrivals   of sessions, ``per_s / turns`` a second; Poisson, or by the gaps of a trace
    a session  its user, dialect, lengths, words and pauses come from dice of its own name: what
               happens to one changes nothing for another, in any arm
    lengths    drawn from a trace, cut to what the mix allows

A session is drawn whole before it begins, however soon it will end.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from penstock.apps.drill.driving.asking import Question, question
from penstock.apps.drill.driving.plan import Place, Plan
from penstock.sim.arrivals import Dice, Gaps, poisson, replay
from penstock.sim.drills.traffic import Traffic


class Turn(NamedTuple):
    """One question of a session, and the pause before it."""

    question: Question
    is_stream: bool
    after_s: float


class Visit(NamedTuple):
    """One session, drawn to its end before it begins."""

    name: str
    user: str
    place: Place | None  # none at the chat
    turns: Sequence[Turn]
    dice: Dice  # for what its client draws
    first: int = 0  # the turn that it is at when it comes


def gaps(plan: Plan, traffic: Traffic) -> Gaps:
    """Return the gaps between sessions, of mean 1."""
    dice = plan.draw(f"arrivals/{traffic.name}")
    if traffic.arrivals == "poisson":
        return poisson(dice)
    return replay(plan.traces.gaps_ms, dice)


def visit(plan: Plan, traffic: Traffic, number: int, first: int = 0) -> Visit:
    """Return the session of this number."""
    name = f"{traffic.name}-{number}"
    dice = plan.draw(f"session/{name}")
    user = f"{traffic.name}-u{int(dice.random() * traffic.users)}" if traffic.users else ""
    dialect = dice.random()
    places = plan.places.get(traffic.name, ())
    place = places[int(dialect * len(places))] if places else None
    turns = tuple(_turn(plan, traffic, at, dice) for at in range(traffic.turns))
    return Visit(name, user, place, turns, plan.draw(f"client/{name}"), first)


def _turn(plan: Plan, traffic: Traffic, at: int, dice: Dice) -> Turn:
    rows = plan.traces.lengths[traffic.lengths]
    taken, told = rows[int(dice.random() * len(rows))]
    output_tokens = min(told, traffic.output_tokens_max)
    asked = question(min(taken, traffic.input_tokens_max), output_tokens, dice)
    after_s = -math.log(1.0 - dice.random()) * traffic.think_s if at else 0.0
    return Turn(asked, dice.random() < traffic.stream_ratio, after_s)
