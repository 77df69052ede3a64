"""Which components fail of one cause, and which open incident speaks of them. Pure.

    here            log-in, our own fault, or a surface or route of which nothing more is known:
                    one service to the people who use it, so one incident
    provider:NAME   its models, and what rests on them; also a model of which nothing more is known
    model:FAMILY    one model alone
    shared:NAME     what several rest on

A component stays in the incident that speaks of it; out of ``here`` it moves to the incident of the
cause that the evidence has found by now, if there is one, and never back. What is new goes to the
incident of its cause; or to one whose own components now all have that cause, for then the evidence
has changed its mind (log-in becomes the provider's, one model becomes all of them). Else an
incident is opened for each cause. An incident whose components all turn out to have the cause of
another one is merged into that. None of this touches what people hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from penstock.watch.assessment import Assessment, Culprit
from penstock.watch.component import Component, Layer

HERE: Final = "here"
Caused = tuple[Assessment, str]  # what fails, and of which cause


class Spoken(msgspec.Struct, frozen=True):
    """An open incident: its cause (empty: people opened it), and the components it speaks of."""

    id: str
    cause: str
    components: frozenset[str]
    is_held: bool = False


class Sorted(msgspec.Struct, frozen=True):
    """Who speaks of what fails."""

    by_incident: dict[str, list[Assessment]]
    causes: dict[str, str]  # of the incidents, as they are now
    fresh: dict[str, list[Assessment]]  # cause -> what no incident speaks of yet
    merged: dict[str, str]  # an incident -> the one that goes on with it


def cause_of(said: Assessment, component: Component) -> str:
    """Return the cause of what fails."""
    match said.culprit:
        case Culprit.PROVIDER:
            return f"provider:{said.culprit_name}"
        case Culprit.MODEL:
            return f"model:{said.culprit_name}"
        case Culprit.SHARED:
            return f"shared:{said.culprit_name}"
        case Culprit.LOGIN | Culprit.US | Culprit.CLIENT | Culprit.NOBODY | Culprit.UNKNOWN:
            if component.layer is Layer.MODEL:
                return f"provider:{component.provider}"
            return f"shared:{component.name}" if component.layer is Layer.SHARED else HERE


def sort(failing: Iterable[Caused], incidents: Sequence[Spoken]) -> Sorted:
    """Return which incident speaks of which component that fails."""
    by_component = {part: one.id for one in reversed(incidents) for part in one.components}
    leaving = {one.id for one in incidents if one.cause == HERE and not one.is_held}
    others = {one.cause: one.id for one in reversed(incidents) if not one.is_held}
    found: dict[str, list[Caused]] = {one.id: [] for one in incidents}
    loose: list[Caused] = []
    for said, cause in failing:
        at = by_component.get(said.component)
        if at in leaving and cause != HERE:
            at = others.get(cause, at)
        (loose if at is None else found[at]).append((said, cause))
    causes, merged = _named_anew(incidents, found)
    for one, into in merged.items():
        found[into].extend(found.pop(one))
    by_cause = {cause: id_ for id_, cause in reversed(causes.items())}
    fresh: dict[str, list[Assessment]] = {}
    for said, cause in loose:
        id_ = by_cause.get(cause)
        if id_ is None:
            fresh.setdefault(cause, []).append(said)
        else:
            found[id_].append((said, cause))
    mine = {id_: [said for said, _ in some] for id_, some in found.items()}
    return Sorted(mine, causes, fresh, merged)


def _named_anew(
    incidents: Sequence[Spoken], found: Mapping[str, Sequence[Caused]]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the causes of incidents as they are now, and which are merged into which."""
    causes = {one.id: one.cause for one in incidents if one.cause}
    merged: dict[str, str] = {}
    for one in incidents:
        seen = {cause for _, cause in found[one.id]}
        if not one.cause or len(seen) != 1 or one.cause in seen:
            continue
        (new,) = seen
        others = [other for other in incidents if causes.get(other.id) == new]
        if not others:
            causes[one.id] = new
        elif not one.is_held and not others[0].is_held:
            merged[one.id] = others[0].id
            del causes[one.id]
    return causes, merged
