"""Statuspage's endpoint to subscribe, as its clients call it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.apps.status.subscriptions.bench import API, GROUP, LOGIN, PAGE, URL, Bench, mailing
from tests.notify.receiver import Received, receiving

from penstock.apps.status import tables
from penstock.apps.status.subscriptions import joining
from penstock.apps.status.subscriptions.asking import Kind
from penstock.notify import webhook

HERE = "/api/v2/subscribers.json"
Script = Callable[[httpx.AsyncClient, Received], Awaitable[Any]]


def run(bench: Bench, script: Script) -> Received:
    async def whole() -> Received:
        async with receiving() as received, mailing() as box, bench.client() as client:
            bench.configure(box.port, subscribers_may_be_private=True)
            await script(client, received)
        return received

    return asyncio.run(whole())


def echo(received: Received) -> None:
    """Let a receiver send the next challenge back, as a real one does."""

    class Echo(list[bytes]):
        def pop(self, index: Any = -1) -> bytes:
            del index
            received.answers = []
            told = json.loads(received.bodies[-1])["challenge"].encode()
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(told), told)

    received.answers = Echo([b""])


def test_an_address_is_answered_as_clients_expect(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        del received
        body = {"subscriber": {"email": "person@example.org", "component_ids": [GROUP]}}
        answers = [await client.post(HERE, json=body)]
        bench.add(Kind.EMAIL, "known@example.org")
        fields = {
            "subscriber[email]": "person@example.org",
            "subscriber[component_ids][]": [API, LOGIN],
        }
        answers.append(await client.post(HERE, data=fields))
        answers.append(await client.get(HERE, params={"subscriber[email]": "known@example.org"}))
        assert [one.status_code for one in answers] == [200] * 3
        told = answers[0].json()
        assert told["page"] == {"id": PAGE, "name": "Penstock", "url": URL}
        assert told["can_select_components"] is True
        assert (told["mode"], told["email"]) == ("email_sms", "person@example.org")
        assert told["subscriber"]["email"] == "person@example.org"
        assert len(told["subscriber"]["components"]) == 3
        assert answers[1].json()["subscriber"]["id"] == told["subscriber"]["id"]
        assert set(answers[2].json()["subscriber"]) == set(told["subscriber"])
        assert all(one.headers["access-control-allow-origin"] == "*" for one in answers)

    run(bench, script)


def test_a_webhook_is_asked_for_its_challenge_and_gets_its_secret_once(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        url = f"http://127.0.0.1:{received.port}/hook"
        body = {"subscriber": {"endpoint": url, "email": "admin@example.org"}}
        echo(received)
        told = (await client.post(HERE, json=body)).json()
        assert (told["mode"], told["webhook"]) == ("webhook", url)
        secret = told["subscriber"]["signing_secret"]
        link = told["subscriber"]["manage_url"]
        bench.say(bench.open_incident(API), "It fails")
        await bench.deliver()
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        headers = {name: received.header(name) for name in names}
        assert webhook.is_signed(secret, headers, received.bodies[-1], bench.clock())
        assert json.loads(received.bodies[-1])["meta"]["unsubscribe"] == link
        echo(received)
        again = await client.post(HERE, json=body)
        assert (again.status_code, "signing_secret" in again.text) == (200, False)
        assert link.rpartition("/")[2] not in again.text
        page = await client.post(link, data={"do": "end"})
        assert page.status_code == 200

    run(bench, script)
    assert [row.kind for row in bench.rows(tables.subscribers)] == ["webhook"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
        b"",
    ],
)
def test_a_webhook_that_does_not_echo_is_not_subscribed(bench: Bench, answer: bytes) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        received.answers = [answer]
        url = f"http://127.0.0.1:{received.port}/hook"
        told = await client.post(HERE, json={"subscriber": {"endpoint": url}})
        assert (told.status_code, told.json()["error"]["param"]) == (422, "address")

    run(bench, script)
    assert bench.rows(tables.subscribers) == []


def test_a_private_address_is_not_even_asked(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        bench.configure(subscribers_may_be_private=False)
        for scheme in ("http", "https"):
            url = f"{scheme}://127.0.0.1:{received.port}/hook"
            told = await client.post(HERE, json={"subscriber": {"endpoint": url}})
            assert told.status_code == 422

    assert run(bench, script).heads == []


def test_a_host_is_not_asked_without_end(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        bench.configure(trusted_proxies=("198.51.100.7",))
        url = f"http://127.0.0.1:{received.port}/hook"
        for number in range(joining.HOST_HOUR + 10):
            headers = {"x-forwarded-for": f"9.{number}.9.9"}
            body = {"subscriber": {"endpoint": f"{url}/{number}"}}
            await client.post(HERE, json=body, headers=headers)

    assert len(run(bench, script).heads) == joining.HOST_HOUR


@pytest.mark.parametrize(
    ("subscriber", "param", "words"),
    [
        ({"phone_number": "5551234", "phone_country": "us"}, "subscriber.phone_number", "text"),
        ({"email": "a@example.org", "incident_id": "x"}, "subscriber.incident_id", "one incident"),
        ({"email": "a@example.org", "component_ids": ["zzz"]}, "components", "not on this page"),
        ({"email": "a@example.org\r\nBcc: b@example.org"}, "address", "no e-mail address"),
        ({}, "address", "no e-mail address"),
        ({"email": 5}, "subscriber", "send"),
        ({"email": None}, "subscriber", "send"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    bench: Bench, subscriber: dict[str, Any], param: str, words: str
) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        del received
        answer = await client.post(HERE, json={"subscriber": subscriber})
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (422, param)
        assert words in error["message"]
        assert answer.headers["access-control-allow-origin"] == "*"

    run(bench, script)
    assert bench.rows(tables.subscribers) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 50_000, b"x" * 100_000, b"\xff"])
def test_junk_is_refused(bench: Bench, body: bytes) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        del received
        assert (await client.post(HERE, content=body)).status_code == 422

    run(bench, script)


def test_any_sites_script_may_ask(bench: Bench) -> None:
    async def script(client: httpx.AsyncClient, received: Received) -> None:
        del received
        headers = {"origin": "https://elsewhere.example.org"}
        answer = await client.options(HERE, headers=headers)
        assert answer.status_code == 204
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert answer.headers["access-control-allow-headers"] == "content-type, if-none-match"
        body = {"subscriber": {"email": "a@example.org"}}
        assert (await client.post(HERE, json=body, headers=headers)).status_code == 200

    run(bench, script)
