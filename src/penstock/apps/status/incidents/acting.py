"""From what the watch says to what the page says: component states, incidents, by policy.

One transaction: the states of components, the verdicts that are kept, then what the policy decides.
Incidents that people hold get proposals and evidence, never a word of the watch's own. When there
is no room for another incident or update, the watch goes on without it: the states still change.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select, update

from penstock.apps.status.incidents import incidents, leads, noting, policy, saying, states
from penstock.apps.status.incidents.facts import Case, Known, Settings
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.policy import Open
from penstock.apps.status.incidents.progress import Remember, Say
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.parts import Parts
from penstock.apps.status.queries import document, recorded
from penstock.apps.status.queries.document import Document, Memory, Proposal
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.tables import components, incident_parts
from penstock.apps.status.tables import incidents as table
from penstock.config.watching import IncidentPolicy
from penstock.core.errors import PenstockError
from penstock.telemetry import log
from penstock.watch.assessment import Assessment
from penstock.watch.component import State

SETTLED_S: Final = 900.0  # longer than a verdict holds after the last failure


def act(
    connection: Connection, parts: Parts, assessments: Sequence[Assessment], now_unix_s: float
) -> bool:
    """Bring states and incidents in line with what is known; tell whether anything changed."""
    shown = set(
        connection.execute(select(components.c.id).where(components.c.is_gone == 0)).scalars()
    )
    said = {one.component: one for one in assessments if one.component in shown}
    their_states = {id_: one.state for id_, one in said.items()}
    is_changed = bool(states.watched(connection, parts, their_states, now_unix_s))
    is_changed |= noting.note(connection, list(said.values()), now_unix_s)
    found = recorded.listed(connection, table.c.status.not_in(saying.CLOSED))
    known = Known(
        now_unix_s=now_unix_s,
        components={one.id: one.watched for one in parts.plan if one.id in shown},
        said=said,
        maintained=_maintained(found),
        settled=_settled(connection, now_unix_s),
        settings=Settings(
            is_published=parts.config.status.incidents is IncidentPolicy.PUBLISH,
            drafts_possible=parts.config.status.drafts_possible,
        ),
    )
    cases = {one.view.id: one for one in found if _is_ours(one)}
    for action in policy.decide(known, [_case(one) for one in cases.values()]):
        is_changed |= _done(connection, parts, action, cases, now_unix_s)
    is_changed |= leads.notice(connection, said)
    return is_changed


def _is_ours(one: Found) -> bool:
    """Tell whether an incident speaks for its components; people's own drafts do not yet."""
    return not one.view.is_maintenance and not (one.is_draft and one.origin == "operator")


def _maintained(found: Sequence[Found]) -> frozenset[str]:
    return frozenset(
        part.component
        for one in found
        if one.view.is_maintenance and one.view.status in states.UNDER_WAY
        for part in one.parts
        if not part.to_unix_s
    )


def _settled(connection: Connection, now_unix_s: float) -> frozenset[str]:
    """Return the components of incidents that people have resolved within SETTLED_S."""
    by_people = (table.c.is_taken_over == 1) | (table.c.origin == "operator")
    lately = table.c.resolved_unix_s.between(now_unix_s - SETTLED_S, now_unix_s)
    mine = select(table.c.id).where(by_people, lately, table.c.kind == "incident")
    statement = select(incident_parts.c.component).where(incident_parts.c.incident.in_(mine))
    return frozenset(connection.execute(statement).scalars())


def _case(one: Found) -> Case:
    return Case(
        id=one.view.id,
        name=one.view.name,
        status=one.view.status,
        started_unix_s=one.view.started_unix_s,
        parts={part.component: State(part.state) for part in one.parts if not part.to_unix_s},
        memory=one.document.memory,
        is_draft=one.is_draft,
        is_held=not one.is_the_watchs,
    )


def _done(
    connection: Connection,
    parts: Parts,
    action: policy.Action,
    cases: Mapping[str, Found],
    now_unix_s: float,
) -> bool:
    """Do one thing; tell whether it shows."""
    match action:
        case Open():
            return _open(connection, parts, action, now_unix_s)
        case Remember():
            _keep(connection, cases[action.incident], action.memory)
            return False
        case Say() if action.is_proposed:
            return _propose(connection, action, cases[action.incident], now_unix_s)
        case Say():
            return _say(connection, parts, action, cases[action.incident], now_unix_s)


def _open(connection: Connection, parts: Parts, action: Open, now_unix_s: float) -> bool:
    said = Said(status=action.status, body=action.body, components=action.components)
    memory = action.memory
    opening = Opening(
        name=action.name,
        said=said,
        is_draft=action.is_draft,
        started_unix_s=action.started_unix_s,
        origin="watch",
        document=Document(culprit=memory.culprit, culprit_name=memory.culprit_name, memory=memory),
    )
    try:
        incidents.open_(connection, parts, opening, now_unix_s)
    except PenstockError as error:
        log.warn("incident_not_opened", reason=error.message)
        return False
    return True


def _say(
    connection: Connection, parts: Parts, action: Say, found: Found, now_unix_s: float
) -> bool:
    row = saying.row_of(connection, action.incident)
    said = Said(status=action.status, body=action.body, components=action.components)
    try:
        saying.say(connection, parts, row, said, now_unix_s)
    except PenstockError as error:
        log.warn("incident_not_updated", incident=action.incident, reason=error.message)
        return False
    mine = table.c.id == action.incident
    connection.execute(update(table).where(mine).values(name=action.name))
    _keep(connection, found, action.memory)
    if action.is_published:
        incidents.publish(connection, parts, action.incident, now_unix_s)
    return True


def _propose(connection: Connection, action: Say, found: Found, now_unix_s: float) -> bool:
    some = {one: state.value for one, state in action.components.items()}
    before = found.document.proposal
    if before is not None and (before.status, before.components) == (action.status, some):
        _keep(connection, found, action.memory)
        return False
    proposal = Proposal(
        at_unix_s=now_unix_s, status=action.status, body=action.body, components=some
    )
    _keep(connection, found, action.memory, proposal)
    return True


def _keep(
    connection: Connection, found: Found, memory: Memory, proposal: Proposal | None = None
) -> None:
    before = found.document
    after = msgspec.structs.replace(
        before,
        memory=memory,
        culprit=memory.culprit or before.culprit,
        culprit_name=memory.culprit_name if memory.culprit else before.culprit_name,
        proposal=proposal or before.proposal,
    )
    if after != before:
        document.write(connection, found.view.id, after)
