"""Which dialect a path belongs to, and whose key it carries."""

import pytest
from tests.wire.loopback import QueueLoop, Recorder

from penstock.apps.gateway import endpoints
from penstock.config.model import ServerLimits
from penstock.core.errors import CallerError
from penstock.wire.call import Call
from penstock.wire.server import Server, ServerConnection


def call(url: str, **headers: str) -> Call:
    made = Call(ServerConnection(Server(QueueLoop(), Recorder(), ServerLimits())))
    target, _, query = url.encode().partition(b"?")
    made.target, made.query = target, query
    made.headers = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
    return made


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/v1/chat/completions", "openai_chat"),
        ("/openai/v1/chat/completions", "openai_chat"),
        ("/openai/chat/completions", "openai_chat"),
        ("/v1/responses", "openai_responses"),
        ("/openai/v1/responses", "openai_responses"),
        ("/v1/messages?beta=true", "anthropic_messages"),
        ("/anthropic/v1/messages", "anthropic_messages"),
        ("/v1/models/m:generateContent", "gemini_generate"),
        ("/v1beta/models/m:generateContent?key=k", "gemini_generate"),
        ("/genai/v1beta/models/a%2Fb:streamGenerateContent?alt=sse", "gemini_generate"),
        ("/v1beta/models/m:streamGenerateContent?key=k&alt=sse", "gemini_generate"),
        ("/v1/messages/count_tokens?beta=true", "anthropic_count_tokens"),
        ("/anthropic/v1/messages/count_tokens", "anthropic_count_tokens"),
        ("/anthropic/messages/count_tokens", "anthropic_count_tokens"),
        ("/v1/responses/input_tokens", "openai_input_tokens"),
        ("/openai/v1/responses/input_tokens", "openai_input_tokens"),
        ("/openai/responses/input_tokens", "openai_input_tokens"),
        ("/v1/embeddings", "openai_embeddings"),
        ("/openai/v1/embeddings", "openai_embeddings"),
        ("/openai/embeddings", "openai_embeddings"),
        ("/v1/models/m:countTokens", "gemini_count_tokens"),
        ("/genai/v1beta/tunedModels/m:countTokens", "gemini_count_tokens"),
        ("/v1beta/models/m:embedContent?key=k", "gemini_embed"),
        ("/genai/v1/models/m:batchEmbedContents", "gemini_batch_embed"),
    ],
)
def test_a_path_names_its_dialect(url: str, name: str) -> None:
    found = endpoints.endpoint_of(call(url))
    assert found is not None
    assert found.dialect.name == name
    # An upstream of the same dialect is asked in the same words: the bytes pass.
    speakers = found.speakers
    assert speakers is None or found.dialect in speakers.values()


@pytest.mark.parametrize(
    "url",
    [
        "/", "/v1", "/v1/chat/completions/", "/chat/completions", "/genai/v1/messages",
        "/v1/models/m", "/v1beta/models/a/b:generateContent", "/v2/models/m:generateContent",
        "/v1beta/models/:generateContent", "/anthropic/v1/chat/completions",
        "/v1beta/models/m:generateContentX", "/v1/count_tokens", "/openai/v1/messages/count_tokens",
        "/v1/responses/input_tokens/", "/v1/models/m:embed", "/embeddings",
    ],
)  # fmt: skip
def test_nothing_else_is_an_endpoint(url: str) -> None:
    assert endpoints.endpoint_of(call(url)) is None


def test_a_stream_that_is_no_event_stream_is_refused_with_the_remedy() -> None:
    with pytest.raises(CallerError, match="alt=sse"):
        endpoints.endpoint_of(call("/v1beta/models/m:streamGenerateContent"))


@pytest.mark.parametrize(
    ("url", "headers", "name", "wanted"),
    [
        ("/v1/models", {}, "openai_chat", ""),
        ("/v1/models/gpt", {}, "openai_chat", "gpt"),
        ("/openai/models", {}, "openai_chat", ""),
        ("/v1/models", {"anthropic_version": "2023-06-01"}, "anthropic_messages", ""),
        ("/anthropic/v1/models/a%2Fb", {}, "anthropic_messages", "a/b"),
        ("/v1beta/models", {}, "gemini_generate", ""),
        ("/v1/models", {"x_goog_api_key": "k"}, "gemini_generate", ""),
        ("/genai/v1/models/m", {}, "gemini_generate", "m"),
    ],
)
def test_a_list_of_models_is_in_the_shape_of_who_asks(
    url: str, headers: dict[str, str], name: str, wanted: str
) -> None:
    found = endpoints.listing_of(call(url, **headers))
    assert found is not None
    assert (found[0].name, found[1]) == (name, wanted)


def test_a_path_without_a_version_is_no_list() -> None:
    assert endpoints.listing_of(call("/models")) is None


@pytest.mark.parametrize(
    ("url", "headers", "secret"),
    [
        ("/", {"authorization": "Bearer  a "}, b"a"),
        ("/", {"authorization": "bearer a"}, b"a"),
        ("/", {"authorization": "Basic a"}, b""),
        ("/", {"x_api_key": " b ", "authorization": "Bearer a"}, b"b"),
        ("/", {"x_goog_api_key": "c"}, b"c"),
        ("/?key=d%20e&x=1", {}, b"d e"),
        ("/?monkey=d", {}, b""),
        ("/", {}, b""),
    ],
)
def test_where_a_key_is_found(url: str, headers: dict[str, str], secret: bytes) -> None:
    assert endpoints.secret_of(call(url, **headers)) == secret


@pytest.mark.parametrize(
    ("url", "headers", "name"),
    [
        ("/v1/responses", {"anthropic_version": "1"}, "openai_responses"),
        ("/v1beta/nothing", {}, "gemini_generate"),
        ("/nothing", {"anthropic_version": "1"}, "anthropic_messages"),
        ("/anthropic/nothing", {}, "anthropic_messages"),
        ("/v1/models/m:streamGenerateContent", {}, "gemini_generate"),
        ("/nothing", {}, "openai_chat"),
    ],
)
def test_an_error_is_told_in_the_words_of_who_asks(
    url: str, headers: dict[str, str], name: str
) -> None:
    assert endpoints.speaker_of(call(url, **headers)).name == name
