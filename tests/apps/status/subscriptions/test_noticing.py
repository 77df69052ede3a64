"""Whoever wants to know is told, of everything and once; nobody else is."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from tests.apps.status.subscriptions.bench import API, CHAT, GROUP, LOGIN, Bench

from penstock.apps.status import tables
from penstock.apps.status.subscriptions import noticing, subscribing
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.notify import outbox
from penstock.watch.component import State

OK, BAD, UNKNOWN = State.OPERATIONAL, State.MAJOR, State.UNKNOWN


def waiting(bench: Bench) -> list[tuple[str, str]]:
    """Return what waits: for whom, and of which notice."""
    rows = bench.rows(tables.deliveries)
    return [(row.subscriber, row.notice) for row in rows if row.state == outbox.WAITING]


def test_an_update_is_told_to_those_who_want_its_components(bench: Bench) -> None:
    everything, _ = bench.add(Kind.EMAIL, "all@example.org")
    login, _ = bench.add(Kind.WEBHOOK, "https://a.example.org/", LOGIN, CHAT)
    bench.add(Kind.SLACK, "https://b.example.org/", CHAT)
    id_, told = bench.say(bench.open_incident(API, LOGIN), "Log-in fails")
    assert told == 2
    assert sorted(waiting(bench)) == sorted([(everything, id_), (login, id_)])
    assert set(bench.states()) == {f"{id_}-{everything}", f"{id_}-{login}"}


def test_an_incident_without_components_is_told_to_all(bench: Bench) -> None:
    bench.add(Kind.EMAIL, "all@example.org")
    bench.add(Kind.EMAIL, "one@example.org", LOGIN)
    assert bench.say(bench.open_incident(), "Something is wrong")[1] == 2


def test_an_update_is_noticed_once(bench: Bench) -> None:
    bench.add(Kind.EMAIL, "all@example.org")
    id_, _ = bench.say(bench.open_incident(API), "It fails")
    with bench.store.writing() as connection:
        assert noticing.incident_updated(connection, bench.parts, id_, bench.clock()) == 0
    assert len(waiting(bench)) == 1


def test_drafts_and_quiet_updates_are_told_to_nobody(bench: Bench) -> None:
    bench.add(Kind.EMAIL, "all@example.org")
    assert bench.say(bench.open_incident(API, is_draft=True), "Maybe")[1] == 0
    assert bench.say(bench.open_incident(API), "Quiet", deliver=False)[1] == 0
    with bench.store.writing() as connection:
        assert noticing.incident_updated(connection, bench.parts, "nothing", bench.clock()) == 0
    assert waiting(bench) == []


def test_a_quiet_update_can_be_told_later(bench: Bench) -> None:
    bench.add(Kind.EMAIL, "all@example.org")
    id_, _ = bench.say(bench.open_incident(API), "Quiet", deliver=False)
    with bench.store.writing() as connection:
        table = tables.incident_updates
        connection.execute(update(table).where(table.c.id == id_).values(deliver=1))
        assert noticing.incident_updated(connection, bench.parts, id_, bench.clock()) == 1


def test_who_is_pending_quarantined_or_ended_is_told_nothing(bench: Bench) -> None:
    quarantined, _ = bench.add(Kind.WEBHOOK, "https://a.example.org/")
    ended, _ = bench.add(Kind.WEBHOOK, "https://b.example.org/")
    asked = Asked(Kind.EMAIL, "pending@example.org")
    with bench.store.writing() as connection:
        subscribing.ask(connection, bench.sealing, asked, bench.clock())
        subscribing.end(connection, ended, bench.clock())
        connection.execute(
            update(tables.subscribers)
            .where(tables.subscribers.c.id == quarantined)
            .values(quarantined_unix_s=bench.clock())
        )
    assert bench.say(bench.open_incident(API), "It fails")[1] == 0
    assert bench.change(API, OK, BAD) == 0


def test_a_newer_update_stands_in_for_what_still_waits(bench: Bench) -> None:
    one, _ = bench.add(Kind.EMAIL, "all@example.org")
    incident, other = bench.open_incident(API), bench.open_incident(API)
    first, _ = bench.say(incident, "It fails")
    elsewhere, _ = bench.say(other, "Another thing")
    second, _ = bench.say(incident, "We know why", "identified")
    assert sorted(waiting(bench)) == sorted([(one, second), (one, elsewhere)])
    assert bench.states()[f"{first}-{one}"] == noticing.SUPERSEDED


def test_a_newer_update_takes_nothing_from_who_is_not_told_of_it(bench: Bench) -> None:
    one, _ = bench.add(Kind.EMAIL, "all@example.org")
    incident = bench.open_incident(API)
    first, _ = bench.say(incident, "It fails")
    with bench.store.writing() as connection:  # as if it could not be told of the next
        table = tables.subscribers
        connection.execute(
            update(table).where(table.c.id == one).values(quarantined_unix_s=bench.clock())
        )
    bench.say(incident, "We know why", "identified")
    assert waiting(bench) == [(one, first)]


def test_who_heard_of_the_start_hears_of_the_end(bench: Bench) -> None:
    one, _ = bench.add(Kind.EMAIL, "login@example.org", LOGIN)
    incident = bench.open_incident(LOGIN)
    bench.say(incident, "Log-in fails")
    with bench.store.writing() as connection:  # an operator takes the component out of it
        connection.execute(tables.incident_parts.delete())
        connection.execute(tables.incident_parts.insert().values(incident=incident, component=API))
    last, told = bench.say(incident, "It was the API", "resolved")
    assert (told, waiting(bench)) == (1, [(one, last)])


def test_a_components_change_goes_to_webhooks_and_to_people_who_chose_it(bench: Bench) -> None:
    hook, _ = bench.add(Kind.WEBHOOK, "https://a.example.org/")
    bench.add(Kind.WEBHOOK, "https://b.example.org/", CHAT)
    bench.add(Kind.EMAIL, "all@example.org")
    chose, _ = bench.add(Kind.EMAIL, "api@example.org", API)
    assert bench.change(API, OK, BAD) == 2
    due = {row.subscriber: row.next_unix_s for row in bench.rows(tables.deliveries)}
    assert due == {hook: bench.clock(), chose: bench.clock() + noticing.SETTLE_S}


def test_an_incident_stands_in_for_its_components_changes(bench: Bench) -> None:
    hook, _ = bench.add(Kind.WEBHOOK, "https://a.example.org/")
    one, _ = bench.add(Kind.EMAIL, "api@example.org", API)
    bench.change(API, OK, BAD)
    incident = bench.open_incident(API)
    first, _ = bench.say(incident, "The API fails")
    told = [notice for subscriber, notice in waiting(bench) if subscriber == one]
    assert told == [first]
    assert len([1 for subscriber, _ in waiting(bench) if subscriber == hook]) == 2
    bench.clock.unix_s += 600.0
    assert bench.change(API, BAD, State.DEGRADED) == 1  # the incident is open: only the webhook
    bench.say(incident, "Over", "resolved")
    assert bench.change(API, State.DEGRADED, OK) == 1  # and has just been told of
    bench.clock.unix_s += 600.0
    assert bench.change(API, OK, BAD) == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([(UNKNOWN, OK)], []),
        ([(UNKNOWN, BAD)], [(OK, BAD)]),
        ([(OK, UNKNOWN), (UNKNOWN, OK)], []),
        ([(OK, BAD), (BAD, UNKNOWN), (UNKNOWN, OK)], [(OK, BAD), (BAD, OK)]),
        ([(OK, BAD), (BAD, UNKNOWN), (UNKNOWN, BAD)], [(OK, BAD)]),
    ],
)
def test_unknown_is_told_to_nobody(
    bench: Bench, changes: list[tuple[State, State]], told: list[tuple[State, State]]
) -> None:
    bench.add(Kind.WEBHOOK, "https://a.example.org/")
    for old, new in changes:
        bench.clock.unix_s += 10.0
        bench.change(API, old, new)
    rows = sorted(bench.rows(tables.notices), key=lambda row: row.at_unix_s)
    assert [row.document for row in rows] == [
        f'{{"old":"{old.value}","new":"{new.value}"}}' for old, new in told
    ]


ids = st.lists(st.sampled_from([API, LOGIN, CHAT]), unique=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(people=st.lists(st.tuples(st.sampled_from(list(Kind)), ids), max_size=8), touched=ids)
def test_exactly_those_who_want_it_are_told_whoever_subscribes(
    bench: Bench, people: Sequence[tuple[Kind, list[str]]], touched: list[str]
) -> None:
    with bench.store.writing() as connection:
        connection.execute(tables.subscribers.delete())
        connection.execute(tables.deliveries.delete())
    wanted: set[str] = set()
    for number, (kind, chosen) in enumerate(people):
        id_, _ = bench.add(kind, f"https://{number}.example.org/", *chosen)
        if not chosen or not touched or set(chosen) & set(touched):
            wanted.add(id_)
    _, told = bench.say(bench.open_incident(*touched), "It fails")
    assert told == len(wanted)
    assert {subscriber for subscriber, _ in waiting(bench)} == wanted


def test_a_group_is_not_a_component_of_its_own() -> None:
    assert GROUP not in (API, LOGIN, CHAT)
