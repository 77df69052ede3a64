"""From the outbox to real receivers: again after a failure, and once they have taken it never."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from tests.notify.receiver import Received, receiving

from penstock.apps.control import alerting, delivering, telling
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.config.model import Config
from penstock.config.operations import Alerts, Receiver, ReceiverKind, Smtp
from penstock.core.errors import StoreError
from penstock.ledger.store import Store, migrate
from penstock.ledger.tables import deliveries
from penstock.notify import outbox, webhook

T0 = 1_800_000_000.0
SECRET = "a secret between the two of us"
REFUSED = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"
GONE = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"
HOOK = Receiver(
    name="hook",
    kind=ReceiverKind.WEBHOOK,
    url_env="HOOK_URL",
    secret_env="HOOK_SECRET",
    may_be_private=True,
)
CONFIG = Config(alerts=Alerts(receivers=(HOOK,)))


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.unix_s = T0

    def __call__(self) -> float:
        return self.unix_s


class Bench:
    """A store with an outbox, and what delivers from it."""

    def __init__(self, store: Store, folder: Path) -> None:
        migrate(store)
        self.clock = Clock()
        self.parts = Parts(store, Publisher(folder, store), folder, self.clock)
        self.store = store

    def post(self, number: int = 1, receiver: Receiver = HOOK) -> None:
        message = telling.tested(receiver.name, f"m-{number}", self.clock(), "http://console/")
        with self.store.writing() as connection:
            alerting.post(connection, receiver, message, self.clock())

    async def deliver(self, config: Config = CONFIG) -> list[str]:
        done = await delivering.deliver(self.parts, config, blocking, lambda: 0.0)
        return [entry.state for _, entry in done]

    def states(self) -> dict[str, tuple[str, int]]:
        with self.store.reading() as connection:
            rows = connection.execute(select(deliveries)).all()
        return {row.id: (row.state, row.tries) for row in rows}


async def blocking(work: Callable[[], Any]) -> Any:
    return work()


@pytest.fixture
def bench(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return Bench(store, tmp_path)


Script = Callable[[Received], Any]


def with_receiver(monkeypatch: pytest.MonkeyPatch, script: Script) -> Received:
    async def run() -> Received:
        async with receiving() as received:
            monkeypatch.setenv("HOOK_URL", f"http://127.0.0.1:{received.port}/secret-path")
            await script(received)
        return received

    return asyncio.run(run())


def test_a_message_is_sent_once_and_signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(received: Received) -> None:
        bench.post()
        assert await bench.deliver() == ["sent"]
        bench.clock.unix_s += 1e5
        assert await bench.deliver() == []
        headers = {
            name: received.header(name)
            for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        }
        assert webhook.is_signed(SECRET, headers, received.bodies[0], T0)
        assert headers["webhook-id"] == "m-1"

    received = with_receiver(monkeypatch, script)
    assert len(received.bodies) == 1
    assert bench.states() == {"m-1-hook": ("sent", 1)}


def test_a_failure_is_tried_again_with_the_same_id(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(received: Received) -> None:
        received.answers = [REFUSED, REFUSED]
        bench.post()
        assert await bench.deliver() == ["waiting"]
        assert await bench.deliver() == [], "not before its time"
        bench.clock.unix_s += 10.0
        assert await bench.deliver() == ["waiting"]
        bench.clock.unix_s += 20.0
        assert await bench.deliver() == ["sent"]

    received = with_receiver(monkeypatch, script)
    ids = [re.findall(rb"webhook-id: (\S+)", head)[0] for head in received.heads]
    assert ids == [b"m-1"] * 3
    assert len({json.dumps(json.loads(body)) for body in received.bodies}) == 1


def test_gone_and_a_receiver_that_is_removed_are_given_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(received: Received) -> None:
        received.answers = [GONE]
        bench.post(1)
        assert await bench.deliver() == ["given_up"]
        bench.post(2)
        assert await bench.deliver(Config()) == ["given_up"]

    assert len(with_receiver(monkeypatch, script).heads) == 1


def test_whoever_dies_in_the_middle_leaves_it_to_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(received: Received) -> None:
        bench.post()
        assert len(delivering.take_due(bench.store, T0)) == 1  # and the process is gone
        assert await bench.deliver() == []
        bench.clock.unix_s += outbox.TAKEN_S
        assert await bench.deliver() == ["sent"]
        assert len(received.heads) == 1

    with_receiver(monkeypatch, script)
    assert bench.states() == {"m-1-hook": ("sent", 2)}


def test_an_answer_that_could_not_be_noted_comes_again_under_its_id(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: nobody can do better without the receiver's help."""

    def away(*args: object) -> None:
        raise StoreError(f"the database is away for {len(args)}")

    async def script(received: Received) -> None:
        bench.post()
        with monkeypatch.context() as patch:
            patch.setattr(delivering, "note", away)
            await bench.deliver()
        bench.clock.unix_s += outbox.TAKEN_S
        assert await bench.deliver() == ["sent"]
        assert [received.header("webhook-id")] * 2 == ["m-1"] * len(received.heads)

    with_receiver(monkeypatch, script)


def test_more_than_are_sent_at_once_are_sent_in_turns(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(received: Received) -> None:
        for number in range(25):
            bench.post(number)
        counts = [len(await bench.deliver()) for _ in range(4)]
        assert counts == [10, 10, 5, 0]
        assert len(received.heads) == 25

    with_receiver(monkeypatch, script)


def test_a_secret_that_is_missing_is_named_and_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HOOK_URL", raising=False)
    bench.post()
    with caplog.at_level("WARNING", "penstock"):
        assert asyncio.run(bench.deliver()) == ["waiting"]
    assert "HOOK_URL" in str([vars(one).get("fields") for one in caplog.records])


def test_no_secret_reaches_the_log_or_the_database(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(received: Received) -> None:
        received.answers = [REFUSED]
        bench.post()
        await bench.deliver()

    with caplog.at_level("INFO", "penstock"):
        received = with_receiver(monkeypatch, script)
    logged = str([(one.getMessage(), vars(one).get("fields")) for one in caplog.records])
    with bench.store.reading() as connection:
        stored = str(connection.execute(select(deliveries)).all())
    assert "500" in logged
    for secret in (SECRET, "secret-path", str(received.port)):
        assert secret not in logged + stored


def test_slack_and_mail_are_told_by_their_own_ways(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack = msgspec.structs.replace(HOOK, name="slack", kind=ReceiverKind.SLACK, secret_env="")
    mail = Receiver(name="mail", kind=ReceiverKind.EMAIL, to=("a@example.org",))
    smtp = Smtp(host="127.0.0.1", port=9, is_tls=False, sender="b@example.org")
    config = Config(alerts=Alerts(receivers=(slack, mail), smtp=smtp))

    async def script(received: Received) -> None:
        bench.post(1, slack)
        bench.post(2, mail)
        assert await bench.deliver(config) == ["sent", "waiting"]
        assert "attachments" in json.loads(received.bodies[0])

    with_receiver(monkeypatch, script)
