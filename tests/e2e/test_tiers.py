"""Tiers through a real gateway, as the official SDKs ask for them and are told of them."""

import signal
import time
from typing import Any

import anthropic
import msgspec
import openai
import pytest
from google import genai
from google.genai import types
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document

from penstock.config.tenancy import Limits, TierName
from penstock.snapshot import build, file
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

FREE_KEY = "pk-free-canary-0123456789"
LIMITED_KEY = "pk-limited-canary-0123456789"
USER: list[Any] = [{"role": "user", "content": "hi"}]


@pytest.fixture
def tiered(gateway: RunningGateway, emulator: RunningEmulator) -> RunningGateway:
    """Give the shared gateway keys that stand lower, and one with a limit."""
    config = config_of(document(emulator, f".t{gateway.version}"))
    plain = Key(id="k1", tenant="t1", sha256=sha256(CALLER_KEY))
    free = Key(id="k3", tenant="t1", sha256=sha256(FREE_KEY), tier_max=TierName.FREE)
    few = Limits(requests_per_min=1)
    limited = Key(id="k4", tenant="t1", sha256=sha256(LIMITED_KEY), limits=few)
    gateway.version += 1
    keys = [plain, free, limited]
    snapshot = build.build(config, keys, version=gateway.version, now_unix_s=time.time())
    file.write(gateway.folder / "snapshot", snapshot)
    gateway.process.send_signal(signal.SIGHUP)
    wait_until(lambda: gateway.telemetry()["snapshot_version"] == gateway.version)
    return gateway


def chat(gateway: RunningGateway, key: str = CALLER_KEY, **more: Any) -> Any:
    base = f"{gateway.url}/v1"
    sdk: Any = openai.OpenAI(base_url=base, api_key=key, max_retries=0)
    with sdk as client:
        create = client.chat.completions.with_raw_response.create
        return create(model="only-gpt", messages=USER, **more)


def claude(gateway: RunningGateway, model: str = "only-claude", **more: Any) -> Any:
    sdk: Any = anthropic.Anthropic(base_url=gateway.url, api_key=CALLER_KEY, max_retries=0)
    with sdk as client:
        create = client.messages.with_raw_response.create
        return create(model=model, max_tokens=9, messages=USER, **more)


def test_a_caller_who_asks_is_told_in_the_answer(tiered: RunningGateway) -> None:
    for key, word, told, tier in (
        (CALLER_KEY, "flex", "flex", "batch"),
        (CALLER_KEY, "priority", "default", "standard"),
        (CALLER_KEY, "auto", "default", "standard"),
        (FREE_KEY, "default", "default", "free"),
    ):
        answer = chat(tiered, key, service_tier=word)
        assert answer.headers["x-penstock-tier"] == tier
        assert answer.parse().service_tier == told


def test_and_in_every_chunk_of_a_stream(tiered: RunningGateway) -> None:
    base = f"{tiered.url}/v1"
    with openai.OpenAI(base_url=base, api_key=CALLER_KEY, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="only-gpt", messages=USER, service_tier="flex", stream=True
        )
        assert {chunk.service_tier for chunk in stream} == {"flex"}


def test_responses_tell_it_too(tiered: RunningGateway) -> None:
    base = f"{tiered.url}/v1"
    with openai.OpenAI(base_url=base, api_key=CALLER_KEY, max_retries=0) as client:
        create = client.responses.with_raw_response.create
        answer = create(model="only-claude", input="hi", service_tier="flex")
        assert answer.headers["x-penstock-tier"] == "batch"
        assert answer.parse().service_tier == "flex"


def test_claude_and_google_tell_it_in_their_way(tiered: RunningGateway) -> None:
    answer = claude(tiered, service_tier="standard_only")
    assert answer.parse().usage.service_tier == "standard"
    answer = claude(tiered, "only-gpt", extra_headers={"x-penstock-tier": "batch"})
    assert answer.headers["x-penstock-tier"] == "batch"
    assert answer.parse().usage.service_tier == "batch"
    options = types.HttpOptions(base_url=f"{tiered.url}/genai")
    client: Any = genai.Client(api_key=CALLER_KEY, http_options=options)
    config = types.GenerateContentConfig(service_tier=types.ServiceTier.FLEX)
    answer = client.models.generate_content(model="only-gpt", contents="hi", config=config)
    client.close()
    assert answer.sdk_http_response.headers["x-gemini-service-tier"] == "flex"
    assert answer.sdk_http_response.headers["x-penstock-tier"] == "batch"


def unknown_tiers(gateway: RunningGateway) -> float:
    lines = gateway.admin("/metrics").splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("penstock_unknown_t"))


def test_a_header_lowers_and_never_lifts(tiered: RunningGateway) -> None:
    before = unknown_tiers(tiered)
    for asked, tier in (("free", "free"), ("enterprise", "standard"), ("gold", "standard")):
        answer = chat(tiered, extra_headers={"x-penstock-tier": asked})
        assert answer.headers["x-penstock-tier"] == tier
    assert unknown_tiers(tiered) == before + 1


def test_a_timeout_that_is_none_is_the_callers_error(tiered: RunningGateway) -> None:
    name = "x-penstock-ttft-timeout-s"
    with pytest.raises(openai.BadRequestError, match=name) as caught:
        chat(tiered, extra_headers={name: "soon"})
    assert caught.value.param == name


def test_a_key_over_its_limit_hears_which_and_until_when(tiered: RunningGateway) -> None:
    assert chat(tiered, LIMITED_KEY).http_response.status_code == 200
    with pytest.raises(openai.RateLimitError) as caught:
        chat(tiered, LIMITED_KEY)
    headers = caught.value.response.headers
    assert caught.value.code == "rate_limit_exceeded"
    assert headers["x-penstock-shed-reason"] == "requests_per_min"
    assert headers["x-penstock-tier"] == "standard"
    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(headers["retry-after"]) <= 60
    assert msgspec.json.decode(caught.value.response.content)["error"]["type"] == "rate_limit_error"
