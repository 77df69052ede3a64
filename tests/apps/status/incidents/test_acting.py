"""From what the watch says to what the database says, in one transaction."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update
from tests.apps.status.ground import Page, id_of

from penstock.apps.status import tables
from penstock.apps.status.incidents import acting, incidents, leads, maintenance, noting, saying
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.maintenance import Announcement, Schedule
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.queries import recorded
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.subscriptions import noticing
from penstock.config.watching import IncidentPolicy
from penstock.watch.assessment import Assessment, Culprit, Sign, Verdict
from penstock.watch.component import State
from penstock.watch.evidence import Kind
from penstock.web.endpoint import ConflictError

API, WEB = id_of("API"), id_of("Web chat")


def said(page: Page, name: str, *, is_bad: bool, **more: Any) -> Assessment:
    if not is_bad:
        return Assessment(
            component=id_of(name), at_unix_s=page.now_s, state=State.OPERATIONAL, **more
        )
    sign = Sign(kind=Kind.PROBES, verdict=Verdict.PROBLEM, weight=2.0, words="9 of 12 failed")
    values: dict[str, Any] = {
        "verdict": Verdict.PROBLEM,
        "state": State.MAJOR,
        "culprit": Culprit.US,
        "signs": (sign,),
        "detected": {"probes": page.now_s, "reports": page.now_s + 5},
        "reasons": ("9 of 12 failed",),
        **more,
    }
    return Assessment(component=id_of(name), at_unix_s=page.now_s, **values)


def act(page: Page, *bad: str, after_s: float = 30.0, **more: Any) -> bool:
    page.now_s += after_s
    names = [one.watched.name for one in page.parts.plan]
    some = [said(page, name, is_bad=name in bad, **(more if name in bad else {})) for name in names]
    with page.writing() as connection:
        return acting.act(connection, page.parts, some, page.now_s)


def found(page: Page) -> list[Found]:
    with page.store.reading() as connection:
        return recorded.listed(connection)


def test_a_problem_changes_state_and_opens_an_incident(page: Page) -> None:
    assert act(page)
    assert page.state("API") is State.OPERATIONAL
    assert not act(page)
    assert act(page, "API")
    assert page.state("API") is State.MAJOR
    (one,) = found(page)
    assert (one.origin, one.is_draft, one.view.impact) == ("watch", False, "critical")
    assert one.view.components == (API,)
    assert one.view.culprit == "us"
    detections = [(one.detector, one.words) for one in one.view.detections]
    assert detections == [("probes", "9 of 12 failed"), ("reports", "")]
    assert not act(page, "API")


def test_a_draft_changes_the_state_all_the_same(page: Page) -> None:
    page.configured(incidents=IncidentPolicy.DRAFT)
    act(page, "API")
    act(page, "API", "Web chat")
    assert page.state("API") is State.MAJOR
    (one,) = found(page)
    assert one.is_draft
    act(page, "API", "Web chat", after_s=60)
    (one,) = found(page)
    assert set(one.view.components) == {API, WEB}
    assert len(one.view.updates) == 1
    page.configured(incidents=IncidentPolicy.PUBLISH)
    act(page, "API", "Web chat", after_s=60)
    assert not found(page)[0].is_draft


def test_each_update_is_told_once(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def updated(*given: Any) -> int:
        told.append(given[2])
        return 1

    monkeypatch.setattr(noticing, "incident_updated", updated)
    for _ in range(60):
        act(page, "API")
    for _ in range(60):
        act(page)
    (one,) = found(page)
    assert one.view.status == "resolved"
    assert sorted(told) == sorted(update.id for update in one.view.updates)


def test_what_people_took_over_gets_proposals_only(page: Page) -> None:
    act(page, "API")
    (one,) = found(page)
    with page.writing() as connection:
        incidents.take_over(connection, page.parts, one.view.id, page.now_s)
    for _ in range(4):
        act(page, "API", "Web chat", detected={"page": page.now_s})
    (after,) = found(page)
    assert len(after.view.updates) == 1
    proposal = after.document.proposal
    assert proposal is not None
    assert set(proposal.components) == {API, WEB}
    assert "page" in {detection.detector for detection in after.view.detections}
    assert page.state("Web chat") is State.MAJOR  # nobody has said anything else of it
    count = len(page.rows("incidents"))
    act(page, "API", "Web chat")
    assert len(page.rows("incidents")) == count
    with page.writing() as connection:
        incidents.hand_back(connection, page.parts, one.view.id, page.now_s)
    act(page, "API", "Web chat", after_s=90)
    (again,) = found(page)
    assert again.document.proposal is None
    assert set(again.view.components) == {API, WEB}


def test_an_incident_of_people_speaks_for_its_components(page: Page) -> None:
    opening = Opening(
        name="We change something",
        said=Said(status="identified", body="So it is.", components={API: State.DEGRADED}),
    )
    with page.writing() as connection:
        incidents.open_(connection, page.parts, opening, page.now_s)
    act(page, "API")
    (one,) = found(page)
    assert one.origin == "operator"
    assert page.state("API") is State.DEGRADED
    assert one.document.proposal is not None


def test_a_draft_of_people_speaks_for_nobody_yet(page: Page) -> None:
    opening = Opening(
        name="Perhaps",
        said=Said(status="identified", body="Not yet.", components={API: State.DEGRADED}),
        is_draft=True,
    )
    with page.writing() as connection:
        incidents.open_(connection, page.parts, opening, page.now_s)
    act(page, "API")
    assert {one.origin for one in found(page)} == {"operator", "watch"}


def test_maintenance_keeps_the_watch_from_opening(page: Page) -> None:
    wanted = Announcement(
        name="Work",
        body="Work.",
        components=(API,),
        schedule=Schedule(from_unix_s=page.now_s, until_unix_s=page.now_s + 600),
    )
    with page.writing() as connection:
        maintenance.schedule(connection, page.parts, wanted, page.now_s)
    act(page, "API")
    assert [one.view.is_maintenance for one in found(page)] == [True]
    assert page.state("API") is State.MAINTENANCE
    page.now_s += 600
    with page.writing() as connection:
        maintenance.turn(connection, page.parts, page.now_s)
    assert page.state("API") is State.MAJOR
    act(page, "API")
    assert [one.view.is_maintenance for one in found(page)] == [False, True]


def test_without_room_states_change_all_the_same(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "OPEN_MAX", 0)
    act(page, "API")
    assert not found(page)
    assert page.state("API") is State.MAJOR
    monkeypatch.setattr(saying, "OPEN_MAX", 9)
    monkeypatch.setattr(saying, "UPDATES_MAX", 1)
    act(page, "API")
    act(page, "API", "Web chat", after_s=90)
    (one,) = found(page)
    assert len(one.view.updates) == 1
    assert page.state("Web chat") is State.MAJOR


def test_what_people_left_open_does_not_silence_the_watch(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saying, "OPEN_MAX", 2)
    left = Opening(name="We look at it", said=Said(status="investigating", body="We look."))
    with page.writing() as connection:
        for _ in range(2):
            incidents.open_(connection, page.parts, left, page.now_s)
        with pytest.raises(ConflictError):
            incidents.open_(connection, page.parts, left, page.now_s)
    act(page, "API")
    assert sorted(one.origin for one in found(page)) == ["operator", "operator", "watch"]


def test_verdicts_are_kept_when_they_change(page: Page) -> None:
    act(page)
    mine = len(page.rows("verdicts", component=API))
    for _ in range(20):
        act(page, after_s=5)
    assert len(page.rows("verdicts", component=API)) == mine == 1
    for _ in range(25):
        act(page, "API", after_s=5)
    kept = page.rows("verdicts", component=API)[mine:]
    assert len(kept) == 1 + int(24 * 5 // noting.EVERY_S)
    assert {row.verdict for row in kept} == {"problem"}
    (row,) = page.rows("components", id=API)
    assert row.verdict == kept[-1].id
    assert msgspec.json.decode(kept[0].document, type=Assessment).signs[0].words


def post(page: Page, posted_unix_s: float, component: str = API, state: str = "trouble") -> None:
    values = {"component": component, "state": state, "words": "Elevated errors", "link": "L"}
    times = {"at_unix_s": page.now_s, "posted_unix_s": posted_unix_s}
    with page.writing() as connection:
        connection.execute(insert(tables.posts).values(**values, **times))


def look(page: Page) -> Found:
    with page.writing() as connection:
        leads.turn(connection, page.now_s)
    return found(page)[0]


def test_the_lead_over_the_providers_own_post(page: Page) -> None:
    act(page, "API")
    detected_s = page.now_s
    assert look(page).view.detections[0].lead_s is None
    page.now_s += 720
    post(page, page.now_s, state="good")
    post(page, page.now_s, component=WEB)
    post(page, detected_s - 2 * leads.BEFORE_S)  # about something else
    assert look(page).view.provider_posted_unix_s == 0.0
    post(page, page.now_s)
    one = look(page)
    assert one.view.provider_posted_unix_s == page.now_s
    assert [round(each.lead_s or 0.0) for each in one.view.detections] == [720, 715]
    first_s = page.now_s
    page.now_s += 60
    post(page, page.now_s)
    assert look(page).view.provider_posted_unix_s == first_s
    post(page, first_s - 60)  # the page dates its first post earlier now
    assert look(page).view.provider_posted_unix_s == first_s - 60


def test_providers_may_post_a_day_late(page: Page) -> None:
    act(page, "API")
    (one,) = found(page)
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, one.view.id, ("Over.", "ann"), page.now_s)
    page.now_s += leads.AFTER_S - 60
    post(page, page.now_s)
    assert look(page).view.provider_posted_unix_s == page.now_s
    page.now_s += 3600
    post(page, page.now_s)
    assert look(page).view.provider_posted_unix_s == page.now_s - 3600


def test_charts_are_kept_when_all_is_over(page: Page) -> None:
    act(page, "API")
    (one,) = found(page)
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, one.view.id, ("Over.", "ann"), page.now_s)
    assert look(page).document.evidence is None
    page.now_s += 7200
    assert look(page).document.evidence is not None


def test_a_component_that_is_gone_ends_with_its_incident(page: Page) -> None:
    act(page, "API")
    with page.writing() as connection:
        mine = tables.components.c.id == API
        connection.execute(update(tables.components).where(mine).values(is_gone=1))
    for _ in range(60):
        act(page, "API")
    assert found(page)[0].view.status == "resolved"


def test_what_people_have_resolved_is_not_opened_again_while_the_verdict_holds(page: Page) -> None:
    act(page, "API")
    (first,) = found(page)
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, first.view.id, ("Over.", "ada"), page.now_s)
    act(page, "API", after_s=300.0)
    assert len(found(page)) == 1
    act(page, "API", "Web chat")  # something else is another matter
    assert [one.view.components for one in found(page) if one.view.is_open] == [(WEB,)]
    act(page, "API", after_s=acting.SETTLED_S)
    assert len([one for one in found(page) if one.view.is_open]) >= 1
    assert any(API in one.view.components for one in found(page) if one.view.is_open)
