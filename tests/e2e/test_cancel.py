"""An exchange is ended by its Idempotency-Key, whatever it is at; its upstream hears at once."""

import contextlib
import http.client
import json
from collections.abc import Generator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, OTHER_KEY, RunningGateway

PATHS: Final = ("/v1/chat/completions", "/v1/messages", "/v1/responses")
ROUTE: Final = "only-gpt"
WITHIN_S: Final = 2.0
SAY: Final = "[[say:The gate of a penstock controls the flow of water to the turbine far below.]]"


class Client:
    """Asks, and cancels from another connection."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.place = urlsplit(gateway.url).netloc

    @contextlib.contextmanager
    def asking(self, path: str, name: str) -> Generator[http.client.HTTPConnection]:
        body: dict[str, Any] = {"model": ROUTE, "stream": True}
        turns = [{"role": "user", "content": SAY}]
        body |= {"input": SAY} if "responses" in path else {"messages": turns, "max_tokens": 99}
        headers = {"authorization": f"Bearer {CALLER_KEY}", "idempotency-key": name}
        connection = http.client.HTTPConnection(self.place, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body), headers)
            yield connection

    def cancel(self, path: str, name: str, key: str = CALLER_KEY) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": name}
        connection = http.client.HTTPConnection(self.place, timeout=20)
        with contextlib.closing(connection):
            connection.request("DELETE", path, headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


@pytest.fixture
def client(shared_gateway: RunningGateway) -> Client:
    """Give a client of the gateway that most tests share."""
    return Client(shared_gateway)


def pace(emulator: RunningEmulator, ttft_s: float) -> None:
    emulator.pace(gpt={"tokens_per_s": 5.0, "ttft_s": ttft_s, "spread": 0.0})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("phase", ["waiting", "streaming"])
def test_it_ends_in_any_phase_and_the_upstream_hears_at_once(
    shared_gateway: RunningGateway,
    emulator: RunningEmulator,
    client: Client,
    path: str,
    phase: str,
) -> None:
    pace(emulator, 20.0 if phase == "waiting" else 0.01)
    before = len(shared_gateway.records())
    name = f"{phase}{path.replace('/', '-')}"
    with client.asking(path, name) as connection:
        wait_until(lambda: len(emulator.attempts()) == 1)
        answer = None
        if phase == "streaming":
            answer = connection.getresponse()
            assert answer.readline()
        status, told = client.cancel(path, name)
        assert (status, told["is_cancelled"]) == (200, True)
        wait_until(lambda: emulator.attempts()[-1]["cancelled_at_s"] is not None, WITHIN_S)
        if answer is None:
            assert connection.getresponse().status == 409
        else:
            with pytest.raises(http.client.IncompleteRead) as cut:
                answer.read()
            assert b"cancelled" in cut.value.partial
    wait_until(lambda: len(shared_gateway.records()) > before)
    record = shared_gateway.records()[-1]
    assert (record["outcome"], record["code"]) == ("hung_up", "cancelled")
    assert client.cancel(path, name) == (200, told), "twice is once"
    assert len(emulator.attempts()) == 1


def test_only_its_owner_finds_it(emulator: RunningEmulator, client: Client) -> None:
    pace(emulator, 0.01)
    with client.asking(PATHS[0], "mine") as connection:
        answer = connection.getresponse()
        assert answer.readline()
        status, told = client.cancel(PATHS[0], "mine", OTHER_KEY)
        assert (status, told["error"]["code"]) == (404, "exchange_not_found")
        assert client.cancel(PATHS[1], "mine")[0] == 404, "another path"
        assert client.cancel(PATHS[0], "yours")[0] == 404
        assert client.cancel(PATHS[0], "mine", "pk-nobody")[0] == 401
        assert emulator.attempts()[-1]["cancelled_at_s"] is None
        assert client.cancel(PATHS[0], "mine")[0] == 200
