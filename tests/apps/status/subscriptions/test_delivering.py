"""From the outbox to real receivers: each in its own form, again after a failure, and once."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import update
from tests.apps.status.subscriptions.bench import (
    API,
    CHAT,
    LOGIN,
    T0,
    URL,
    Bench,
    Box,
    mailing,
)
from tests.notify.receiver import Authority, Received, receiving

from penstock.apps.status import tables
from penstock.apps.status.subscriptions import delivering, noticing, subscribing
from penstock.apps.status.subscriptions.asking import Asked, Kind
from penstock.notify import outbox, webhook
from penstock.notify.outbound import SENT_BYTES_MAX
from penstock.watch.component import State

OK, BAD = State.OPERATIONAL, State.MAJOR
NO = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
MOVED = b"HTTP/1.1 302 Moved\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
DAY_S = 86_400.0

Script = Callable[[Received], Awaitable[Any]]


def with_receiver(bench: Bench, script: Script) -> Received:
    """Run a script beside a real https receiver, whose name leads to this machine."""
    authority = Authority()

    async def run() -> Received:
        async with receiving(authority.server("hook.example.org")) as received:
            bench.tls = authority.client()

            async def resolve(host: str, port: int) -> list[str]:
                del host, port
                return ["127.0.0.1"]

            bench.resolve = resolve
            bench.configure(subscribers_may_be_private=True)
            await script(received)
        return received

    return asyncio.run(run())


def with_mail(bench: Bench, script: Callable[[Box], Awaitable[Any]]) -> Box:
    async def run() -> Box:
        async with mailing() as box:
            bench.configure(box.port)
            await script(box)
        return box

    return asyncio.run(run())


def hook(bench: Bench, received: Received, kind: Kind = Kind.WEBHOOK) -> tuple[str, str]:
    return bench.add(kind, f"https://hook.example.org:{received.port}/secret-path")


def test_a_webhook_gets_statuspages_payload_signed_once(bench: Bench) -> None:
    async def script(received: Received) -> None:
        id_, token = hook(bench, received)
        incident = bench.open_incident(API)
        update_id, _ = bench.say(incident, "Nobody can call it")
        (result,) = await bench.deliver()
        assert result.entry.state == outbox.SENT
        bench.clock.unix_s += DAY_S
        assert await bench.deliver() == []
        told = json.loads(received.bodies[0])
        assert told["meta"]["unsubscribe"] == f"{URL}/subscription/{token}"
        assert told["incident"]["id"] == incident
        assert told["incident"]["incident_updates"][0]["body"] == "Nobody can call it"
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        headers = {name: received.header(name) for name in names}
        assert headers["webhook-id"] == f"{update_id}-{id_}"
        secret = bench.sealing.webhook_secret(id_)
        assert webhook.is_signed(secret, headers, received.bodies[0], T0)

    assert len(with_receiver(bench, script).bodies) == 1


def test_a_webhook_is_told_of_a_components_change_as_it_was(bench: Bench) -> None:
    async def script(received: Received) -> None:
        hook(bench, received)
        bench.change(API, OK, BAD)
        bench.clock.unix_s += 5.0
        bench.change(API, BAD, State.DEGRADED)
        bench.clock.unix_s += 5.0
        assert len(await bench.deliver()) == 2
        told = {
            one["component_update"]["new_status"]: one for one in map(json.loads, received.bodies)
        }
        assert set(told) == {"major_outage", "degraded_performance"}
        first = told["major_outage"]
        assert first["component_update"]["old_status"] == "operational"
        assert first["component"]["status"] == "major_outage"
        assert first["component"]["id"] == API

    with_receiver(bench, script)


@pytest.mark.parametrize("answer", [NO, MOVED])
def test_a_failure_is_tried_again_under_the_same_id(bench: Bench, answer: bytes) -> None:
    async def script(received: Received) -> None:
        received.answers = [answer, answer]
        hook(bench, received)
        bench.say(bench.open_incident(API), "It fails")
        states: list[str] = []
        for _ in range(3):
            states += [one.entry.state for one in await bench.deliver()]
            bench.clock.unix_s += 60.0
        assert states == ["waiting", "waiting", "sent"]

    heads = with_receiver(bench, script).heads
    assert (
        len({line for head in heads for line in head.split(b"\r\n") if b"webhook-id" in line}) == 1
    )


def test_gone_ends_the_subscription_and_erases_the_address(bench: Bench) -> None:
    async def script(received: Received) -> None:
        received.answers = [GONE]
        hook(bench, received)
        incident = bench.open_incident(API)
        bench.say(incident, "It fails")
        bench.say(bench.open_incident(API), "And another")
        for one in await bench.delivering.turn(Kind.WEBHOOK):
            assert one.entry.state in {outbox.GIVEN_UP, outbox.SENT}
        assert bench.say(incident, "More", "identified")[1] == 0

    with_receiver(bench, script)
    (row,) = bench.rows(tables.subscribers)
    assert (row.ended_unix_s, row.address, row.token) == (T0, "", "")
    assert [one.action for one in bench.rows(tables.audit)] == ["subscriber.gone"]


def test_who_fails_for_days_is_quarantined_with_a_line_in_the_audit_log(bench: Bench) -> None:
    async def script(received: Received) -> None:
        received.answers = [NO] * 200
        id_, token = hook(bench, received)
        incident = bench.open_incident(API)
        for _ in range(5):
            bench.say(incident, "It fails still")
            for _ in range(30):
                await bench.deliver()
                bench.clock.unix_s += DAY_S / 30
        assert bench.say(incident, "And still")[1] == 0
        (row,) = bench.rows(tables.subscribers)
        assert row.quarantined_unix_s >= T0 + delivering.QUARANTINE_S
        assert [one.object for one in bench.rows(tables.audit)] == [id_]
        received.answers = []
        async with bench.client() as client:
            page = await client.get(f"/subscription/{token}")
            assert "We have stopped" in page.text
            await client.post(f"/subscription/{token}", data={"do": "resume"})
        bench.say(incident, "Over", "resolved")
        (result,) = await bench.deliver()
        assert result.entry.state == outbox.SENT

    with_receiver(bench, script)


def test_a_success_forgets_failures(bench: Bench) -> None:
    async def script(received: Received) -> None:
        received.answers = [NO]
        hook(bench, received)
        bench.say(bench.open_incident(API), "It fails")
        await bench.deliver()
        assert bench.rows(tables.subscribers)[0].failures == 1
        bench.clock.unix_s += 60.0
        await bench.deliver()
        row = bench.rows(tables.subscribers)[0]
        assert (row.failures, row.failing_unix_s) == (0, 0.0)

    with_receiver(bench, script)


def test_what_is_superseded_while_it_is_under_way_is_not_tried_again(bench: Bench) -> None:
    async def script(received: Received) -> None:
        received.answers = [NO]
        hook(bench, received)
        incident = bench.open_incident(API)
        first, _ = bench.say(incident, "It fails")
        (taken,) = delivering.take_due(bench.store, Kind.WEBHOOK, 9, bench.clock())
        bench.clock.unix_s += 1.0
        second, _ = bench.say(incident, "Over", "resolved")
        await bench.delivering.attempt(taken)  # it fails meanwhile
        bench.clock.unix_s += 3600.0
        results = await bench.deliver()
        assert [one.entry.state for one in results] == [outbox.SENT]
        states = {id_.partition("-")[0]: state for id_, state in bench.states().items()}
        assert states == {first: noticing.SUPERSEDED, second: outbox.SENT}

    received = with_receiver(bench, script)
    told = json.loads(received.bodies[-1])["incident"]["incident_updates"]
    assert [one["body"] for one in told] == ["Over", "It fails"]


def test_a_mail_says_what_fails_since_when_and_how_it_is_ended(bench: Bench) -> None:
    async def script(box: Box) -> None:
        _, token = bench.add(Kind.EMAIL, "person@example.org")
        bench.add(Kind.EMAIL, "other@example.org")
        incident = bench.open_incident(API, LOGIN, name="Log-in fails")
        bench.change(API, OK, BAD)
        bench.say(incident, "Nobody can log in. We look into it.")
        await bench.deliver()
        bench.clock.unix_s += 720.0
        bench.say(incident, "The database was full.", "resolved")
        await bench.deliver()
        assert len(box.mail) == 4
        assert {str(one["To"]) for one in box.mail} == {"person@example.org", "other@example.org"}
        mine = [one for one in box.mail if one["To"] == "person@example.org"]
        assert str(mine[0]["Subject"]) == "Penstock: Investigating: Log-in fails"
        assert mine[0]["List-Unsubscribe"] == f"<{URL}/subscription/{token}>"
        assert mine[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        texts = [text for text in box.texts() if token in text]
        assert "Nobody can log in. We look into it." in texts[0]
        assert "API fails, Log-in is not known" in texts[0]
        assert "It began at 2027-01-15 08:00:00 UTC" in texts[0]
        assert f"{URL}/incidents/{incident}" in texts[0]
        assert "was over after 12 min" in texts[1]
        assert texts[1].index("The database was full.") < texts[1].index("Nobody can log in.")
        assert len({str(one["Message-ID"]) for one in box.mail}) == 4

    with_mail(bench, script)


def test_an_address_that_is_refused_is_given_up_and_a_server_that_is_away_is_not(
    bench: Bench,
) -> None:
    async def script(box: Box) -> None:
        bench.add(Kind.EMAIL, "gone@example.org")
        bench.add(Kind.EMAIL, "here@example.org")
        box.refuses = "gone"
        bench.say(bench.open_incident(API), "It fails")
        results = await bench.deliver()
        assert sorted(one.entry.state for one in results) == [outbox.GIVEN_UP, outbox.SENT]
        assert sorted(row.failures for row in bench.rows(tables.subscribers)) == [0, 1]
        bench.configure(9)  # nobody listens there
        bench.say(bench.open_incident(API), "It fails")
        results = await bench.deliver()
        assert [one.entry.state for one in results] == [outbox.WAITING] * 2
        assert sorted(row.failures for row in bench.rows(tables.subscribers)) == [0, 1]
        bench.configure(box.port)
        box.refuses = ""
        bench.clock.unix_s += 3600.0
        results = await bench.deliver()
        assert [one.entry.state for one in results] == [outbox.SENT] * 2

    with_mail(bench, script)


def test_a_channel_gets_the_same_words_and_its_link(bench: Bench) -> None:
    async def script(received: Received) -> None:
        _, token = hook(bench, received, Kind.SLACK)
        bench.say(bench.open_incident(API, name="<!channel> & co"), "It fails")
        await bench.deliver()
        told = json.loads(received.bodies[0])
        assert told["text"] == "\u25a0 Penstock: Investigating: &lt;!channel&gt; &amp; co"
        assert f"{URL}/subscription/{token}" in told["attachments"][0]["text"]

    with_receiver(bench, script)


def test_a_payload_that_is_too_large_loses_its_oldest_updates(bench: Bench) -> None:
    async def script(received: Received) -> None:
        hook(bench, received)
        incident = bench.open_incident(API)
        for number in range(40):
            bench.clock.unix_s += 1.0
            bench.say(incident, f"{number:03} " + "x" * 20_000)
        (result,) = await bench.deliver()
        assert result.entry.state == outbox.SENT
        assert len(received.bodies[0]) <= SENT_BYTES_MAX
        told = json.loads(received.bodies[0])["incident"]["incident_updates"]
        assert [one["body"][:3] for one in told] == [f"{39 - at:03}" for at in range(len(told))]
        assert len(told) >= 6

    with_receiver(bench, script)


def test_what_is_not_on_the_page_any_more_is_not_told(bench: Bench) -> None:
    async def script(received: Received) -> None:
        hook(bench, received)
        bench.say(bench.open_incident(API), "It fails")
        bench.change(CHAT, OK, BAD)
        with bench.store.writing() as connection:
            connection.execute(tables.incidents.delete())
            connection.execute(update(tables.components).values(is_gone=1))
        results = await bench.deliver()
        assert [one.entry.state for one in results] == [outbox.GIVEN_UP] * 2
        assert bench.rows(tables.subscribers)[0].failures == 0

    assert with_receiver(bench, script).bodies == []


def test_who_ends_it_gets_nothing_of_what_waits(bench: Bench) -> None:
    async def script(received: Received) -> None:
        id_, _ = hook(bench, received)
        bench.say(bench.open_incident(API), "It fails")
        (taken,) = delivering.take_due(bench.store, Kind.WEBHOOK, 9, bench.clock())
        assert taken.due.subscriber.id == id_
        with bench.store.writing() as connection:
            subscribing.end(connection, id_, bench.clock())
        bench.clock.unix_s += 3600.0
        assert await bench.deliver() == []

    assert with_receiver(bench, script).bodies == []


def test_a_lost_key_sends_nothing_and_says_why(bench: Bench) -> None:
    async def script(received: Received) -> None:
        hook(bench, received)
        (bench.folder / "subscribers.key").unlink()
        bench.say(bench.open_incident(API), "It fails")
        (result,) = await bench.deliver()
        assert result.entry.state == outbox.WAITING
        assert result.error is not None
        assert "subscribers.key" in result.error.message

    assert with_receiver(bench, script).bodies == []


def test_a_try_that_dies_is_made_again_under_the_same_id(bench: Bench) -> None:
    async def script(received: Received) -> None:
        hook(bench, received)
        bench.say(bench.open_incident(API), "It fails")
        (dead,) = delivering.take_due(bench.store, Kind.WEBHOOK, 9, bench.clock())
        assert await bench.deliver() == []  # another process would not know that it died
        bench.clock.unix_s += outbox.TAKEN_S
        (again,) = await bench.deliver()
        assert again.entry.tries == 2
        assert received.header("webhook-id") == dead.due.id

    with_receiver(bench, script)


def test_lanes_go_on_by_themselves_and_one_that_hangs_holds_no_other(bench: Bench) -> None:
    async def script(received: Received) -> None:
        async with mailing() as box:
            bench.configure(box.port)
            received.is_silent = True
            for number in range(3):
                bench.add(Kind.WEBHOOK, f"https://hook.example.org:{received.port}/{number}")
            for number in range(30):
                bench.add(Kind.EMAIL, f"n{number}@example.org")
            bench.say(bench.open_incident(API), "It fails")
            running = asyncio.ensure_future(bench.delivering.run())
            async with asyncio.timeout(20.0):
                await box.has(30)
            running.cancel()
            await asyncio.wait([running])
        sent = [state for state in bench.states().values() if state == outbox.SENT]
        assert len(sent) >= 30 - delivering.AT_ONCE[Kind.EMAIL]  # some notes may have been cut

    with_receiver(bench, script)


def test_what_is_old_is_purged_and_what_waits_is_not(bench: Bench) -> None:
    ended, _ = bench.add(Kind.WEBHOOK, "https://a.example.org/")
    bench.add(Kind.WEBHOOK, "https://b.example.org/")
    with bench.store.writing() as connection:
        subscribing.ask(connection, bench.sealing, Asked(Kind.EMAIL, "p@example.org"), T0)
    bench.say(bench.open_incident(API), "It fails")
    with bench.store.writing() as connection:
        subscribing.end(connection, ended, T0)
        assert subscribing.purge(connection, T0 + 3600.0) == 0
        subscribing.purge(connection, T0 + 31 * DAY_S)
    assert len(bench.rows(tables.subscribers)) == 1
    assert set(bench.states().values()) == {outbox.WAITING}
