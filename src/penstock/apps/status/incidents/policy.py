"""From what the watch says to what an incident says, and when. Pure.

opens       when a component becomes a ``problem``; what fails of one cause is one incident
            (causes.py). ``possible`` opens nothing, at most a draft (``drafts_possible``)
people      what they have resolved is not opened again for SETTLED_S: verdicts hold for a while
scope       components join at once, and leave when they have been well for RECOVERED_S
identified  when the evidence has named the same culprit for IDENTIFIED_S; else investigating
monitoring  when all of them have been well for MONITORING_S
resolved    when they stay so for RESOLVED_S more
relapse     while monitoring: back to investigating or identified, in the same incident; each one
            doubles what is waited for, up to RELAPSE_FACTOR_MAX times, so that an outage that
            swings every few minutes is one incident with few updates
speaks      when status, scope, culprit or a state for the worse changes, or something that it said
            to work fails; at most every PACE_S; and by the time it promised, at the latest
held        in people's hands it proposes instead, when status or scope would change

Well is a verdict of ``none`` by a watch that can see; unknown is not well. A component under
maintenance, or gone from the page, counts as well.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.apps.status.incidents import causes, facts, words
from penstock.apps.status.incidents.causes import Spoken
from penstock.apps.status.incidents.facts import Case, Known
from penstock.apps.status.incidents.progress import Progress, Remember, Say, promised
from penstock.apps.status.incidents.words import Scope
from penstock.apps.status.queries.document import Memory
from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.component import State

ONSET_S_MAX: Final = 6 * 3_600.0  # a begin longer ago is not believed


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Open an incident."""

    name: str
    status: str
    body: str
    components: dict[str, State]
    started_unix_s: float
    memory: Memory
    is_draft: bool


Action = Open | Say | Remember


def decide(known: Known, cases: Sequence[Case]) -> list[Action]:
    """Return what is to be done."""
    failing = [
        (said, causes.cause_of(said, known.components[said.component]))
        for said in known.standing_out(Verdict.PROBLEM)
    ]
    found = causes.sort(
        failing,
        [Spoken(one.id, one.memory.cause, frozenset(one.parts), one.is_held) for one in cases],
    )
    names = {case.id: case.name for case in cases}
    at = {said.component: id_ for id_, some in found.by_incident.items() for said in some}
    actions: list[Action] = []
    for case in cases:
        bad, cause = found.by_incident.get(case.id, []), found.causes.get(case.id, "")
        stays = [one for one in case.parts if at.get(one, case.id) == case.id]
        progress = Progress(known, case, bad, cause, stays)
        into = found.merged.get(case.id)
        if not stays and not into:  # all of it has moved
            into = at[next(iter(case.parts))] if case.parts else None
        action = progress.merged(names[into]) if into else progress.step()
        if action is not None:
            actions.append(action)
    for cause, bad in found.fresh.items():
        news = [said for said in bad if said.component not in known.settled]
        if news:
            actions.append(_opened(known, cause, news, is_draft=not known.settings.is_published))
    if known.settings.drafts_possible:
        actions.extend(_possible(known, cases, set(found.fresh)))
    return actions


def _possible(known: Known, cases: Sequence[Case], opened: set[str]) -> Iterable[Action]:
    """Yield drafts for what is possible, where no incident speaks of it or of its cause."""
    spoken = {part for case in cases for part in case.parts}
    taken = {case.memory.cause for case in cases} | opened
    by_cause: dict[str, list[Assessment]] = {}
    for said in known.standing_out(Verdict.POSSIBLE):
        cause = causes.cause_of(said, known.components[said.component])
        if said.component not in spoken and cause not in taken:
            by_cause.setdefault(cause, []).append(said)
    for cause, bad in by_cause.items():
        yield _opened(known, cause, bad, is_draft=True)


def _opened(known: Known, cause: str, bad: Sequence[Assessment], *, is_draft: bool) -> Open:
    now_unix_s = known.now_unix_s
    culprit, name = facts.blamed(bad)
    failing, working = known.failing(bad, {}), known.working(bad)
    scope = Scope(
        now_unix_s=now_unix_s,
        failing=failing,
        working=known.names(working),
        culprit=culprit,
        culprit_name=name,
        provider=known.provider(bad),
        next_unix_s=promised(now_unix_s),
    )
    title = words.title(failing)
    memory = Memory(
        cause=cause,
        name=title,
        culprit=culprit.value,
        culprit_name=name,
        seen=culprit.value,
        seen_name=name,
        seen_unix_s=now_unix_s,
        said_unix_s=now_unix_s,
        promised_unix_s=scope.next_unix_s,
        works=working,
        worst={said.component: facts.shown(said, None).value for said in bad},
        quiet={said.component: 0.0 for said in bad},
    )
    onset_unix_s = min((one.onset_unix_s for one in bad if one.onset_unix_s), default=now_unix_s)
    return Open(
        name=title,
        status="investigating",
        body=words.body(scope),
        components={said.component: facts.shown(said, None) for said in bad},
        started_unix_s=min(now_unix_s, max(onset_unix_s, now_unix_s - ONSET_S_MAX)),
        memory=memory,
        is_draft=is_draft,
    )
