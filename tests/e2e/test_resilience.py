"""What the gateway does when something else dies: callers, providers, networks, itself."""

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from tests.e2e.conftest import StartEmulator, StartGateway
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, GPT, RunningGateway, config_of, document, target

WORDS = 200
SLOWLY: dict[str, object] = {"ttft_s": 0.01, "tokens_per_s": 100.0}


def body(route: str, *, stream: bool = False, prompt: str = "[[words:5]]") -> dict[str, Any]:
    """Return a chat request."""
    return {"model": route, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


@contextlib.contextmanager
def posted(
    gateway: RunningGateway, payload: dict[str, Any], path: str = "/v1/chat/completions"
) -> Generator[http.client.HTTPResponse]:
    """POST and hand out the response while it is being read."""
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=20)
    with contextlib.closing(connection):
        headers = {"authorization": f"Bearer {CALLER_KEY}"}
        connection.request("POST", path, json.dumps(payload), headers)
        yield connection.getresponse()


def ask(gateway: RunningGateway, route: str) -> tuple[int, dict[str, Any]]:
    """POST a unary request; return status and body."""
    with posted(gateway, body(route)) as response:
        return response.status, json.loads(response.read())


def client(gateway: RunningGateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CALLER_KEY, max_retries=0)


def test_a_caller_who_leaves_stops_the_upstream(
    gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    emulator.pace(gpt=SLOWLY)
    before = len(gateway.records())
    with posted(gateway, body("gpt-gemini", stream=True, prompt=f"[[words:{WORDS}]]")) as response:
        assert response.readline().startswith(b"data: ")
    wait_until(lambda: emulator.attempts()[-1]["outcome"] == "cancelled", 2.0)
    wait_until(lambda: len(gateway.records()) > before)
    record = gateway.records()[-1]
    assert record["outcome"] == "hung_up"
    assert record["is_estimated"]
    assert record["output_tokens"] < WORDS
    assert [one["outcome"] for one in record["attempts"]] == ["ignored"]
    assert len(emulator.attempts()) == 1, "nobody may be asked after the caller has left"


def test_a_caller_who_leaves_before_the_answer_stops_the_upstream(
    gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    emulator.faults({"kind": "hang"})
    with posted_without_answer(gateway, body("gpt-gemini")):
        wait_until(lambda: len(emulator.attempts()) == 1)
    wait_until(lambda: emulator.attempts()[-1]["cancelled_at_s"] is not None, 2.0)
    wait_until(lambda: gateway.telemetry()["exchanges_in_flight"] == 0)
    assert len(emulator.attempts()) == 1


@contextlib.contextmanager
def posted_without_answer(gateway: RunningGateway, payload: dict[str, Any]) -> Generator[None]:
    """POST on a bare socket, then hang up."""
    url = urlsplit(gateway.url)
    content = json.dumps(payload).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\n"
        f"authorization: Bearer {CALLER_KEY}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + content)
        yield


def test_a_killed_worker_leaves_its_opened_line(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    gateway = start_gateway(config_of(document(emulator)))
    assert ask(gateway, "only-gpt")[0] == 200
    emulator.pace(gpt=SLOWLY)
    with posted(gateway, body("only-gpt", stream=True, prompt=f"[[words:{WORDS}]]")) as response:
        assert response.readline().startswith(b"data: ")
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
    lines = gateway.lines()
    opened = [one["id"] for one in lines if one["kind"] == "opened"]
    closed = [one["id"] for one in lines if one["kind"] == "closed"]
    assert len(opened) == 2
    assert closed == opened[:1], "what was complete is on disk; the rest can be closed as lost"


@pytest.mark.parametrize(
    "base_url",
    ["http://no-such-name.invalid/v1", "http://127.0.0.1:1/v1", "https://127.0.0.1:{port}/v1"],
    ids=["dns", "refused", "tls"],
)
def test_no_connection_is_another_upstreams_turn(
    start_gateway: StartGateway, emulator: RunningEmulator, base_url: str
) -> None:
    table = document(emulator)
    dead = {"name": "dead", "dialect": "openai_chat", "api_key_env": "EMULATED_KEY"}
    table["upstreams"].append({**dead, "base_url": base_url.format(port=emulator.port)})
    targets = [target("dead", GPT), target("gpt", GPT)]
    table["routes"].append({"name": "dead-gpt", "targets": targets})
    table["routes"].append({"name": "dead", "targets": targets[:1]})
    gateway = start_gateway(config_of(table))
    assert ask(gateway, "dead-gpt")[0] == 200
    record = gateway.records()[-1]
    assert [one["outcome"] for one in record["attempts"]] == ["unreachable", "success"]
    status, answer = ask(gateway, "dead")
    assert status == 502
    assert answer["error"]["message"]


def test_a_provider_that_dies_is_not_noticed(
    start_gateway: StartGateway, start_emulator: StartEmulator, emulator: RunningEmulator
) -> None:
    dying = start_emulator("--instant")
    table = document(emulator)
    table["upstreams"][0]["base_url"] = dying.urls["gpt"]
    gateway = start_gateway(config_of(table))
    with client(gateway) as sdk:
        for number in range(20):
            if number == 5:
                os.kill(dying.pid, signal.SIGKILL)
            answer = sdk.chat.completions.create(
                model="gpt-gemini", messages=[{"role": "user", "content": "[[words:5]]"}]
            )
            assert answer.choices[0].finish_reason == "stop"
    upstreams = [one["attempts"][-1]["upstream"] for one in gateway.records()]
    assert upstreams == ["gpt"] * 5 + ["gemini"] * 15


def test_the_breaker_opens_and_closes_again(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    table = document(emulator)
    table["breaker"] = {"failures_min": 5, "cooldown_s": 0.2, "probes_to_close": 1}
    gateway = start_gateway(config_of(table))
    emulator.faults({"kind": "http_500", "provider": "gpt"})
    for _ in range(8):
        assert ask(gateway, "gpt-gemini")[0] == 200
    attempts = [len(one["attempts"]) for one in gateway.records()]
    assert attempts == [2, 2, 2, 2, 2, 1, 1, 1], "an open breaker keeps traffic away"
    assert [one["breaker"] for one in gateway.telemetry()["upstreams"] if one["upstream"] == "gpt"]
    emulator.faults()

    def is_back() -> bool:
        ask(gateway, "gpt-gemini")
        return gateway.records()[-1]["attempts"][0]["upstream"] == "gpt"

    wait_until(is_back)


def test_retry_after_is_obeyed_and_waited_for(
    gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    emulator.faults({"kind": "http_429", "retry_after_s": 1, "end_s": 0.9})
    begun_s = time.monotonic()
    assert ask(gateway, "only-gpt")[0] == 200
    assert time.monotonic() - begun_s >= 0.9
    first, second = emulator.attempts()
    assert second["started_at_s"] - first["started_at_s"] >= 0.95


def test_a_context_too_small_goes_to_a_larger_one(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    table = document(emulator)
    targets = [
        target("gpt", GPT, context_tokens_max=100_000),
        target("gemini", "gemini-3.7-flash", context_tokens_max=50_000),
        target("claude", "claude-haiku-4-5", context_tokens_max=200_000),
    ]
    table["routes"].append({"name": "sizes", "targets": targets})
    gateway = start_gateway(config_of(table))
    emulator.faults({"kind": "context_length", "provider": "gpt"})
    assert ask(gateway, "sizes")[0] == 200
    upstreams = [one["upstream"] for one in gateway.records()[-1]["attempts"]]
    assert upstreams == ["gpt", "claude"]
    emulator.faults({"kind": "context_length"})
    status, answer = ask(gateway, "only-gpt")
    assert status == 400
    assert answer["error"]["code"] == "context_length_exceeded"


def test_a_stream_under_way_survives_sigterm(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    gateway = start_gateway(config_of(document(emulator)))
    emulator.pace(gpt=SLOWLY)
    with posted(gateway, body("only-gpt", stream=True, prompt="[[words:50]]")) as response:
        assert response.readline().startswith(b"data: ")
        gateway.process.send_signal(signal.SIGTERM)
        rest = response.read()
    assert rest.rstrip().endswith(b"data: [DONE]")
    assert gateway.process.wait(10) == 0
    assert gateway.records()[-1]["outcome"] == "complete"


def test_a_stream_that_outlasts_the_drain_is_told(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    table = document(emulator)
    table["gateway"]["drain_s"] = 0.2
    gateway = start_gateway(config_of(table))
    emulator.pace(gpt=SLOWLY)
    prompt = f"[[words:{WORDS}]]"
    with posted(gateway, body("only-gpt", stream=True, prompt=prompt)) as response:
        assert response.readline().startswith(b"data: ")
        gateway.process.send_signal(signal.SIGTERM)
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
    assert b'"error"' in caught.value.partial.splitlines()[-2]
    assert gateway.process.wait(10) == 0
    assert gateway.records()[-1]["outcome"] == "broken"


def test_a_slow_reader_costs_bounded_memory(
    start_gateway: StartGateway, emulator: RunningEmulator
) -> None:
    gateway = start_gateway(config_of(document(emulator)))
    ask(gateway, "only-gpt")
    before_kb = resident_kb(gateway)
    payload = body("only-gpt", stream=True, prompt="[[words:20000]]")
    with contextlib.ExitStack() as stack:
        responses = [stack.enter_context(posted(gateway, payload)) for _ in range(5)]
        # Some 25 MB are on offer; nobody reads. What is under way must stop at the buffers.
        sent: list[int] = []
        wait_until(lambda: is_still(emulator, sent))
        assert resident_kb(gateway) - before_kb < 8_000
        for response in responses:
            assert response.read().rstrip().endswith(b"data: [DONE]")


def is_still(emulator: RunningEmulator, sent: list[int]) -> bool:
    """Tell whether the emulator has not sent anything for a while."""
    sent.append(emulator.stats()["output_tokens"])
    return len(sent) > 50 and len(set(sent[-50:])) == 1


def resident_kb(gateway: RunningGateway) -> int:
    """Return the resident memory of the gateway's process."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def test_nothing_of_the_callers_reaches_the_provider(
    gateway: RunningGateway, emulator: RunningEmulator
) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CALLER_KEY) as sdk:
        sdk.chat.completions.create(
            model="only-gpt",
            messages=[{"role": "user", "content": "[[words:5]]"}],
            extra_headers={
                "x-emulate-fault": "http_500",
                "x-penstock-tier": "free",
                "cookie": "session=canary",
            },
        )
    attempt = emulator.attempts()[-1]
    assert attempt["fault"] is None
    names = set(attempt["header_names"])
    assert names <= {
        "host", "user-agent", "accept-encoding", "content-type", "content-length", "authorization",
    }  # fmt: skip


ERRORS = (
    (b"{", "k", 400, "invalid_request_error"),
    (b'{"model":"gpt-5.6","messages":5}', "k", 400, "invalid_request_error"),
    (b'{"model":"no-such","messages":[],"max_tokens":5}', "k", 404, None),
    (b'{"model":"only-gpt","messages":[],"max_tokens":5}', "wrong", 401, "authentication_error"),
)


@pytest.mark.parametrize(("content", "key", "status", "kind"), ERRORS)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_bad_request_is_refused_in_the_callers_dialect(
    gateway: RunningGateway, path: str, content: bytes, key: str, status: int, kind: str | None
) -> None:
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=20)
    secret = CALLER_KEY if key == "k" else key
    with contextlib.closing(connection):
        connection.request("POST", path, content, {"x-api-key": secret})
        response = connection.getresponse()
        answer = json.loads(response.read())
    assert response.status == status
    is_anthropic = path == "/v1/messages"
    assert (answer.get("type") == "error") is is_anthropic
    if kind:
        assert answer["error"]["type"] == kind
    if status == 404:
        assert "only-gpt" in answer["error"]["message"], "it names the routes that there are"


def test_models_are_the_routes_of_the_key(gateway: RunningGateway) -> None:
    with client(gateway) as sdk:
        names = [model.id for model in sdk.models.list()]
    snapshot = json.loads((gateway.folder / "snapshot").read_bytes().partition(b"\n")[2])
    assert names == [route["name"] for route in snapshot["config"]["routes"]]
