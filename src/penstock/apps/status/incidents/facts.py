"""What the policy decides from, and what can be read off it: who is blamed, what works. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from penstock.apps.status.incidents import words
from penstock.apps.status.incidents.words import Failing
from penstock.apps.status.queries.document import Memory
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.component import Component, Layer, State
from penstock.watch.evidence import Kind

WORKING_MAX: Final = 3
KNOWN: Final = (Culprit.PROVIDER, Culprit.MODEL, Culprit.SHARED, Culprit.LOGIN)
BLAMED: Final = (*KNOWN, Culprit.US)
SEEING: Final = (Kind.PROBES, Kind.TELEMETRY)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator has chosen."""

    is_published: bool = True  # else incidents are drafts
    drafts_possible: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident."""

    id: str
    name: str
    status: str
    started_unix_s: float
    parts: Mapping[str, State]
    memory: Memory
    is_draft: bool = False
    is_held: bool = False  # by people


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is decided from."""

    now_unix_s: float
    components: Mapping[str, Component]  # of the page, in its order
    said: Mapping[str, Assessment]
    maintained: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()  # of what people have resolved lately
    settings: Settings = Settings()

    def standing_out(self, verdict: Verdict) -> Iterable[Assessment]:
        """Yield what has a verdict, in the order of the page; a caller's own fault is no news."""
        for component in self.components:
            said = self.said.get(component)
            if said is None or component in self.maintained:
                continue
            if said.verdict is verdict and said.culprit is not Culprit.CLIENT:
                yield said

    def is_well(self, component: str) -> bool:
        """Tell whether nothing is to be said of a component: it works, is maintained or gone."""
        if component not in self.components or component in self.maintained:
            return True
        said = self.said.get(component)
        return (
            said is not None
            and (said.verdict is Verdict.NONE or _is_page_only(said))
            and said.state not in (State.UNKNOWN, State.MAINTENANCE)
        )

    def names(self, some: Iterable[str]) -> tuple[str, ...]:
        """Return the names of components."""
        return tuple(self.components[one].name for one in some if one in self.components)

    def provider(self, some: Iterable[Assessment]) -> str:
        """Return the provider of models, if it is one."""
        found = {self.components[said.component].provider for said in some} - {""}
        return next(iter(found)) if len(found) == 1 else ""

    def failing(
        self, some: Iterable[Assessment], states: Mapping[str, State]
    ) -> tuple[Failing, ...]:
        """Return what fails, as words want it."""
        return tuple(
            Failing(
                name=self.components[said.component].name,
                state=states.get(said.component) or shown(said, None),
                ratio=said.failing_ratio,
                about=about(said),
                carried_by=said.carried_by,
                is_unseen=said.verdict is Verdict.NONE and said.state is State.UNKNOWN,
            )
            for said in some
            if said.component in self.components
        )

    def working(self, bad: Iterable[Assessment]) -> tuple[str, ...]:
        """Return components that work and are worth a word: those of the same kind first."""
        failing = {said.component for said in bad}
        layers = {self.components[one].layer for one in failing if one in self.components}
        fine = [
            component
            for id_, component in self.components.items()
            if id_ not in failing
            and id_ not in self.maintained
            and component.layer is not Layer.SHARED
            and _is_fine(self.said.get(id_))
        ]
        fine.sort(key=lambda one: (one.layer not in layers, one.layer is not Layer.SURFACE))
        return tuple(one.id for one in fine)[:WORKING_MAX]


def blamed(bad: Sequence[Assessment]) -> tuple[Culprit, str]:
    """Return who is blamed for all of it: whom most blame; us, where our own parts disagree."""
    found = Counter((said.culprit, said.culprit_name) for said in bad if said.culprit in BLAMED)
    if not found:
        return Culprit.UNKNOWN, ""
    if len(found) > 1 and {culprit for culprit, _ in found} <= {Culprit.LOGIN, Culprit.US}:
        return Culprit.US, ""
    blame, count = found.most_common(1)[0]
    return blame if 2 * count > found.total() else (Culprit.UNKNOWN, "")


def about(said: Assessment) -> str:
    """Return what the heaviest sign is about: failed, slow, wrong; empty: nobody has seen it."""
    seen = [one for one in said.signs if one.kind in SEEING and one.verdict is not Verdict.NONE]
    return max(seen, key=lambda one: one.weight).about if seen else ""


def shown(said: Assessment | None, before: State | None) -> State:
    """Return the state that an incident names for what fails: never better than degraded."""
    if said is not None and said.state in words.HARMED:
        return said.state
    return before if before is not None and before in words.HARMED else State.DEGRADED


def _is_fine(said: Assessment | None) -> bool:
    return said is not None and said.verdict is Verdict.NONE and said.state is State.OPERATIONAL


def _is_page_only(said: Assessment) -> bool:
    """Whether nobody but the provider's own page says anything: pages are the last to close."""
    kinds = {sign.kind for sign in said.signs if sign.verdict}
    return said.verdict is Verdict.POSSIBLE and kinds == {Kind.PAGE}
