"""Tiers at work: a real gateway whose upstream is full, asked by the official SDKs."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import DEADLINE_S, RunningEmulator, wait_until
from tests.e2e.tiered import (
    FEW_REQUESTS,
    METERED_TOKENS,
    SECRETS,
    Background,
    TieredGateway,
    tiered_document,
)

pytestmark = pytest.mark.slow

SLOTS = 3
SHORT: list[Any] = [{"role": "user", "content": "[[words:8]]"}]
SLOW_S = 1.6  # to the first token, where slots are to stay taken


@pytest.fixture(scope="module")
def paced(start_emulator: StartEmulator) -> RunningEmulator:
    return start_emulator("--seed", "7", "--spread", "0")


@pytest.fixture(scope="module")
def shared(
    paced: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TieredGateway]:
    gateway = TieredGateway(tmp_path_factory.mktemp("tiered"), tiered_document(paced, SLOTS))
    yield gateway
    gateway.stop()


@pytest.fixture
def tiered(shared: TieredGateway, paced: RunningEmulator) -> TieredGateway:
    """Hand out the gateway with nobody under way."""
    wait_until(lambda: not shared.slots_taken() and not shared.waiting())
    pace(paced, 0.01)
    return shared


def pace(emulator: RunningEmulator, ttft_s: float) -> None:
    emulator.pace(gpt={"ttft_s": ttft_s, "tokens_per_s": 200.0, "spread": 0.0})


def ask(gateway: TieredGateway, name: str, *, stream: bool = False, **more: Any) -> Any:
    """Ask as a tenant; return the SDK's raw answer, or the text of a stream."""
    base = f"{gateway.url}/v1"
    sdk: Any = openai.OpenAI(base_url=base, api_key=SECRETS[name], max_retries=0, timeout=30.0)
    with sdk as client:
        if stream:
            chunks = client.chat.completions.create(
                model="chat", messages=SHORT, stream=True, **more
            )
            return "".join(
                chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices
            )
        create = client.chat.completions.with_raw_response.create
        return create(model="chat", messages=SHORT, **more)


def fill(gateway: TieredGateway, emulator: RunningEmulator, name: str) -> Background:
    """Take all slots for a while."""
    pace(emulator, SLOW_S)
    background = Background()
    for _ in range(SLOTS):
        background.start(lambda: ask(gateway, name))
    wait_until(lambda: gateway.slots_taken() == SLOTS and under_way(emulator) == SLOTS)
    return background


def under_way(emulator: RunningEmulator) -> int:
    """Return how many attempts the emulator is answering, at a pace that is settled."""
    return sum(one["outcome"] == "open" for one in emulator.attempts())


def test_a_contract_is_served_at_once_and_whom_it_moves_aside_later(
    tiered: TieredGateway, paced: RunningEmulator
) -> None:
    filled = fill(tiered, paced, "free")
    pace(paced, 0.01)
    answer = ask(tiered, "enterprise")
    assert answer.headers["x-penstock-tier"] == "enterprise"
    record = tiered.record_of(answer.headers["x-request-id"])
    assert record["tier"] == "enterprise"
    assert record.get("queued_s", 0.0) < 0.2
    assert record["duration_s"] < 0.75 * SLOW_S, "it did not wait for a slot to come back"
    answers = filled.join()
    assert len(answers) == SLOTS
    records = [tiered.record_of(one.headers["x-request-id"]) for one in answers]
    moved = [one for one in records if len(one["attempts"]) > 1]
    assert len(moved) == 1
    first, second = moved[0]["attempts"]
    assert first["outcome"] == "ignored"
    assert first["detail"].startswith("moved aside")
    assert second["outcome"] == "success"
    assert moved[0]["outcome"] == "complete"
    assert moved[0]["queued_s"] > 0.0
    tiers = {one["tier"]: one for one in tiered.telemetry()["tiers"]}
    assert tiers["free"]["moved"] == 1


