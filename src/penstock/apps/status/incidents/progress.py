"""One incident's next step; the rules stand in policy.py. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from penstock.apps.status.incidents import facts, words
from penstock.apps.status.incidents.facts import Case, Known
from penstock.apps.status.incidents.moments import rounded_up
from penstock.apps.status.incidents.words import News, Scope
from penstock.apps.status.queries.document import Memory
from penstock.core import rollup
from penstock.core.rollup import Condition
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.component import State

RECOVERED_S: Final = 600.0
IDENTIFIED_S: Final = 120.0
MONITORING_S: Final = 360.0
RESOLVED_S: Final = 900.0  # of quiet beyond: a swing of ten minutes is no end
RELAPSE_FACTOR_MAX: Final = 4
PACE_S: Final = 60.0
PROMISE_S: Final = 1_800.0
PROMISE_STEP_S: Final = 300.0  # people remember full five minutes
MINUTE_S: Final = 60.0


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """Post an update, or propose it where people hold the incident."""

    incident: str
    name: str
    status: str
    body: str
    components: dict[str, State]
    memory: Memory
    is_proposed: bool = False
    is_published: bool = False  # a draft becomes public with it


class Remember(msgspec.Struct, frozen=True):
    """Say nothing, and keep this in mind."""

    incident: str
    memory: Memory


def promised(now_unix_s: float) -> float:
    """Return by when there is another update."""
    return rounded_up(now_unix_s + PROMISE_S, PROMISE_STEP_S)


class Progress:
    """One incident, and those of its components that fail."""

    def __init__(
        self,
        known: Known,
        case: Case,
        bad: Sequence[Assessment],
        cause: str,
        stays: Sequence[str],  # of its components: another incident speaks of the others now
    ) -> None:
        self._known = known
        self._case = case
        self._bad = {said.component: said for said in bad}
        self._now_unix_s = known.now_unix_s
        some = dict.fromkeys([*stays, *self._bad])
        quiet = case.memory.quiet
        self._quiet = {
            one: min(quiet.get(one) or self._now_unix_s, self._now_unix_s)
            if known.is_well(one)
            else 0.0
            for one in some
        }
        self._memory = self._remembered(cause)
        self._factor = min(2**self._memory.relapses, RELAPSE_FACTOR_MAX)
        is_quiet = bool(self._quiet) and all(self._quiet.values())
        self._quiet_unix_s = max(self._quiet.values()) if is_quiet else 0.0  # 0: it is not
        self._is_relapse = case.status == "monitoring" and bool(self._bad)
        self._is_stable = self._now_unix_s >= self._memory.seen_unix_s + IDENTIFIED_S

    def step(self) -> Say | Remember | None:
        """Return what is to be said, or remembered; None: nothing is new."""
        status = self._status()
        gone = self._recovered()
        after = self._after(gone)
        is_paced = self._now_unix_s < self._memory.said_unix_s + PACE_S and not self._case.is_held
        if is_paced or not after or not self._has_news(status, after):
            is_new = self._memory != self._case.memory
            return Remember(self._case.id, self._memory) if is_new else None
        return self._said(status, after, gone)

    def merged(self, into: str) -> Say:
        """Return the last word of an incident that another one (its name) goes on with."""
        return self._update("resolved", words.merged(into), dict(self._case.parts), {})

    def _remembered(self, cause: str) -> Memory:
        """Return what the evidence adds to what is known."""
        memory = self._case.memory
        changes: dict[str, Any] = {"cause": cause, "quiet": self._quiet}
        for name in ("seen_unix_s", "said_unix_s"):  # a clock that was set back: not in the future
            changes[name] = min(getattr(memory, name), self._now_unix_s)
        if self._bad:
            culprit, name = facts.blamed(list(self._bad.values()))
            is_lost = culprit is Culprit.UNKNOWN and memory.seen  # what is known stays known
            if not is_lost and (culprit.value, name) != (memory.seen, memory.seen_name):
                changes |= {"seen": culprit.value, "seen_name": name}
                changes["seen_unix_s"] = self._now_unix_s
        return msgspec.structs.replace(memory, **changes)

    def _status(self) -> str:
        status = self._case.status
        if self._bad:
            is_known = self._is_stable and Culprit(self._memory.seen) in facts.KNOWN
            again = "investigating" if self._is_relapse else status
            return "identified" if is_known else again
        quiet_s = self._now_unix_s - self._quiet_unix_s if self._quiet_unix_s else -1.0
        if status == "monitoring" and quiet_s >= (MONITORING_S + RESOLVED_S) * self._factor:
            return "resolved"
        return "monitoring" if quiet_s >= MONITORING_S * self._factor else status

    def _recovered(self) -> list[str]:
        """Return what leaves the scope: well for long while something else is not."""
        if self._quiet_unix_s or (self._case.status == "monitoring" and not self._bad):
            return []
        before_unix_s = self._now_unix_s - RECOVERED_S * self._factor
        return [one for one, since in self._quiet.items() if since and since <= before_unix_s]

    def _after(self, gone: Sequence[str]) -> dict[str, State]:
        """Return the components of the incident with their states."""
        found: dict[str, State] = {}
        for component, since in self._quiet.items():
            if component not in gone:
                said, before = self._known.said.get(component), self._case.parts.get(component)
                found[component] = State.OPERATIONAL if since else facts.shown(said, before)
        return found

    def _has_news(self, status: str, after: Mapping[str, State]) -> bool:
        memory, before = self._memory, self._case.parts
        if status != self._case.status or after.keys() != before.keys() or self._publishes():
            return True
        if self._is_worse(after):
            return True
        if self._case.is_held:
            return False
        if self._bad and (self._elsewhere() or (self._is_another() and self._is_stable)):
            return True
        return 0.0 < memory.promised_unix_s <= self._now_unix_s

    def _is_worse(self, after: Mapping[str, State]) -> bool:
        """Tell whether a component is worse than was ever said of it: states go up and down."""
        said = self._memory.worst
        return any(
            _condition(state.value) > _condition(said.get(one, before.value))
            for one, state in after.items()
            if (before := self._case.parts.get(one)) is not None
        )

    def _is_another(self) -> bool:
        """Tell whether the evidence names another culprit than the last update did."""
        memory = self._memory
        return (memory.seen, memory.seen_name) != (memory.culprit, memory.culprit_name)

    def _elsewhere(self) -> list[str]:
        """Return what was said to work and fails now, and is not ours to speak of."""
        said = [self._known.said.get(one) for one in self._memory.works]
        failing = [one for one in said if one is not None and one.verdict is Verdict.PROBLEM]
        return [one.component for one in failing if one.component not in self._quiet]

    def _news(self, status: str, after: Mapping[str, State], gone: Sequence[str]) -> News:
        """Return what an update about trouble begins with."""
        if self._is_relapse:
            return News.BACK
        if gone or self._elsewhere() or after.keys() != self._case.parts.keys():
            return News.SCOPE
        if self._is_worse(after):
            return News.WORSE
        if status == "identified" and self._case.status != status:
            return News.FOUND
        return News.MORE if self._is_another() else News.NOTHING

    def _publishes(self) -> bool:
        return self._case.is_draft and self._known.settings.is_published and bool(self._bad)

    def _said(self, status: str, after: dict[str, State], gone: Sequence[str]) -> Say:
        now_unix_s, names = self._now_unix_s, self._known.names(after)
        if status == "resolved":
            began = self._case.started_unix_s
            body = words.resolved(names, began, self._quiet_unix_s, now_unix_s)
            return self._update(status, body, after, {"promised_unix_s": 0.0})
        if status == "monitoring" and self._quiet_unix_s:
            over_unix_s = self._quiet_unix_s + (MONITORING_S + RESOLVED_S) * self._factor
            by_unix_s = rounded_up(max(over_unix_s, now_unix_s + PACE_S), MINUTE_S)
            body = words.monitoring(names, self._quiet_unix_s, by_unix_s, now_unix_s)
            return self._update(status, body, after, {"promised_unix_s": by_unix_s})
        by_unix_s = promised(now_unix_s)
        if status == "monitoring" or self._quiet_unix_s:
            body = words.watching(names, by_unix_s, now_unix_s)
            return self._update(status, body, after, {"promised_unix_s": by_unix_s})
        return self._troubled(status, after, gone, by_unix_s)

    def _troubled(
        self, status: str, after: dict[str, State], gone: Sequence[str], by_unix_s: float
    ) -> Say:
        """Return the update for while something fails."""
        known, memory = self._known, self._memory
        some = [known.said[one] for one in after if one in known.said and not self._quiet[one]]
        failing = known.failing(some, after)
        working = known.working([*some, *self._bad.values()])
        added = [one for one in after if one not in self._case.parts and one in self._bad]
        scope = Scope(
            now_unix_s=self._now_unix_s,
            failing=failing,
            working=known.names(working),
            added=known.names(added),
            elsewhere=known.names(self._elsewhere()),
            recovered=known.names(gone),
            culprit=Culprit(memory.seen or Culprit.UNKNOWN.value),
            culprit_name=memory.seen_name,
            provider=known.provider(some),
            next_unix_s=by_unix_s,
            since_unix_s=memory.said_unix_s,
            news=self._news(status, after, gone),
        )
        worst = {
            one: rollup.worst([state.value, memory.worst.get(one, state.value)])
            for one, state in after.items()
        }
        changes: dict[str, Any] = {
            "worst": worst,
            "culprit": memory.seen,
            "culprit_name": memory.seen_name,
            "promised_unix_s": by_unix_s,
            "works": working,
            "relapses": memory.relapses + self._is_relapse,
            "name": words.title(failing) if failing else memory.name,
        }
        return self._update(status, words.body(scope), after, changes)

    def _update(
        self, status: str, body: str, after: dict[str, State], changes: Mapping[str, Any]
    ) -> Say:
        case, memory = self._case, self._memory
        if not case.is_held:
            memory = msgspec.structs.replace(memory, said_unix_s=self._now_unix_s, **changes)
        is_named_by_us = case.name == case.memory.name
        return Say(
            incident=case.id,
            name=memory.name if is_named_by_us else case.name,
            status=status,
            body=body,
            components=after,
            memory=memory,
            is_proposed=case.is_held,
            is_published=self._publishes(),
        )


def _condition(state: str) -> Condition:
    return Condition.of(state)
