"""What components mean for each other: what they share, what drags them down, what carries them.

    share    models of several providers rise at once (``explaining``): what they share is raised to
             the worst of them, instead of those whom only reports speak against
    drag     a route or surface that nothing looks at fails with all that it rests on; with any of
             it, where it has no failover
    carry    a model fails, and a route that rests on it works: another of its models serves

Pure.
"""

from collections.abc import Mapping, Sequence

from penstock.watch.assessment import Verdict
from penstock.watch.case import Case
from penstock.watch.component import Layer
from penstock.watch.explaining import Rise, is_shared
from penstock.watch.settings import Settings

Cases = Mapping[str, Case]


def share(cases: Cases, settings: Settings) -> None:
    """Raise what is shared."""
    if not settings.has_explaining:
        return
    models: dict[str, int] = {}
    rises: list[Rise] = []
    for one, case in cases.items():
        component = case.component
        if component.layer is not Layer.MODEL or not (case.is_living or case.verdict):
            continue
        models[component.provider] = models.get(component.provider, 0) + 1
        onsets = [sign.since_unix_s for sign in case.signs if sign.since_unix_s]
        if case.verdict and onsets and not case.is_page_only:
            rises.append(Rise(one, component.provider, min(onsets), case.is_connection))
    together = is_shared(rises, models, settings)
    if together:
        _raise(cases, together, settings)


def _raise(cases: Cases, together: Sequence[str], settings: Settings) -> None:
    target = _shared_target(cases, together)
    worst = max(cases[one].verdict for one in together)
    for one in together:
        case = cases[one]
        case.is_shared = True
        if target and case.weight < settings.possible_ratio:
            case.verdict = Verdict.NONE
    if target:
        target.verdict = max(target.verdict, worst)
        target.is_raised = True


def _shared_target(cases: Cases, together: Sequence[str]) -> Case | None:
    """Return what they share: a component that these rest on, or else one that anything does."""
    mine = {below for one in together for below in cases[one].component.rests_on}
    anyone = {below for case in cases.values() for below in case.component.rests_on}
    shared = [case for case in cases.values() if case.component.layer is Layer.SHARED]
    found = [case for below in (mine, anyone) for case in shared if case.component.id in below]
    return next(iter(found), None)


def drag(cases: Cases) -> None:
    """Let what nothing looks at fail with what it rests on."""
    for case in cases.values():
        component = case.component
        if case.is_living or component.layer not in {Layer.ROUTE, Layer.SURFACE}:
            continue
        below = [cases[one] for one in component.rests_on if one in cases]
        models = [one for one in below if one.component.layer is not Layer.SHARED]
        failing = [one for one in models if one.verdict is Verdict.PROBLEM]
        if failing and (component.fails_with_any or len(failing) == len(models)):
            ratios = [one.failing_ratio or 0.0 for one in failing]
            case.verdict = Verdict.PROBLEM
            case.below = tuple(one.component.name for one in failing)
            case.failing_ratio = max(ratios) if component.fails_with_any else min(ratios)


def carried_by(cases: Cases, one: str) -> str:
    """The model that a route, which works, can use in place of this one; empty: none."""
    if cases[one].component.layer is not Layer.MODEL or not cases[one].told:
        return ""
    for route in cases.values():
        below = route.component.rests_on
        if route.component.layer is not Layer.ROUTE or one not in below:
            continue
        if route.told or not route.is_living:
            continue
        for other in below:
            if other in cases and cases[other].is_living and not cases[other].told:
                return cases[other].component.family or cases[other].component.name
    return ""
