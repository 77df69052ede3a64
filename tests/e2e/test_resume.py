"""Callers who come back: one exchange, however often it is asked for, and only for its owner."""

import contextlib
import http.client
import json
import signal
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
from tests.e2e.conftest import StartGateway
from tests.e2e.emulator import KEY, RunningEmulator, wait_until
from tests.e2e.gateway import (
    CALLER_KEY,
    GPT,
    OTHER_KEY,
    RunningGateway,
    config_of,
    document,
    target,
)

TEXT: Final = "The gate of a penstock controls the flow of water to the turbine far below it."
PROMPT: Final = f"[[say:{TEXT}]]"
WITHIN_S: Final = 60.0
SLOWLY: Final[dict[str, object]] = {"tokens_per_s": 12.0, "ttft_s": 0.01, "spread": 0.0}
ROUTES: Final = ("only-gpt", "only-claude")


@pytest.fixture(scope="module")
def keeping(start_gateway: StartGateway, shared_emulator: RunningEmulator) -> RunningGateway:
    """A gateway that ends an answer soon that nobody reads, and keeps small ones only."""
    table = document(shared_emulator)
    table["gateway"]["keep"] = {"orphan_s": 1.0, "exchange_bytes_max": 64 * 1024}
    table["upstreams"].append(
        {
            "name": "responses",
            "dialect": "openai_responses",
            "base_url": shared_emulator.urls["gpt"],
            "api_key_env": "EMULATED_KEY",
        }
    )
    table["routes"].append({"name": "native", "targets": [target("responses", GPT)]})
    return start_gateway(config_of(table))


@pytest.fixture
def slow(emulator: RunningEmulator) -> RunningEmulator:
    """The emulator, speaking so slowly that there is a middle of an answer."""
    emulator.pace(gpt=SLOWLY, claude=SLOWLY, gemini=SLOWLY)
    return emulator


class Answer:
    """One answer over plain HTTP."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.content = response.read()

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.content)["error"]


class Bare:
    """A client that sends just what it is told."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.place = urlsplit(gateway.url).netloc

    def chat(self, body: object, name: str, key: str = CALLER_KEY) -> Answer:
        """Ask with this Idempotency-Key."""
        headers = {"authorization": f"Bearer {key}", "idempotency-key": name}
        connection = http.client.HTTPConnection(self.place, timeout=WITHIN_S)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            return Answer(connection.getresponse())


@pytest.fixture
def bare(keeping: RunningGateway) -> Bare:
    """A client without an SDK."""
    return Bare(keeping)


@pytest.fixture
def sdk(keeping: RunningGateway) -> Iterator[Any]:
    """The SDK of the openai dialects."""
    with sdk_of(keeping, CALLER_KEY) as client:
        yield client


def sdk_of(gateway: RunningGateway, key: str) -> openai.OpenAI:
    url = f"{gateway.url}/v1"
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0, timeout=WITHIN_S)


def chat_body(route: str, prompt: str = PROMPT, **more: object) -> dict[str, object]:
    return {"model": route, "messages": [{"role": "user", "content": prompt}], **more}


def records_since(gateway: RunningGateway, before: int) -> list[dict[str, Any]]:
    """Return the records of exchanges that were dialled."""
    return [record for record in gateway.records()[before:] if record.get("attempts")]


def replays(gateway: RunningGateway, how: str) -> int:
    return gateway.telemetry()["replays"].get(how, 0)


def text_of(stream: Any) -> str:
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


@pytest.mark.parametrize("route", ROUTES)
def test_a_client_that_dies_in_mid_stream_gets_the_whole_text_of_one_exchange(
    keeping: RunningGateway, slow: RunningEmulator, sdk: Any, route: str
) -> None:
    before, live = len(keeping.records()), replays(keeping, "live")
    headers = {"idempotency-key": f"dies-{route}"}
    ask: dict[str, Any] = {**chat_body(route), "stream": True, "extra_headers": headers}
    first = sdk.chat.completions.create(**ask)
    assert next(iter(first)).choices
    assert first.response.headers["x-penstock-kept"] == "true"
    first.response.close()
    wait_until(lambda: keeping.telemetry()["exchanges_in_flight"] == 1)
    again = sdk.chat.completions.create(**ask)
    assert again.response.headers["x-penstock-replayed"] == "true"
    assert again.response.headers["x-request-id"] == first.response.headers["x-request-id"]
    assert text_of(again) == TEXT
    assert replays(keeping, "live") == live + 1
    wait_until(lambda: len(keeping.records()) > before)
    assert text_of(sdk.chat.completions.create(**ask)) == TEXT  # after the end as well
    assert len(slow.attempts()) == 1
    (record,) = records_since(keeping, before)
    assert record["outcome"] == "complete"
    assert len(record["attempts"]) == 1


