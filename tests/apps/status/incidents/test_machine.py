"""People and the watch do what they like, in any order; the record stays whole.

state       of a component is what who may say so says: people, then maintenance, then the watch
intervals   of a component touch or leave gaps, never overlap; the open one is what is shown
updates     stand in order, and each that is published and to be delivered is told once
over        what is resolved never changes again, least of all by the watch
parts       a component is open once in an incident, and in one incident of the watch at most
"""

import itertools
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.apps.status.ground import Page, id_of

from penstock.apps.status.incidents import acting, incidents, maintenance, saying, states
from penstock.apps.status.incidents.incidents import Opening, Past
from penstock.apps.status.incidents.maintenance import Announcement, Schedule
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.subscriptions import noticing
from penstock.core import rollup
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError

NAMES = ("Web chat", "API", "opus-4.6")
KNOWN = [one for one in State if one is not State.UNKNOWN]
FAILING = (State.DEGRADED, State.PARTIAL, State.MAJOR)
PARTS = st.dictionaries(st.sampled_from([id_of(one) for one in NAMES]), st.sampled_from(KNOWN))
BLAMES = (
    (Culprit.US, ""),
    (Culprit.LOGIN, ""),
    (Culprit.PROVIDER, "anthropic"),
    (Culprit.MODEL, "opus-4.6"),
    (Culprit.UNKNOWN, ""),
)
WELL = (Verdict.NONE, State.OPERATIONAL, (Culprit.NOBODY, ""))
SAID = st.one_of(
    st.just(WELL),
    st.just((Verdict.NONE, State.UNKNOWN, (Culprit.NOBODY, ""))),
    st.tuples(
        st.sampled_from([Verdict.POSSIBLE, Verdict.PROBLEM]),
        st.sampled_from(FAILING),
        st.sampled_from(BLAMES),
    ),
)
CHOICE = st.integers(0, 9)  # of what there is, counted round


