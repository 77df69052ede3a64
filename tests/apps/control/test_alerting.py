"""Alerts open, rise, rest and end with what is measured; nobody is told twice, nothing is lost."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from tests.apps.control.sums import put, put_all

from penstock.apps.control import alerting
from penstock.apps.control.alerting import Alert, Delivery
from penstock.config.model import Config
from penstock.config.operations import Alerts, Control, Objective, Receiver, ReceiverKind
from penstock.ledger.store import Store, migrate
from penstock.ledger.tables import alerts, attempts, deliveries, traffic
from penstock.notify.message import Message

WHY = (
    "What failed most: claude timed_out (120), claude overloaded (7). Attempts of all traffic "
    "are counted here; another upstream may have made them good."
)
T0 = 1_800_000_000.0
MINUTE_S, HOUR_S = 60.0, 3600.0
OBJECTIVE = Objective(name="available", tier="enterprise", target_ratio=0.995)
PAGER = Receiver(name="pager", kind=ReceiverKind.WEBHOOK, url_env="X", severities=("page",))
DESK = Receiver(name="desk", kind=ReceiverKind.SLACK, url_env="X", severities=("ticket",))
BOTH = Receiver(name="both", kind=ReceiverKind.WEBHOOK, url_env="X")
CONFIG = Config(
    objectives=(OBJECTIVE,),
    alerts=Alerts(receivers=(PAGER, DESK, BOTH)),
    control=Control(hosts=("console.example.org",)),
)


@pytest.fixture
def ledger(store: Store) -> Store:
    migrate(store)
    return store


def fill(store: Store, end_s: float, minutes: int, served: int, failed: int) -> None:
    """Write even traffic, minute by minute, until an instant."""
    instants = [end_s - minute * MINUTE_S for minute in range(minutes)]
    put_all(store, traffic, instants, tier="enterprise", served=served, failed=failed)


def hour_of(store: Store, end_s: float, served: int, failed: int) -> None:
    """Write an hour of even traffic."""
    fill(store, end_s, 60, served, failed)


def messages(store: Store) -> dict[str, list[Message]]:
    """Return what is in the outbox, by receiver, in order."""
    statement = select(deliveries).order_by(deliveries.c.created_unix_s, deliveries.c.id)
    found: dict[str, list[Message]] = {"pager": [], "desk": [], "both": []}
    with store.reading() as connection:
        for row in connection.execute(statement):
            found[row.receiver].append(msgspec.json.decode(row.document, type=Delivery).message)
    return found


def kinds(store: Store) -> dict[str, list[str]]:
    return {name: [one.kind for one in told] for name, told in messages(store).items()}


def stored(store: Store) -> list[Alert]:
    with store.reading() as connection:
        rows = connection.execute(select(alerts).order_by(alerts.c.opened_unix_s)).all()
    return [alerting.alert_of(row) for row in rows]


def run(store: Store, instants: Sequence[float], config: Config = CONFIG) -> list[str]:
    """Evaluate at instants; return what became of alerts."""
    changed = [one for at_s in instants for one in alerting.evaluate(store, config, at_s)]
    return [alert.detail.events[-1].kind for alert in changed]


def test_good_traffic_raises_nothing(ledger: Store) -> None:
    hour_of(ledger, T0, served=1000, failed=4)
    assert run(ledger, [T0, T0 + 30]) == []
    assert stored(ledger) == []


def test_an_outage_is_told_once_and_its_end_once(ledger: Store) -> None:
    hour_of(ledger, T0, served=50, failed=50)
    put(ledger, attempts, T0, upstream="claude", outcome="timed_out", attempts=120)
    put(ledger, attempts, T0, upstream="claude", outcome="overloaded", attempts=7)
    assert run(ledger, [T0, T0, T0 + 30, T0 + 60]) == ["opened"]
    (alert,) = stored(ledger)
    assert (alert.state, alert.severity, alert.opened_unix_s) == ("firing", "page", T0)
    later = T0 + 2 * HOUR_S
    hour_of(ledger, later, served=100_000, failed=0)
    assert run(ledger, [later, later, later + 30]) == ["resolved"]
    (alert,) = stored(ledger)
    assert (alert.state, alert.resolved_unix_s) == ("resolved", later)
    assert kinds(ledger) == {
        "pager": ["opened", "resolved"],
        "desk": [],
        "both": ["opened", "resolved"],
    }
    ids = [one.id for told in messages(ledger).values() for one in told]
    assert all(one.startswith(alert.id) for one in ids)


def test_a_message_says_what_burns_why_since_when_and_what_is_left(ledger: Store) -> None:
    hour_of(ledger, T0, served=90, failed=10)
    put(ledger, attempts, T0, upstream="claude", outcome="timed_out", attempts=120)
    put(ledger, attempts, T0, upstream="claude", outcome="overloaded", attempts=7)
    run(ledger, [T0])
    (told,) = messages(ledger)["pager"]
    assert told.title == "available: 10.0 % failed in the last 1 h; 0.5 % may"
    assert told.lines == (
        "It burns since 2027-01-15 08:00:00 UTC.",
        "Burn rate 20 over 1 h and 20 over 5 min; a page begins at 14.4.",
        WHY,
        "It covers exchanges of tier enterprise.",
        "Error budget of 30 days: spent 20 times over.",
        "Measured in 0.3 % of the window's hours; the rest is unknown.",
    )
    assert told.link == "https://console.example.org/objectives"
    assert told.fields["objective"] == "available"
    assert told.fields["long_burn"] == pytest.approx(20.0)


def test_a_ticket_is_raised_to_a_page_and_goes_down_again(ledger: Store) -> None:
    fill(ledger, T0, 72 * 60, served=994, failed=6)
    assert run(ledger, [T0]) == ["opened"]
    assert kinds(ledger) == {"pager": [], "desk": ["opened"], "both": ["opened"]}
    outage = T0 + HOUR_S
    hour_of(ledger, outage, served=0, failed=1000)
    assert run(ledger, [outage, outage + 30]) == ["raised"]
    assert kinds(ledger)["pager"] == ["raised"]
    assert stored(ledger)[0].severity == "page"
    calm = outage + 8 * HOUR_S
    fill(ledger, calm, 7 * 60, served=990, failed=10)
    assert run(ledger, [calm, calm + 30, calm + 1800, calm + 1830]) == ["lowered"]
    assert stored(ledger)[0].severity == "ticket"
    assert {name: told[-1] for name, told in kinds(ledger).items()} == dict.fromkeys(
        ("pager", "desk", "both"), "lowered"
    )
    assert len(stored(ledger)) == 1


def test_reminders_come_until_somebody_acknowledges(ledger: Store) -> None:
    fill(ledger, T0 + 40 * HOUR_S, 40 * 60, served=50, failed=50)
    start = T0 + HOUR_S
    hours = [start + at * HOUR_S for at in range(13)]
    assert run(ledger, hours) == ["opened", "reminder", "reminder", "reminder"]
    (alert,) = stored(ledger)
    with ledger.writing() as connection:
        known = alerting.acknowledge(connection, alert.id, "olga", hours[-1])
        again = alerting.acknowledge(connection, alert.id, "otto", hours[-1] + 1)
        nobody = alerting.acknowledge(connection, "no such", "olga", hours[-1])
    assert known is not None
    assert again is not None
    assert (known.detail.acknowledged_by, again.detail.acknowledged_by) == ("olga", "olga")
    assert nobody is None
    assert run(ledger, [at + 13 * HOUR_S for at in hours]) == []
    assert stored(ledger)[0].detail.acknowledged_by == "olga"


def test_an_objective_that_is_removed_ends_its_alert(ledger: Store) -> None:
    hour_of(ledger, T0, served=50, failed=50)
    run(ledger, [T0])
    without = msgspec.structs.replace(CONFIG, objectives=())
    assert run(ledger, [T0 + 30, T0 + 60], without) == ["removed"]
    assert stored(ledger)[0].state == "resolved"
    told = messages(ledger)["pager"][-1]
    assert told.kind == "resolved"
    assert "no longer in the configuration" in told.title
    assert kinds(ledger)["desk"] == []


def test_after_a_new_outage_there_is_a_new_alert(ledger: Store) -> None:
    hour_of(ledger, T0, served=50, failed=50)
    run(ledger, [T0])
    without = msgspec.structs.replace(CONFIG, objectives=())
    run(ledger, [T0 + 30], without)
    assert run(ledger, [T0 + 60]) == ["opened"]
    first, second = stored(ledger)
    assert first.id != second.id


def test_a_crash_in_the_middle_leaves_neither_alert_nor_message(
    ledger: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour_of(ledger, T0, served=50, failed=50)
    posted: list[str] = []
    whole = alerting.post

    def dying(connection: Any, receiver: Receiver, message: Message, now_s: float) -> None:
        whole(connection, receiver, message, now_s)
        posted.append(receiver.name)
        if len(posted) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(alerting, "post", dying)
    with pytest.raises(KeyboardInterrupt):
        run(ledger, [T0])
    assert (stored(ledger), kinds(ledger)) == ([], {"pager": [], "desk": [], "both": []})
    assert run(ledger, [T0 + 1]) == ["opened"]
    assert kinds(ledger) == {"pager": ["opened"], "desk": [], "both": ["opened"]}


def test_too_little_traffic_tells_nobody(ledger: Store) -> None:
    fill(ledger, T0, 25, served=0, failed=1)
    assert run(ledger, [T0]) == []
    fewer = msgspec.structs.replace(OBJECTIVE, events_min=25)
    config = msgspec.structs.replace(CONFIG, objectives=(fewer,))
    assert run(ledger, [T0], config) == ["opened"]


def test_what_is_old_is_forgotten_and_what_fires_is_not(ledger: Store) -> None:
    hour_of(ledger, T0, served=50, failed=50)
    run(ledger, [T0])
    much_later = T0 + alerting.ALERTS_KEPT_S + 86_400
    with ledger.writing() as connection:
        connection.execute(update(deliveries).values(state="sent"))
    assert run(ledger, [much_later]) == ["resolved"]
    assert len(stored(ledger)) == 1, "it fired until now"
    assert kinds(ledger)["pager"] == ["resolved"]
    assert run(ledger, [much_later + alerting.ALERTS_KEPT_S + 1]) == []
    assert stored(ledger) == []


@pytest.mark.parametrize(
    ("hosts", "host", "link"),
    [
        ((), "127.0.0.1", "http://127.0.0.1:8402/objectives"),
        ((), "::1", "http://[::1]:8402/objectives"),
        (("https://ops.example.org/",), "::1", "https://ops.example.org/objectives"),
    ],
)
def test_the_link_leads_to_the_console(hosts: tuple[str, ...], host: str, link: str) -> None:
    assert alerting.link_of(Config(control=Control(hosts=hosts, host=host))) == link