def test_anthropics_sdk_gets_a_whole_answer_twice_for_one_charge(
    keeping: RunningGateway, emulator: RunningEmulator
) -> None:
    before = len(keeping.records())
    with anthropic.Anthropic(
        base_url=keeping.url, api_key=CALLER_KEY, max_retries=0, timeout=WITHIN_S
    ) as client:
        answers = [
            client.messages.with_raw_response.create(
                model="only-claude",
                max_tokens=500,
                messages=[{"role": "user", "content": PROMPT}],
                extra_headers={"Idempotency-Key": "a-whole-answer"},
            )
            for _ in range(2)
        ]
    assert answers[0].text() == answers[1].text()
    assert TEXT in answers[0].text()
    assert "x-penstock-replayed" not in answers[0].headers
    assert answers[1].headers["x-penstock-replayed"] == "true"
    assert answers[0].headers["request-id"] == answers[1].headers["request-id"]
    assert len(emulator.attempts()) == 1
    assert len(records_since(keeping, before)) == 1


def test_another_body_is_refused_and_another_caller_or_route_is_another_exchange(
    emulator: RunningEmulator, bare: Bare
) -> None:
    assert bare.chat(chat_body("only-gpt"), "bound").status == 200
    other = bare.chat(chat_body("only-gpt", "another"), "bound")
    assert other.status == 422
    assert other.error["code"] == "idempotency_key_reused"
    assert other.headers["x-should-retry"] == "false"
    assert len(emulator.attempts()) == 1
    for route, key in (("only-gpt", OTHER_KEY), ("only-claude", CALLER_KEY)):
        answer = bare.chat(chat_body(route), "bound", key)
        assert answer.status == 200
        assert "x-penstock-replayed" not in answer.headers
    assert len(emulator.attempts()) == 3


def test_a_key_whose_answers_may_not_be_kept_is_told_so_and_answered(
    keeping: RunningGateway, emulator: RunningEmulator, bare: Bare
) -> None:
    for _ in range(2):
        answer = bare.chat(chat_body("only-gpt"), "not-allowed", OTHER_KEY)
        assert answer.status == 200
        assert answer.headers["x-penstock-kept"] == "false"
    assert len(emulator.attempts()) == 2
    assert keeping.telemetry()["not_kept"]["not_allowed"] >= 2


@pytest.mark.parametrize("bad", ["", "two words", "x" * 256])
def test_a_bad_key_is_refused_with_the_remedy(
    emulator: RunningEmulator, bare: Bare, bad: str
) -> None:
    answer = bare.chat(chat_body("only-gpt"), bad)
    assert answer.status == 400
    assert answer.error["code"] == "invalid_idempotency_key"
    assert "UUID" in answer.error["message"]
    assert emulator.attempts() == []


def test_a_failure_is_not_kept_so_a_retry_may_succeed(
    emulator: RunningEmulator, bare: Bare
) -> None:
    emulator.faults({"kind": "http_529"})
    failed = bare.chat(chat_body("only-gpt"), "fails-first")
    assert failed.status >= 500
    assert "x-penstock-kept" not in failed.headers
    emulator.faults()
    answer = bare.chat(chat_body("only-gpt"), "fails-first")
    assert answer.status == 200
    assert "x-penstock-replayed" not in answer.headers


def test_a_stream_that_broke_is_replayed_as_broken(
    keeping: RunningGateway, emulator: RunningEmulator, sdk: Any
) -> None:
    emulator.faults({"kind": "stream_cut"})
    ask: dict[str, Any] = {
        **chat_body("only-gpt"), "stream": True,
        "extra_headers": {"idempotency-key": "breaks"},
    }  # fmt: skip
    texts: list[str] = []
    for _ in range(2):
        chunks: list[Any] = []
        stream = sdk.chat.completions.create(**ask)
        with pytest.raises(openai.APIError):
            chunks.extend(stream)
        texts.append(text_of(chunks))
        emulator.faults()
    assert texts[0] == texts[1] != ""
    assert TEXT.startswith(texts[0])
    assert len(emulator.attempts()) == 1
    assert keeping.records()[-1]["outcome"] == "broken"


def test_an_answer_that_nobody_reads_ends_and_says_so(
    keeping: RunningGateway, emulator: RunningEmulator, sdk: Any
) -> None:
    crawl: dict[str, object] = {"tokens_per_s": 2.0, "ttft_s": 0.01, "spread": 0.0}
    emulator.pace(gpt=crawl)
    before = len(keeping.records())
    ask: dict[str, Any] = {
        **chat_body("only-gpt"), "stream": True,
        "extra_headers": {"idempotency-key": "nobody"},
    }  # fmt: skip
    stream = sdk.chat.completions.create(**ask)
    assert next(iter(stream)).choices
    stream.response.close()
    wait_until(lambda: len(keeping.records()) > before)
    assert keeping.records()[-1]["outcome"] == "hung_up"
    with pytest.raises(openai.APIError, match="Nobody read"):
        text_of(sdk.chat.completions.create(**ask))
    assert len(emulator.attempts()) == 1