class Machine(RuleBasedStateMachine):
    """One page, people, and a watch."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.page = Page(Path(self.folder.name))
        self.told: list[str] = []
        self.over: dict[str, Any] = {}  # incident -> how it was when it ended
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(noticing, "incident_updated", self._on_update)

    def _on_update(self, *given: Any) -> int:
        self.told.append(given[2])
        return 1

    def teardown(self) -> None:
        self.patch.undo()
        self.page.store.close()
        self.folder.cleanup()

    def some(self, choice: int, **where: Any) -> str:
        """Return an open incident that is so; empty: there is none."""
        found = [
            row.id
            for row in self.page.rows("incidents", **where)
            if row.status not in saying.CLOSED
        ]
        return found[choice % len(found)] if found else ""

    @rule(seconds=st.sampled_from([1, 30, 61, 130, 400, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.page.now_s += seconds

    @rule(
        said=st.dictionaries(st.sampled_from(NAMES), SAID),
        times=st.integers(1, 4),
        step_s=st.sampled_from([5, 60, 170, 400]),
    )
    def the_watch_speaks(self, said: dict[str, Any], times: int, step_s: int) -> None:
        for _ in range(times):
            self.page.now_s += step_s
            some = [self._assessed(name, said.get(name, WELL)) for name in NAMES]
            with self.page.writing() as connection:
                acting.act(connection, self.page.parts, some, self.page.now_s)

    def _assessed(self, name: str, said: tuple[Verdict, State, tuple[Culprit, str]]) -> Assessment:
        verdict, state, (culprit, whose) = said
        return Assessment(
            component=id_of(name),
            at_unix_s=self.page.now_s,
            verdict=verdict,
            state=state,
            culprit=culprit,
            culprit_name=whose,
        )

    @rule(parts=PARTS, is_draft=st.booleans(), deliver=st.booleans())
    def people_open(self, parts: dict[str, State], *, is_draft: bool, deliver: bool) -> None:
        said = Said(status="investigating", body="We look.", components=parts, is_delivered=deliver)
        opening = Opening(name="It fails", said=said, is_draft=is_draft)
        with self.page.writing() as connection:
            incidents.open_(connection, self.page.parts, opening, self.page.now_s)

    @rule(
        choice=CHOICE,
        status=st.sampled_from(incidents.STATUSES),
        parts=st.none() | PARTS,
    )
    def people_post(self, choice: int, status: str, parts: dict[str, State] | None) -> None:
        one = self.some(choice, kind="incident")
        if one:
            said = Said(status=status, body="So it is.", components=parts)
            with self.page.writing() as connection:
                incidents.update(connection, self.page.parts, one, said, self.page.now_s)

    @rule(choice=CHOICE, is_back=st.booleans())
    def people_take_over_or_hand_back(self, choice: int, *, is_back: bool) -> None:
        one = self.some(choice, origin="watch", is_taken_over=int(is_back))
        act = incidents.hand_back if is_back else incidents.take_over
        if one:
            with self.page.writing() as connection:
                act(connection, self.page.parts, one, self.page.now_s)

    @rule(choice=CHOICE, is_kept=st.booleans())
    def people_publish_or_discard(self, choice: int, *, is_kept: bool) -> None:
        one = self.some(choice, is_draft=1)
        if not one:
            return
        with self.page.writing() as connection:
            if is_kept:
                incidents.publish(connection, self.page.parts, one, self.page.now_s)
            else:
                incidents.discard(connection, one)

    @rule(name=st.sampled_from(NAMES), state=st.none() | st.sampled_from(KNOWN))
    def people_say_how_a_component_is(self, name: str, state: State | None) -> None:
        with self.page.writing() as connection:
            states.override(connection, self.page.parts, id_of(name), state, self.page.now_s)

    @rule(
        name=st.sampled_from(NAMES),
        in_s=st.integers(-60, 400),
        for_s=st.integers(100, 900),
    )
    def maintenance_is_scheduled(self, name: str, in_s: int, for_s: int) -> None:
        from_unix_s = self.page.now_s + in_s
        wanted = Announcement(
            name="Work",
            body="Work.",
            components=(id_of(name),),
            schedule=Schedule(from_unix_s=from_unix_s, until_unix_s=from_unix_s + for_s),
        )
        with self.page.writing() as connection:
            maintenance.schedule(connection, self.page.parts, wanted, self.page.now_s)

    @rule(name=st.sampled_from(NAMES), ago_s=st.integers(60, 900), share=st.floats(0.1, 1.0))
    def people_write_down_the_past(self, name: str, ago_s: int, share: float) -> None:
        from_unix_s = self.page.now_s - ago_s
        past = Past(
            name="It failed",
            body="And we did not say so.",
            components={id_of(name): State.PARTIAL},
            from_unix_s=from_unix_s,
            to_unix_s=from_unix_s + ago_s * share,
        )
        with self.page.writing() as connection:
            incidents.backfill(connection, past, self.page.now_s)

    @rule()
    def the_loop_turns(self) -> None:
        with self.page.writing() as connection:
            maintenance.turn(connection, self.page.parts, self.page.now_s)
            states.silence(connection, self.page.parts, self.page.now_s)

    @rule(choice=CHOICE)
    def what_is_over_is_refused(self, choice: int) -> None:
        over = sorted(self.over)
        if over:
            said = Said(status="investigating", body="Again.")
            one = over[choice % len(over)]
            with self.page.writing() as connection, pytest.raises(ConflictError):
                incidents.update(connection, self.page.parts, one, said, self.page.now_s)

    @invariant()
    def states_are_who_says_them(self) -> None:
        rows = {row.id: row for row in self.page.rows("incidents")}
        for component in self.page.rows("components", is_group=0):
            parts = [
                (rows[part.incident], part.state)
                for part in self.page.rows("incident_parts", component=component.id, to_unix_s=0)
            ]
            people = [
                state
                for row, state in parts
                if row.kind == "incident"
                and not row.is_draft
                and (row.origin == "operator" or row.is_taken_over)
            ]
            works = any(row.status in states.UNDER_WAY for row, _ in parts)
            expected = component.watch_state or "unknown"
            if component.operator_state:
                expected = component.operator_state
            elif people:
                expected = rollup.worst(people)
            elif works:
                expected = "under_maintenance"
            assert component.state == expected
            assert component.api_state != "unknown"

    @invariant()
    def intervals_never_overlap(self) -> None:
        for component in self.page.rows("components", is_group=0):
            rows = self.page.rows("intervals", component=component.id)
            some = sorted(rows, key=lambda row: row.from_unix_s)
            for before, after in itertools.pairwise(some):
                assert before.from_unix_s < before.to_unix_s <= after.from_unix_s
            assert all(one.to_unix_s for one in some[:-1])
            if some and not some[-1].to_unix_s:
                assert some[-1].state == component.state

    @invariant()
    def updates_are_in_order_and_told_once(self) -> None:
        assert max(Counter(self.told).values(), default=0) <= 1
        drafts = {row.id for row in self.page.rows("incidents") if row.is_draft}
        due: set[str] = set()
        for incident in {row.incident for row in self.page.rows("incident_updates")}:
            rows = self.page.rows("incident_updates", incident=incident)
            some = sorted(rows, key=lambda row: row.position)
            assert [row.position for row in some] == list(range(len(some)))
            times = [row.display_unix_s for row in some]
            assert times == sorted(times)
            due |= {row.id for row in some if row.deliver and incident not in drafts}
        assert due == set(self.told)

    @invariant()
    def what_is_over_does_not_change(self) -> None:
        for row in self.page.rows("incidents"):
            if row.status not in saying.CLOSED:
                continue
            parts = self.page.rows("incident_parts", incident=row.id)
            assert all(part.to_unix_s for part in parts)
            now = (row.status, row.name, row.impact, row.resolved_unix_s, parts)
            before = self.over.setdefault(row.id, now)
            assert before == now

    @invariant()
    def a_component_is_in_one_incident_of_the_watch(self) -> None:
        mine = {
            row.id
            for row in self.page.rows("incidents", origin="watch")
            if row.status not in saying.CLOSED and not row.is_taken_over
        }
        parts = self.page.rows("incident_parts", to_unix_s=0)
        assert max(Counter((one.incident, one.component) for one in parts).values(), default=0) <= 1
        held = Counter(one.component for one in parts if one.incident in mine)
        assert max(held.values(), default=0) <= 1


Machine.TestCase.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestMachine(Machine.TestCase):
    """Run it."""
