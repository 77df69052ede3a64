"""Counts and vectors through the gateway: official SDKs, real processes, every pair of dialects."""

import contextlib
import http.client
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.e2e.conftest import StartGateway
from tests.e2e.emulator import DEADLINE_S, RunningEmulator
from tests.e2e.gateway import CALLER_KEY, CLAUDE, GEMINI, GPT, RunningGateway, config_of, target

pytestmark = pytest.mark.slow

SMALL: Final = "text-embedding-3-small"
EMBEDDER: Final = "gemini-embedding-001"
TEXTS: Final = ["What is a weir?", "What is a lock?"]
TOOL: Final = {"type": "object", "properties": {"city": {"type": "string"}}}
MESSAGES: Final[Any] = [{"role": "user", "content": "What is a weir?"}]


def document(emulator: RunningEmulator, mark: str) -> dict[str, Any]:
    """Return upstreams of all dialects, and routes to one or two of them."""
    upstreams = {
        "chat": ("openai_chat", emulator.urls["gpt"]),
        "responses": ("openai_responses", emulator.urls["gpt"]),
        "claude": ("anthropic_messages", emulator.urls["claude"]),
        "gemini": ("gemini_generate", emulator.urls["gemini_native"] + "/v1beta"),
    }
    models = {"chat": GPT, "responses": GPT, "claude": CLAUDE, "gemini": GEMINI}
    embedders = {"chat": SMALL, "responses": SMALL, "gemini": EMBEDDER}
    routes = {name: [target(name + mark, model)] for name, model in models.items()}
    routes |= {f"{a}-{b}": routes[a] + routes[b] for a in models for b in models if a != b}
    # Google's SDK makes one content of all texts if the name has "gemini" in it.
    names = {"chat": "chat", "responses": "responses", "gemini": "google"}
    vectors = {
        f"embed-{names[name]}": [target(name + mark, one)] for name, one in embedders.items()
    }
    pairs = [("chat", "google"), ("google", "chat")]
    vectors |= {f"embed-{a}-{b}": vectors[f"embed-{a}"] + vectors[f"embed-{b}"] for a, b in pairs}
    return {
        "timeouts": {"unary_s": 5.0, "total_s": 15.0},
        "breaker": {"failures_min": 100_000.0},
        "retry": {"floor_per_s": 1000.0},
        "upstreams": [
            {
                "name": name + mark,
                "dialect": dialect,
                "base_url": url,
                "api_key_env": "EMULATED_KEY",
            }
            for name, (dialect, url) in upstreams.items()
        ],
        "routes": [{"name": name, "targets": one} for name, one in (routes | vectors).items()],
    }


@pytest.fixture(scope="module")
def lasting(start_gateway: StartGateway, shared_emulator: RunningEmulator) -> RunningGateway:
    """Start a gateway in front of all emulated dialects."""
    return start_gateway(config_of(document(shared_emulator, "")))


@pytest.fixture
def gateway(lasting: RunningGateway, emulator: RunningEmulator) -> RunningGateway:
    """Hand it out with nothing learned."""
    lasting.reload(config_of(document(emulator, f".{lasting.version}")))
    return lasting


