"""Kept answers with several workers: whichever worker a caller reaches, its answer is found.

Each worker has a port of its own here, so that a test can say which one is reached.
"""

import contextlib
import http.client
import json
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document

pytestmark = pytest.mark.slow

SAID: Final = "The gate of a penstock controls the flow of water to the turbine far below."
KEYS: Final = [f"key-{at}" for at in range(6)]
PATH: Final = "/v1/chat/completions"
SLOWLY: Final[dict[str, object]] = {"ttft_s": 0.01, "tokens_per_s": 25.0, "spread": 0.0}

Workers = tuple[RunningGateway, RunningGateway]


@pytest.fixture
def workers(tmp_path: Path, emulator: RunningEmulator) -> Iterator[Workers]:
    """Start two workers of one state directory."""
    emulator.pace(gpt=SLOWLY)
    table = document(emulator)
    table["gateway"]["workers"] = 2
    config = config_of(table)
    started = RunningGateway(tmp_path, config, 1), RunningGateway(tmp_path, config, 2)
    yield started
    for one in started:
        one.stop()


@contextlib.contextmanager
def asking(
    worker: RunningGateway, name: str, method: str = "POST", *, is_stream: bool = True
) -> Generator[http.client.HTTPResponse]:
    """Ask a worker, on a connection of its own."""
    turns = [{"role": "user", "content": f"[[say:{SAID}]]"}]
    body = json.dumps({"model": "only-gpt", "stream": is_stream, "messages": turns})
    headers = {"authorization": f"Bearer {CALLER_KEY}", "idempotency-key": name}
    connection = http.client.HTTPConnection(urlsplit(worker.url).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.request(method, PATH, body if method == "POST" else None, headers)
        yield connection.getresponse()


def words(stream: bytes) -> str:
    """Return the text of a stream."""
    lines = [line[6:] for line in stream.splitlines() if line.startswith(b"data: {")]
    choices: list[list[dict[str, Any]]] = [json.loads(one)["choices"] for one in lines]
    return "".join(some[0]["delta"].get("content") or "" for some in choices if some)


def test_whoever_comes_back_finds_the_answer_at_any_worker(
    workers: Workers, emulator: RunningEmulator
) -> None:
    for name in KEYS:
        with asking(workers[0], name) as first:
            assert first.headers["x-penstock-kept"] == "true"
            assert first.readline().startswith(b"data: ")
        for worker in reversed(workers):
            with asking(worker, name) as again:
                assert again.headers["x-penstock-replayed"] == "true"
                assert again.headers["x-request-id"] == first.headers["x-request-id"]
                whole = again.read()
                assert words(whole) == SAID
                assert whole.endswith(b"data: [DONE]\n\n")
    assert len(emulator.attempts()) == len(KEYS), "nothing was asked twice"
    kept = [worker.telemetry()["replays"] for worker in workers]
    assert all(kept), "both have kept some"


def test_whole_answers_errors_and_cancels_come_back_as_they_are(
    workers: Workers, emulator: RunningEmulator
) -> None:
    for name in KEYS[:3]:
        told: list[tuple[int, bytes]] = []
        for worker in workers:
            with asking(worker, f"whole-{name}", is_stream=False) as answer:
                told.append((answer.status, answer.read()))
        assert told[0] == told[1]
        assert told[0][0] == 200
        for worker in workers:
            with asking(worker, f"nobody-{name}", "DELETE") as answer:
                assert (answer.status, json.loads(answer.read())["error"]["code"]) == (
                    404, "exchange_not_found",
                )  # fmt: skip
        with asking(workers[0], f"ended-{name}") as stream:
            assert stream.readline()
            with asking(workers[1], f"ended-{name}", "DELETE") as answer:
                assert answer.status == 200
            wait_until(lambda: emulator.attempts()[-1]["cancelled_at_s"] is not None, 2.0)
            with pytest.raises(http.client.IncompleteRead):
                stream.read()


def test_a_keeper_that_is_away_costs_nobody_an_answer(workers: Workers) -> None:
    workers[1].stop(signal.SIGKILL)
    kept: dict[str, str | None] = {}
    for name in KEYS:
        with asking(workers[0], name, is_stream=False) as answer:
            assert answer.status == 200
            assert json.loads(answer.read())["choices"]
            kept[name] = answer.headers["x-penstock-kept"]
    assert set(kept.values()) == {"true", "false"}
    for name, is_kept in kept.items():
        with asking(workers[0], name, "DELETE") as answer:
            assert answer.status == (200 if is_kept == "true" else 503)
