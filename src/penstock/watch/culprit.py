"""Whose fault it is: the table of STATUS 5.6, from what each component shows.

In this order; the first that fits has it:

    shared    its model is one of those that began to fail together (``explaining``), or what it
              rests on, and has evidence of its own, fails: network and names
    provider  most models of its provider that can be seen fail; or it has only one. Where nothing
              but the provider's page speaks: of most of them
    model     fewer than most
    (below)   a route or surface that rests on what began to fail with it: that one's culprit; of a
              surface, if it can account for what fails there (``accounting``)
    login     a surface, and log-in fails, and nothing behind the API began to fail with it; what
              began after the surface had failed for a while says nothing
    client    people report, and probes or telemetry live and say that all is well; its name is the
              version, the region or the few networks that nearly all reports are from
    us        a surface or route fails while all that it rests on works
    unknown   reports, and nothing that could tell

Pure.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from penstock.watch import accounting
from penstock.watch.accounting import Tally
from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.component import Component, Layer
from penstock.watch.settings import Settings

LOGIN: Final = "login"
BEHIND_THE_API: Final = frozenset({"api", "streaming", "batch"})

Blame = tuple[Culprit, str]
NOBODY: Final[Blame] = (Culprit.NOBODY, "")


class Finding(msgspec.Struct, kw_only=True):
    """What a component shows, before anybody is blamed."""

    component: Component
    verdict: Verdict
    weight: float  # of probes and telemetry
    onset_unix_s: float
    confirmed_unix_s: float  # when it became a problem; 0: it has not
    began_unix_s: float  # the earliest that it may have
    amiss: Tally  # lately: failed, late or wrong
    probes: Sequence[tuple[float, bool]]  # that ended since the first that failed
    before: dict[str, Tally]  # of another that fails: probes until it did; kept, for ``probes`` go
    usual_ratio: float  # of its probes that fail
    is_late: bool  # most of what fails takes too long; no errors are seen
    is_living: bool
    is_shared: bool  # began to fail together with other providers' models
    is_page_only: bool
    is_connection: bool
    is_seen: bool  # probes or telemetry say that it fails
    few_networks: str  # "3 networks": nearly all reports are from these
    one_kind: str  # "version 3.2", likewise

    @property
    def is_problem(self) -> bool:
        """Whether it has been confirmed."""
        return self.verdict is Verdict.PROBLEM


class Court:
    """All findings of an instant."""

    def __init__(
        self, findings: Mapping[str, Finding], settings: Settings, now_unix_s: float
    ) -> None:
        self._findings = findings
        self._settings = settings
        self._now_unix_s = now_unix_s
        self._failing = [found for found in findings.values() if self._is_failing(found)]

    def blame(self, found: Finding) -> Blame:
        """Whose fault this one is."""
        component = found.component
        if found.verdict is Verdict.NONE:
            is_client = found.is_living and found.few_networks
            return (Culprit.CLIENT, found.few_networks) if is_client else NOBODY
        if component.layer is Layer.SHARED:
            return Culprit.SHARED, component.name
        shared = self._shared_below(found)
        if shared:
            return Culprit.SHARED, shared
        if component.layer is Layer.MODEL:
            return self._of_model(found)
        return self._of_surface(found)

    def _of_model(self, found: Finding) -> Blame:
        component = found.component
        if not found.is_seen and not found.is_page_only:
            return self._of_reports(found)
        peers = [
            other
            for other in self._findings.values()
            if other.component.layer is Layer.MODEL
            and other.component.provider == component.provider
            and (other.is_living or other.is_page_only or other is found)
        ]
        failing = sum(other is found or self._fails_with(other, found) for other in peers)
        if 2 * failing > len(peers):
            return Culprit.PROVIDER, component.provider
        return Culprit.MODEL, component.family

    def _fails_with(self, other: Finding, found: Finding) -> bool:
        """Whether a model of the same provider fails of the same cause."""
        if found.is_page_only:
            return other.is_page_only or other.is_problem
        is_together = other.is_problem or self._began_together(other, found)
        return self._is_failing(other) and is_together

    def _of_surface(self, found: Finding) -> Blame:
        below = [self._findings[one] for one in found.component.rests_on if one in self._findings]
        failing = [one for one in below if self._is_failing(one) and one.verdict]
        causes = self._causes(failing, found, is_all=len(failing) == len(below))
        if causes:
            return self.blame(max(causes, key=lambda one: (one.verdict, one.weight)))
        if found.component.layer is Layer.SURFACE and self._is_login(found):
            return Culprit.LOGIN, ""
        if found.is_page_only:
            return Culprit.PROVIDER, ""
        if not found.is_seen:
            return self._of_reports(found)
        return Culprit.US, ""

    def _of_reports(self, found: Finding) -> Blame:
        if not found.is_living:
            return Culprit.UNKNOWN, ""
        return Culprit.CLIENT, found.few_networks or found.one_kind

    def _causes(self, failing: list[Finding], found: Finding, *, is_all: bool) -> list[Finding]:
        """Return what fails below and can be why this one does."""
        is_any = is_all or found.component.fails_with_any
        if not is_any and not any(self._began_together(one, found) for one in failing):
            return []
        if found.component.layer is not Layer.SURFACE:
            return failing
        causes = [
            one
            for one in failing
            if one.component.layer is not Layer.MODEL
            or not (self._is_carried(one, found) or self._is_later(one, found))
        ]
        lately_unix_s = max(found.onset_unix_s, self._now_unix_s - self._settings.window_s)
        above = accounting.count(found.probes, lately_unix_s, math.inf)
        is_more = all(accounting.is_more(above, one.amiss) for one in causes)
        return [] if is_more else causes

    def _is_carried(self, model: Finding, found: Finding) -> bool:
        """Whether others answer in a model's place, so that no errors come of it."""
        if found.is_late:
            return False
        above = [
            one
            for one in self._findings.values()
            if model.component.id in one.component.rests_on
            and one.is_living
            and (one.component.layer is Layer.ROUTE or one.component.surface in BEHIND_THE_API)
        ]
        has_route = any(one.component.layer is Layer.ROUTE for one in above)
        return has_route and not any(one.verdict for one in above)

    def _is_later(self, one: Finding, found: Finding) -> bool:
        """Whether a surface had failed before this did, and most of that is still there."""
        known = found.before.get(one.component.id, accounting.NONE)
        before = accounting.count(found.probes, found.onset_unix_s, one.began_unix_s)
        if before.events > known.events:
            known = found.before[one.component.id] = before
        after = accounting.count(found.probes, one.onset_unix_s, math.inf)
        return accounting.is_older(known, after, found.usual_ratio)

    def _is_login(self, found: Finding) -> bool:
        if found.component.surface in BEHIND_THE_API:
            return False
        together = [one for one in self._failing if self._began_together(one, found)]
        if not any(
            one.component.surface == LOGIN and (one.is_seen or not one.is_living)
            for one in [*together, found]
        ):
            return False
        return not any(
            one.component.surface in BEHIND_THE_API or one.component.layer is not Layer.SURFACE
            for one in together
            if not self._is_later(one, found)
        )

    def _shared_below(self, found: Finding) -> str:
        shared = [
            one.component
            for one in self._failing
            if one.component.layer is Layer.SHARED
            and (one.component.id in found.component.rests_on or found.is_connection)
            and self._began_together(one, found)
        ]
        if shared:
            return shared[0].name
        return "network and names" if found.is_shared else ""

    def _began_together(self, one: Finding, other: Finding) -> bool:
        return abs(one.onset_unix_s - other.onset_unix_s) <= self._settings.together_s

    def _is_failing(self, found: Finding) -> bool:
        is_suspect = found.is_living and found.weight >= self._settings.possible_ratio
        return is_suspect or found.is_problem