def test_an_answer_that_outgrows_its_bound_goes_on_and_is_not_charged_twice(
    keeping: RunningGateway, emulator: RunningEmulator, bare: Bare
) -> None:
    text = "word " * 3000
    body = chat_body("only-gpt", f"[[say:{text.strip()}]]", stream=True, max_tokens=10_000)
    first = bare.chat(body, "large")
    assert first.status == 200
    assert first.content.endswith(b"data: [DONE]\n\n")
    assert len(first.content) > 64 * 1024
    again = bare.chat(body, "large")
    assert again.status == 409
    assert again.error["code"] == "answer_not_kept"
    assert len(emulator.attempts()) == 1
    assert keeping.telemetry()["not_kept"]["outgrown"] >= 1


@pytest.mark.parametrize("route", ["native", *ROUTES])
def test_a_response_is_read_again_from_any_event_on(
    keeping: RunningGateway, slow: RunningEmulator, sdk: Any, route: str
) -> None:
    before = len(keeping.records())
    stream = sdk.responses.create(model=route, input=PROMPT, stream=True, store=True)
    events = iter(stream)
    seen = [next(events)]
    while seen[-1].type != "response.output_text.delta":
        seen.append(next(events))
    created = seen[0]
    assert created.type == "response.created"
    response_id = created.response.id
    stream.response.close()
    assert sdk.responses.retrieve(response_id).status == "in_progress"
    rest = list(
        sdk.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number)
    )
    numbers = [event.sequence_number for event in (*seen, *rest)]
    assert numbers == list(range(len(numbers)))
    deltas = [e.delta for e in (*seen, *rest) if e.type == "response.output_text.delta"]
    assert "".join(deltas) == TEXT
    whole = sdk.responses.retrieve(response_id)
    assert whole.status == "completed"
    assert whole.output_text == TEXT
    last = list(sdk.responses.retrieve(response_id, stream=True, starting_after=numbers[-2]))
    assert [event.type for event in last] == ["response.completed"]
    assert len(slow.attempts()) == 1
    assert len(records_since(keeping, before)) == 1


def test_a_response_belongs_to_its_caller_and_is_gone_when_deleted(
    keeping: RunningGateway, emulator: RunningEmulator, sdk: Any
) -> None:
    del emulator
    kept = sdk.responses.create(model="native", input=PROMPT, store=True)
    assert sdk.responses.retrieve(kept.id).output_text == TEXT
    with sdk_of(keeping, OTHER_KEY) as other:
        for attempt in (other.responses.retrieve, other.responses.delete, other.responses.cancel):
            with pytest.raises(openai.NotFoundError):
                attempt(kept.id)
    with pytest.raises(openai.BadRequestError, match="not streamed"):
        sdk.responses.retrieve(kept.id, stream=True)
    sdk.responses.delete(kept.id)
    with pytest.raises(openai.NotFoundError, match="Idempotency-Key"):
        sdk.responses.retrieve(kept.id)
    unsaid = sdk.responses.create(model="native", input=f"{PROMPT} again")
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(unsaid.id)


def test_a_response_under_way_is_cancelled(
    keeping: RunningGateway, slow: RunningEmulator, sdk: Any
) -> None:
    del slow
    before = len(keeping.records())
    stream = sdk.responses.create(model="native", input=f"{PROMPT} now", stream=True, store=True)
    first = next(iter(stream))
    assert first.type == "response.created"
    assert sdk.responses.cancel(first.response.id).status == "cancelled"
    stream.response.close()
    wait_until(lambda: len(keeping.records()) > before)
    assert keeping.records()[-1]["outcome"] == "hung_up"
    assert sdk.responses.retrieve(first.response.id).status == "cancelled"


def test_no_body_and_no_key_is_in_the_log_or_the_spool(
    keeping: RunningGateway, emulator: RunningEmulator, bare: Bare
) -> None:
    body = chat_body("only-gpt", "[[say:canary-of-an-answer]]")
    for _ in range(2):
        assert bare.chat(body, "canary-of-idempotency").status == 200
    assert len(emulator.attempts()) == 1
    written = keeping.log_path.read_text() + repr(keeping.lines())
    assert "canary-of" not in written
    assert KEY not in written


def test_a_gateway_that_goes_down_waits_for_readers_but_not_for_who_might_come_back(
    start_gateway: StartGateway, slow: RunningEmulator
) -> None:
    table = document(slow)
    table["gateway"]["drain_s"] = 0.5
    going = start_gateway(config_of(table))
    with sdk_of(going, CALLER_KEY) as client:
        streams: list[Any] = []
        for name in ("leaves", "stays"):
            stream: Any = client.chat.completions.create(
                model="only-gpt",
                messages=[{"role": "user", "content": PROMPT}],
                stream=True,
                extra_headers={"idempotency-key": name},
            )
            assert next(iter(stream)).choices
            streams.append(stream)
        streams[0].response.close()
        going.process.send_signal(signal.SIGTERM)
        with pytest.raises(openai.APIError, match="going down"):
            text_of(streams[1])
    assert going.stop() == 0
    assert sorted(record["outcome"] for record in going.records()) == ["broken", "hung_up"]
