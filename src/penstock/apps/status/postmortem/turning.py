"""Post-mortems drafted by themselves when incidents end, and filled in when control answers.

over           a draft is made at the next turn, without what control knows if it is away
control        is asked again each turn for RETRY_DAYS; then the draft says what it says
later posts    a provider's own post may come late: drafts of the last day are made anew
people         once somebody has changed the text, only its facts are kept up to date
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, select

from penstock.apps.status import keeping
from penstock.apps.status.parts import Parts
from penstock.apps.status.postmortem import asking, drafting, writing
from penstock.apps.status.postmortem.drafting import MARGIN_S
from penstock.apps.status.postmortem.facts import Impact, PostMortem
from penstock.apps.status.queries import document
from penstock.apps.status.tables import incidents
from penstock.core.calendar import DAY_S
from penstock.core.errors import PenstockError, StoreError
from penstock.telemetry import log
from penstock.web.keeping_up import pause

TURN_S: Final = 30.0
SETTLE_S: Final = 60.0  # control reads its spool a little later than the gateway writes it
RETRY_DAYS: Final = 7.0
AT_ONCE_MAX: Final = 20
NAME: Final = "postmortem "

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it was made last."""

    facts: PostMortem
    text_sha256: str  # of the text that we wrote


class _Ended(msgspec.Struct, frozen=True):
    """An incident that is over."""

    id: str
    from_unix_s: float
    until_unix_s: float
    has_draft: bool
    has_impact: bool


class PostMortems:
    """Drafts them. Owned by one event loop."""

    def __init__(self, parts: Parts, blocking: Blocking) -> None:
        self._parts = parts
        self._blocking = blocking

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            await self.turn()
            await pause(TURN_S)

    async def turn(self) -> None:
        """Draft what is over and has no draft, and complete what lacks something."""
        now_unix_s = self._parts.now_unix_s()
        store = self._parts.store
        try:
            ended = await self._blocking(lambda: _ended(store, now_unix_s))
        except PenstockError as error:
            log.warn("postmortems_not_drafted", reason=error.message)
            return
        for one in ended:
            await self._complete(one, now_unix_s)

    async def _complete(self, one: _Ended, now_unix_s: float) -> None:
        impact = await self._impact(one, now_unix_s)
        if one.has_draft and impact is None and not _is_fresh(one, now_unix_s):
            return
        try:
            store = self._parts.store
            await self._blocking(lambda: _redraft(store, one.id, impact, now_unix_s))
            self._parts.touch()
        except PenstockError as error:
            log.warn("postmortem_not_drafted", incident=one.id, reason=error.message)

    async def _impact(self, one: _Ended, now_unix_s: float) -> Impact | None:
        if one.has_impact or now_unix_s < one.until_unix_s + SETTLE_S:
            return None
        try:
            from_unix_s = one.from_unix_s - MARGIN_S
            return await asking.impact(self._parts, from_unix_s, one.until_unix_s)
        except StoreError as error:
            log.info("impact_not_known", incident=one.id, reason=error.message)
            return None


def kept(connection: Connection, incident: str) -> Kept | None:
    """Return an incident's draft; None if there is none."""
    return keeping.read(connection, f"{NAME}{incident}", Kept)


def text_of(connection: Connection, incident: str) -> str:
    """Return the text as it is now; empty if there is none."""
    mine = incidents.c.id == incident
    raw = connection.execute(select(incidents.c.document).where(mine)).scalar() or ""
    return document.read(raw).postmortem


def redraft(
    connection: Connection, incident: str, impact: Impact | None, now_unix_s: float
) -> PostMortem:
    """Make an incident's facts anew, and its text too unless people have changed it.

    Raises MissingError, or ConflictError while it is not over.
    """
    before = kept(connection, incident)
    if impact is None and before is not None:
        impact = before.facts.impact
    facts = drafting.drafted(connection, incident, impact, now_unix_s)
    mine = incidents.c.id == incident
    raw = connection.execute(select(incidents.c.document).where(mine)).scalar_one()
    found = document.read(raw)
    text, sha256 = found.postmortem, before.text_sha256 if before is not None else ""
    is_ours = not text or _sha256(text) == sha256
    if is_ours and not found.postmortem_unix_s:
        text = writing.markdown(facts)
        sha256 = _sha256(text)
        document.write(connection, incident, msgspec.structs.replace(found, postmortem=text))
    made = Kept(facts=facts, text_sha256=sha256)
    keeping.write(connection, f"{NAME}{incident}", made, now_unix_s)
    return facts


def _redraft(store: Any, incident: str, impact: Impact | None, now_unix_s: float) -> None:
    with store.writing() as connection:
        redraft(connection, incident, impact, now_unix_s)


def _ended(store: Any, now_unix_s: float) -> list[_Ended]:
    """Return incidents that ended lately and lack something; the newest first."""
    lately = and_(
        incidents.c.kind == "incident",
        incidents.c.is_draft == 0,
        incidents.c.resolved_unix_s > now_unix_s - RETRY_DAYS * DAY_S,
        incidents.c.status.in_(("resolved", "postmortem")),
    )
    statement = select(incidents).where(lately).order_by(incidents.c.resolved_unix_s.desc())
    found: list[_Ended] = []
    with store.reading() as connection:
        for row in connection.execute(statement.limit(AT_ONCE_MAX)):
            draft = kept(connection, row.id)
            one = _Ended(
                row.id,
                row.started_unix_s,
                row.resolved_unix_s,
                draft is not None,
                draft is not None and draft.facts.impact is not None,
            )
            is_behind = draft is not None and draft.facts.made_unix_s < now_unix_s - TURN_S * 10
            if not one.has_impact or (is_behind and _is_fresh(one, now_unix_s)):
                found.append(one)
    return found


def _is_fresh(one: _Ended, now_unix_s: float) -> bool:
    """Tell whether a provider may still post about it."""
    return not one.has_draft or now_unix_s < one.until_unix_s + DAY_S


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