def raw_stream(gateway: TieredGateway, name: str) -> bytes:
    """Return all bytes of a streamed answer's body."""
    place = urlsplit(gateway.url).netloc
    connection = http.client.HTTPConnection(place, timeout=DEADLINE_S)
    body = json.dumps({"model": "chat", "messages": SHORT, "stream": True})
    headers = {"authorization": f"Bearer {SECRETS[name]}", "content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, headers)
    answer = connection.getresponse()
    assert answer.status == 200
    received = answer.read()
    connection.close()
    return received


def claude_stream(gateway: TieredGateway, name: str) -> str:
    sdk: Any = anthropic.Anthropic(base_url=gateway.url, api_key=SECRETS[name], max_retries=0)
    with (
        sdk as client,
        client.messages.stream(model="chat", max_tokens=50, messages=SHORT) as stream,
    ):
        return "".join(stream.text_stream)


def test_who_waits_is_told_its_place_and_sdks_take_no_harm(
    tiered: TieredGateway, paced: RunningEmulator
) -> None:
    plain = ask(tiered, "free").parse().choices[0].message.content
    filled = fill(tiered, paced, "standard")
    pace(paced, 0.01)
    waiting = Background()
    waiting.start(lambda: raw_stream(tiered, "free"))
    waiting.start(lambda: ask(tiered, "other-free", stream=True))
    waiting.start(lambda: claude_stream(tiered, "free"))
    wait_until(lambda: tiered.waiting() == 3)
    results = waiting.join()
    filled.join()
    (received,) = [one for one in results if isinstance(one, bytes)]
    lines = received.split(b"\n")
    comments = [line for line in lines if line.startswith(b":")]
    assert comments
    assert all(line.startswith(b": queued position=") for line in comments)
    assert lines.index(comments[0]) == 0, "before any content"
    assert received.rstrip().endswith(b"data: [DONE]")
    assert [one for one in results if isinstance(one, str)] == [plain, plain]


def test_a_standard_stream_that_waits_is_told_nothing(
    tiered: TieredGateway, paced: RunningEmulator
) -> None:
    filled = fill(tiered, paced, "free")
    pace(paced, 0.01)
    received = raw_stream(tiered, "standard")
    assert not [line for line in received.split(b"\n") if line.startswith(b":")]
    filled.join()


def test_a_key_over_its_requests_is_told_in_headers(tiered: TieredGateway) -> None:
    for _ in range(FEW_REQUESTS):
        assert ask(tiered, "few").http_response.status_code == 200
    with pytest.raises(openai.RateLimitError) as caught:
        ask(tiered, "few")
    headers = caught.value.response.headers
    assert headers["x-penstock-shed-reason"] == "requests_per_min"
    assert headers["x-ratelimit-limit-requests"] == str(FEW_REQUESTS)
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(headers["retry-after"]) <= 60


def test_a_tenants_tokens_are_settled_by_what_was_used(
    tiered: TieredGateway, paced: RunningEmulator
) -> None:
    for _ in range(4):  # at first each reserves about a thousand
        assert ask(tiered, "metered").http_response.status_code == 200
    pace(paced, SLOW_S)
    first = Background()
    first.start(lambda: ask(tiered, "metered"))
    wait_until(lambda: tiered.slots_taken() == 1)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(tiered, "metered", extra_body={"padding": "x" * 4 * METERED_TOKENS})
    headers = caught.value.response.headers
    assert headers["x-penstock-shed-reason"] == "tokens_per_min"
    assert headers["x-ratelimit-limit-tokens"] == str(METERED_TOKENS)
    assert 0 < int(headers["x-ratelimit-remaining-tokens"]) < METERED_TOKENS
    first.join()


def test_batch_waits_for_free_and_free_for_standard(
    tiered: TieredGateway, paced: RunningEmulator
) -> None:
    filled = fill(tiered, paced, "standard")
    waiting = Background()
    for at, name in enumerate(("batch", "free", "standard"), start=1):
        waiting.start(lambda name=name: ask(tiered, name))
        wait_until(lambda at=at: tiered.waiting() == at)
    pace(paced, 0.3)
    filled.join()
    answers = waiting.join()
    records = [tiered.record_of(one.headers["x-request-id"]) for one in answers]
    begun = sorted((one["at_unix_s"] + one["queued_s"], one["tier"]) for one in records)
    assert [tier for _, tier in begun] == ["standard", "free", "batch"]


@pytest.mark.slow
def test_whoever_is_in_a_session_stays_while_new_ones_are_refused(
    paced: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ladder = {"entries": (0.1, 0.15, 0.2, 0.25, 0.3), "up_s": 1.0, "output_tokens_caps": (0, 0)}
    table = tiered_document(
        paced, SLOTS, ladder=ladder, queue_wait_max_s={"free": 3.0}, streams_per_user_max=4
    )
    gateway = TieredGateway(tmp_path_factory.mktemp("ladder"), table)

    def turn(user: str) -> int:
        try:
            ask(gateway, "free", extra_headers={"x-penstock-user": user})
        except openai.InternalServerError as error:
            reason = error.response.headers["x-penstock-shed-reason"]
            return 0 if reason == "no_new_sessions" else 1
        return 200

    try:
        pace(paced, 0.02)
        assert turn("regular") == 200
        pace(paced, 1.0)
        crowd = Background()
        for at in range(12 * SLOTS):
            crowd.start(lambda at=at: turn(f"crowd-{at}"))
        wait_until(lambda: gateway.gate["consumers"]["level"] == 5)
        for at in range(40):
            crowd.start(lambda at=at: turn(f"late-{at}"))
        results = crowd.join()
        assert turn("regular") == 200, "its session goes on"
        assert results.count(200)
        assert results.count(0), "some of the crowd were refused as new"
    finally:
        gateway.stop()
