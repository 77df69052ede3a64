"""Whole answers of any length through a real gateway: held while they can be, then passed on."""

import http.client
import json
from typing import Any, Final
from urllib.parse import urlsplit

import anthropic
import httpx
import openai
import psutil
import pytest
from tests.e2e.conftest import StartGateway
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document, target

EMBEDDER: Final = "text-embedding-3-small"
HELD_BYTES: Final = 3000
WORDS: Final = 2000  # some 12 KB, of which a fault lets half through
MIB: Final = 1024 * 1024
BREAKS: Final = (
    openai.APIConnectionError,
    anthropic.APIConnectionError,
    httpx.RemoteProtocolError,  # by SDKs that read a body outside of what they wrap
)
PAIRS: Final = ("gpt-claude", "claude-gpt", "gpt-gemini")


@pytest.fixture
def short(start_gateway: StartGateway, emulator: RunningEmulator) -> RunningGateway:
    """Start a gateway that holds little."""
    table = document(emulator)
    table["timeouts"] |= {"unary_s": 5.0}
    for route in table["routes"]:
        route["unary_hold_bytes_max"] = HELD_BYTES
    return start_gateway(config_of(table))


@pytest.fixture
def usual(start_gateway: StartGateway, emulator: RunningEmulator) -> RunningGateway:
    """Start a gateway that holds as much as it does unless it is told."""
    table = document(emulator)
    table["timeouts"] |= {"unary_s": 20.0, "between_tokens_s": 1.5}
    table["routes"].append({"name": "embed", "targets": [target("gpt", EMBEDDER)]})
    return start_gateway(config_of(table))


def gpt(gateway: RunningGateway) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CALLER_KEY, max_retries=0)


def claude(gateway: RunningGateway) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=gateway.url, auth_token=CALLER_KEY, max_retries=0)


def asked(gateway: RunningGateway, route: str) -> str:
    """Ask in the dialect of the route's first upstream; return the text."""
    turns: list[Any] = [{"role": "user", "content": f"[[words:{WORDS}]]"}]
    if route.startswith("claude"):
        message = claude(gateway).messages.create(model=route, messages=turns, max_tokens=9000)
        assert message.stop_reason == "end_turn"
        return "".join(block.text for block in message.content if block.type == "text")
    answer = gpt(gateway).chat.completions.create(model=route, messages=turns)
    assert answer.choices[0].finish_reason == "stop"
    return answer.choices[0].message.content or ""


@pytest.mark.parametrize("route", ["gpt-claude", "claude-gpt"])
def test_a_long_answer_is_the_same_and_counted_to_the_token(
    short: RunningGateway, route: str
) -> None:
    assert len(asked(short, route).split()) == WORDS
    record = short.records()[-1]
    assert (record["outcome"], record["is_stream"]) == ("complete", False)
    assert record["output_tokens"] == WORDS
    assert "is_estimated" not in record
    assert record["bytes_out"] > 2 * HELD_BYTES


@pytest.mark.parametrize("kind", ["stream_abort", "stall"])
@pytest.mark.parametrize("route", ["gpt-claude", "claude-gpt"])
def test_a_break_in_what_has_gone_out_is_never_a_clean_end(
    short: RunningGateway, emulator: RunningEmulator, route: str, kind: str
) -> None:
    emulator.faults({"provider": route.partition("-")[0], "kind": kind})
    with pytest.raises(BREAKS):
        asked(short, route)
    wait_until(lambda: short.telemetry()["exchanges_in_flight"] == 0)
    record = short.records()[-1]
    assert record["outcome"] == "broken"
    assert record["is_estimated"]
    assert record["output_tokens"] == pytest.approx(record["bytes_out"] / 4, rel=0.1)
    assert len(record["attempts"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stream_abort", "stall"])
@pytest.mark.parametrize("route", PAIRS)
def test_a_break_in_what_is_held_is_not_noticed(
    usual: RunningGateway, emulator: RunningEmulator, route: str, kind: str
) -> None:
    emulator.faults({"provider": route.partition("-")[0], "kind": kind, "delay_s": 30.0})
    assert len(asked(usual, route).split()) == WORDS
    record = usual.records()[-1]
    assert record["outcome"] == "complete"
    assert len(record["attempts"]) == 2


def test_vectors_beyond_the_bound_come_whole(usual: RunningGateway) -> None:
    texts = [f"text {at}" for at in range(200)]
    made = gpt(usual).embeddings.create(model="embed", input=texts, encoding_format="float")
    assert [one.index for one in made.data] == list(range(200))
    assert {len(one.embedding) for one in made.data} == {1536}
    record = usual.records()[-1]
    assert record["bytes_out"] > 4 * MIB
    assert record["input_tokens"] == made.usage.prompt_tokens
    assert "is_estimated" not in record


def test_a_slow_reader_of_a_long_answer_costs_bounded_memory(usual: RunningGateway) -> None:
    process = psutil.Process(usual.process.pid)
    before = process.memory_info().rss
    connection = http.client.HTTPConnection(urlsplit(usual.url).netloc, timeout=60)
    texts = [f"text {at}" for at in range(1200)]
    body = json.dumps({"model": "embed", "input": texts, "encoding_format": "float"})
    headers = {"authorization": f"Bearer {CALLER_KEY}", "content-type": "application/json"}
    connection.request("POST", "/v1/embeddings", body, headers)
    with connection.getresponse() as response:
        assert response.status == 200
        assert response.headers["transfer-encoding"] == "chunked"
        read, most = 0, 0
        while chunk := response.read(256 * 1024):
            read += len(chunk)
            most = max(most, process.memory_info().rss - before)
    connection.close()
    assert read > 24 * MIB
    assert most < 20 * MIB, "more than what is held, and what is on its way"


@pytest.mark.slow
def test_who_knows_only_http_1_0_gets_it_whole(usual: RunningGateway) -> None:
    texts = [f"text {at}" for at in range(200)]
    body = json.dumps({"model": "embed", "input": texts, "encoding_format": "float"})
    connection = OldConnection(urlsplit(usual.url).netloc, timeout=60)
    connection.request("POST", "/v1/embeddings", body, {"authorization": f"Bearer {CALLER_KEY}"})
    with connection.getresponse() as response:
        answer = response.read()
        assert response.status == 200
        assert int(response.headers["content-length"]) == len(answer) > 4 * MIB
    connection.close()


class OldConnection(http.client.HTTPConnection):
    """Speaks HTTP/1.0."""

    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"