@pytest.fixture
def claude(gateway: RunningGateway) -> Iterator[Any]:
    """Give the anthropic SDK."""
    with anthropic.Anthropic(
        base_url=gateway.url + "/anthropic", auth_token=CALLER_KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def gpt(gateway: RunningGateway) -> Iterator[Any]:
    """Give the openai SDK."""
    with openai.OpenAI(
        base_url=gateway.url + "/openai/v1", api_key=CALLER_KEY, max_retries=0
    ) as client:
        yield client


@pytest.fixture
def gemini(gateway: RunningGateway) -> Iterator[Any]:
    """Give the models of google-genai."""
    options = types.HttpOptions(base_url=gateway.url + "/genai")
    client = genai.Client(api_key=CALLER_KEY, http_options=options)
    yield client.models
    client.close()


def post(gateway: RunningGateway, path: str, body: object) -> tuple[dict[str, str], Any]:
    """POST as no SDK does; returns headers and document."""
    headers = {"authorization": f"Bearer {CALLER_KEY}", "content-type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        document = json.loads(response.read())
    assert response.status == 200, document
    return dict(response.headers), document


@pytest.mark.parametrize("route", ["claude", "gemini", "responses"])
def test_every_counter_counts_for_every_client(
    gateway: RunningGateway, claude: Any, gpt: Any, gemini: Any, route: str
) -> None:
    of_claude = claude.messages.count_tokens(
        model=route,
        system="Be brief.",
        messages=MESSAGES,
        tools=[{"name": "find", "input_schema": TOOL}],
    )
    of_gpt = gpt.responses.input_tokens.count(
        model=route,
        instructions="Be brief.",
        input="What is a weir?",
        tools=[{"type": "function", "name": "find", "parameters": TOOL, "strict": False}],
    )
    of_gemini = gemini.count_tokens(model=route, contents="What is a weir?")
    assert of_claude.input_tokens > of_gemini.total_tokens > 0
    assert of_gpt.input_tokens > of_gemini.total_tokens
    assert of_gpt.object == "response.input_tokens"
    records = gateway.records()[-3:]
    assert [record["operation"] for record in records] == ["count_tokens"] * 3
    assert [record["outcome"] for record in records] == ["complete"] * 3
    assert not any("input_tokens" in record for record in records), "a count uses nothing"
    assert [record["dialect"] for record in records] == [
        "anthropic_count_tokens", "openai_input_tokens", "gemini_count_tokens",
    ]  # fmt: skip


@pytest.mark.parametrize("route", ["claude", "gemini", "responses"])
def test_a_count_is_the_one_of_the_provider_itself(
    gateway: RunningGateway, emulator: RunningEmulator, claude: Any, route: str
) -> None:
    """What a translated request is counted as, it is billed as."""
    counted = claude.messages.count_tokens(model=route, system="Be brief.", messages=MESSAGES)
    told = claude.messages.create(
        model=route, system="Be brief.", messages=MESSAGES, max_tokens=100
    )
    assert counted.input_tokens == told.usage.input_tokens
    assert gateway.records()[-1]["input_tokens"] == counted.input_tokens
    assert emulator.attempts(), "answered by the emulator"


def test_a_whole_request_is_counted_at_gemini_and_elsewhere(gateway: RunningGateway) -> None:
    contents = [{"role": "user", "parts": [{"text": "What is a weir?"}]}]
    system = {"parts": [{"text": "Be very, very brief."}]}
    for route in ("gemini", "claude", "responses"):
        inner = {"model": f"models/{route}", "contents": contents}
        path = f"/v1beta/models/{route}:countTokens"
        _, alone = post(gateway, path, {"contents": contents})
        _, short = post(gateway, path, {"generateContentRequest": inner})
        _, whole = post(
            gateway, path, {"generateContentRequest": inner | {"systemInstruction": system}}
        )
        assert alone == short
        assert whole["totalTokens"] > short["totalTokens"]


def test_where_nobody_counts_there_is_an_estimate_that_says_so(
    gateway: RunningGateway, emulator: RunningEmulator, gemini: Any, gpt: Any
) -> None:
    body = {"model": "chat", "messages": [{"role": "user", "content": "weir " * 400}]}
    headers, counted = post(gateway, "/v1/messages/count_tokens", body)
    assert headers["x-penstock-estimated"] == "true"
    assert headers["x-penstock-attempts"] == "0"
    assert 480 <= counted["input_tokens"] <= 520
    assert gemini.count_tokens(model="chat", contents="weir " * 400).total_tokens > 400
    assert gpt.responses.input_tokens.count(model="chat", input="weir " * 400).input_tokens > 400
    assert emulator.attempts() == []
    record = gateway.records()[-1]
    assert (record["operation"], record["outcome"]) == ("count_tokens", "complete")
    assert record["finish_reason"] == "estimated"
    assert "attempts" not in record


@pytest.mark.parametrize(
    ("route", "provider"), [("claude-gemini", "gemini"), ("gemini-claude", "claude")]
)
def test_a_count_fails_over(
    gateway: RunningGateway, emulator: RunningEmulator, claude: Any, route: str, provider: str
) -> None:
    first = route.partition("-")[0]
    emulator.faults({"kind": "http_503", "provider": first})
    raw = claude.messages.with_raw_response.count_tokens(model=route, messages=MESSAGES)
    assert raw.parse().input_tokens > 0
    assert raw.headers["x-penstock-upstream"].partition(".")[0] == provider
    assert raw.headers["x-penstock-attempts"] == "2"
    record = gateway.records()[-1]
    assert record["operation"] == "count_tokens"
    assert [one["outcome"] for one in record["attempts"]] == ["overloaded", "success"]


@pytest.mark.parametrize("route", ["embed-chat", "embed-responses", "embed-google"])
def test_openais_sdk_gets_vectors_in_both_encodings(
    gateway: RunningGateway, gpt: Any, route: str
) -> None:
    plain = gpt.embeddings.create(model=route, input=TEXTS, encoding_format="float", dimensions=8)
    packed = gpt.embeddings.create(model=route, input=TEXTS, dimensions=8)  # the SDK: base64
    for one, other in zip(plain.data, packed.data, strict=True):
        assert len(one.embedding) == 8
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)
    assert [one.index for one in plain.data] == [0, 1]
    assert plain.usage.prompt_tokens == 8
    record = gateway.records()[-1]
    assert (record["operation"], record["dialect"]) == ("embed", "openai_embeddings")
    assert record["input_tokens"] == 8
    assert "output_tokens" not in record
    assert "is_estimated" not in record


@pytest.mark.parametrize("route", ["embed-chat", "embed-responses", "embed-google"])
def test_googles_sdk_gets_vectors(gateway: RunningGateway, gemini: Any, route: str) -> None:
    config = {"output_dimensionality": 8, "task_type": "RETRIEVAL_QUERY"}
    made = gemini.embed_content(model=route, contents=TEXTS, config=config)
    assert [len(one.values) for one in made.embeddings] == [8, 8]
    assert made.embeddings[0].values != made.embeddings[1].values
    record = gateway.records()[-1]
    assert (record["operation"], record["input_tokens"]) == ("embed", 8)
    lost = [] if route == "embed-google" else ["taskType"]
    assert record.get("dropped", []) == lost


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("route", ["embed-chat", "embed-google"])
def test_one_text_is_embedded_alike(
    gateway: RunningGateway, gemini: Any, route: str, version: str
) -> None:
    content = {"parts": [{"text": TEXTS[0]}]}
    body = {"content": content, "outputDimensionality": 8, "model": f"models/{route}"}
    headers, one = post(gateway, f"/genai/{version}/models/{route}:embedContent", body)
    batch = gemini.embed_content(
        model=route, contents=TEXTS[:1], config={"output_dimensionality": 8}
    )
    assert one["embedding"]["values"] == pytest.approx(batch.embeddings[0].values, abs=1e-9)
    assert headers["x-penstock-model"] in (SMALL, EMBEDDER)


@pytest.mark.parametrize(
    ("route", "model", "other"),
    [("embed-chat-google", SMALL, EMBEDDER), ("embed-google-chat", EMBEDDER, SMALL)],
)
def test_vectors_fail_over(
    gateway: RunningGateway,
    emulator: RunningEmulator,
    gpt: Any,
    route: str,
    model: str,
    other: str,
) -> None:
    emulator.faults({"kind": "http_503", "model": model})
    raw = gpt.embeddings.with_raw_response.create(model=route, input=TEXTS, dimensions=8)
    assert [len(one.embedding) for one in raw.parse().data] == [8, 8]
    assert raw.headers["x-penstock-model"] == other
    assert raw.headers["x-penstock-attempts"] == "2"
    record = gateway.records()[-1]
    assert [one["outcome"] for one in record["attempts"]] == ["overloaded", "success"]
    assert record["input_tokens"] == 8


def test_tokens_are_taken_at_openai_and_refused_by_name_elsewhere(gpt: Any) -> None:
    made = gpt.embeddings.create(model="embed-chat", input=[[1, 2, 3], [4]])
    assert len(made.data) == 2
    with pytest.raises(openai.BadRequestError, match="tokens") as caught:
        gpt.embeddings.create(model="embed-google", input=[1, 2, 3])
    assert caught.value.param == "input"
    raw = gpt.embeddings.with_raw_response.create(model="embed-google-chat", input=[1, 2, 3])
    assert raw.headers["x-penstock-model"] == SMALL, "the other upstream can"


def test_a_route_that_cannot_embed_says_so(gpt: Any, gemini: Any) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        gpt.embeddings.create(model="claude", input="hi")
    assert refused.value.code == "unsupported_by_route"
    with pytest.raises(genai.errors.ClientError):
        gemini.embed_content(model="claude", contents="hi")
    with pytest.raises(openai.AuthenticationError):
        gpt.with_options(api_key="wrong").embeddings.create(model="embed-chat", input="hi")
    with pytest.raises(openai.NotFoundError, match="no route"):
        gpt.embeddings.create(model="nobody", input="hi")


def test_vectors_of_a_model_that_speaks_close_no_way_to_its_answers(
    gateway: RunningGateway, gpt: Any
) -> None:
    """A 404 for vectors is no verdict on an upstream's answers."""
    for _ in range(3):
        with pytest.raises(openai.NotFoundError):
            gpt.embeddings.create(model="chat", input="hi")
    told = gpt.chat.completions.create(model="chat", messages=MESSAGES)
    assert told.choices[0].message.content
    outcomes = [one["outcome"] for one in gateway.records()[-2]["attempts"]]
    assert outcomes == ["not_offered"]
