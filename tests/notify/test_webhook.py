"""Webhooks: signed so that a receiver can tell, taken or not, and confirmed by an echo."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.notify.receiver import Received, receiving

from penstock.notify import webhook
from penstock.notify.message import Message
from penstock.notify.outbound import Outbound, OutboundError
from penstock.notify.webhook import GoneError

SECRET = "a secret of the two of us"
NOW_S = 1_800_000_000.0
MESSAGE = Message(
    id="a1-1", kind="opened", severity="page", title="It burns", at_unix_s=NOW_S, fields={"x": 1}
)
OWN = Outbound(may_be_private=True, within_s=5.0)


def send(answer: bytes = b"", secret: str = SECRET) -> Received:
    async def run() -> Received:
        async with receiving() as received:
            received.answers = [answer] if answer else []
            url = f"http://127.0.0.1:{received.port}/hook"
            await webhook.send(OWN, url, secret, MESSAGE, NOW_S)
        return received

    return asyncio.run(run())


def signed_headers(received: Received) -> dict[str, str]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {name: received.header(name) for name in names}


def test_a_message_arrives_signed_with_its_id() -> None:
    received = send()
    document: dict[str, Any] = json.loads(received.bodies[0])
    assert document["type"] == "alert.opened"
    assert document["data"]["title"] == "It burns"
    assert document["data"]["fields"] == {"x": 1}
    headers = signed_headers(received)
    assert headers["webhook-id"] == "a1-1"
    assert received.header("content-type") == "application/json"
    assert webhook.is_signed(SECRET, headers, received.bodies[0], NOW_S)
    assert SECRET.encode() not in received.heads[0] + received.bodies[0]


def test_without_a_secret_nothing_is_signed() -> None:
    assert send(secret="").header("webhook-signature") == ""


def test_the_specifications_example_is_signed_as_it_says() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signature = webhook.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_whoever_changes_a_thing_is_found_out() -> None:
    body = b'{"a":1}'
    headers = webhook.headers(SECRET, "id", body, NOW_S)
    assert webhook.is_signed(SECRET, headers, body, NOW_S + 299)
    assert not webhook.is_signed(SECRET, headers, body, NOW_S + 301), "a replay"
    assert not webhook.is_signed(SECRET, headers, b'{"a":2}', NOW_S)
    assert not webhook.is_signed("other", headers, body, NOW_S)
    for name, value in (("webhook-id", "b"), ("webhook-timestamp", "1800000001")):
        assert not webhook.is_signed(SECRET, headers | {name: value}, body, NOW_S)
    for name in headers:
        if name != "content-type":
            left = {key: value for key, value in headers.items() if key != name}
            assert not webhook.is_signed(SECRET, left, body, NOW_S)


@given(st.text(min_size=1), st.binary(max_size=100))
def test_any_text_is_a_secret(secret: str, body: bytes) -> None:
    headers = webhook.headers(secret, "id", body, NOW_S)
    assert webhook.is_signed(secret, headers, body, NOW_S)
    assert not webhook.is_signed(secret + "x", headers, body, NOW_S)


@pytest.mark.parametrize("status", [301, 400, 404, 429, 500, 503])
def test_an_answer_that_is_not_2xx_is_a_failure(status: int) -> None:
    answer = f"HTTP/1.1 {status} No\r\ncontent-length: 6\r\n\r\nnot me".encode()
    with pytest.raises(OutboundError, match=f"{status}: not me") as told:
        send(answer)
    assert not isinstance(told.value, GoneError)


def test_gone_is_final() -> None:
    with pytest.raises(GoneError):
        send(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")


def test_what_is_no_text_is_not_quoted() -> None:
    with pytest.raises(OutboundError) as told:
        send(b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\n\x1b[2J")
    assert told.value.message.endswith("500")


@pytest.mark.parametrize(
    ("status", "body", "is_confirmed"),
    [
        (200, b'{"challenge": "token-1"}', True),
        (200, b"token-1\n", True),
        (200, b'{"challenge": "token-2"}', False),
        (200, b"", False),
        (200, b'{"type": "challenge", "challenge": "token-1"', False),
        (200, b"you sent token-1", False),
        (404, b"token-1", False),
        (302, b"token-1", False),
    ],
)
def test_an_address_is_confirmed_by_its_echo(
    status: int, body: bytes, *, is_confirmed: bool
) -> None:
    async def run() -> bool:
        async with receiving() as received:
            head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n"
            received.answers = [head.encode() + body]
            found = await webhook.confirm(OWN, f"http://127.0.0.1:{received.port}/", "token-1")
        assert json.loads(received.bodies[0]) == {"type": "challenge", "challenge": "token-1"}
        return found

    assert asyncio.run(run()) == is_confirmed
