"""Writing Gemini's generateContent: answers, chunks, errors.

Grammar of a stream: ``data: {...}`` and an empty line, ended by CRLF; no names, no terminator. Each
chunk is a whole response with the usage so far; the last has the ``finishReason``. A function call
comes whole in one chunk, with a thought signature on the first of a turn.
"""

from collections.abc import Iterator
from typing import Any, Final

from penstock.apps.emulate import gemini_embed, gemini_request
from penstock.apps.emulate.answer import Choice, Finish
from penstock.apps.emulate.ask import Ask, Reason, TroubleError, signature
from penstock.apps.emulate.catalogue import GEMINI, Model, models_of
from penstock.apps.emulate.dialect import (
    Frame,
    FrameKind,
    Query,
    Said,
    any_named,
    encode,
    model_named,
)
from penstock.apps.emulate.gemini_error import error_fields
from penstock.apps.emulate.limits import Standing

_FINISH: Final[dict[Finish, str]] = {
    Finish.END: "STOP",
    Finish.STOP: "STOP",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL: "STOP",
    Finish.REFUSED: "SAFETY",
}
_VERSIONS: Final = ("/v1beta/", "/v1/", "/v1beta1/")
_GENERATE: Final = "generateContent"
_STREAM: Final = "streamGenerateContent"
_COUNT: Final = "countTokens"
_EMBED: Final = "embedContent"
_EMBED_BATCH: Final = "batchEmbedContents"
_ANSWERED: Final = frozenset((_GENERATE, _STREAM, _EMBED, _EMBED_BATCH))


class Gemini:
    """The native API."""

    name = "gemini_generate"
    provider = GEMINI

    def authenticate(self, query: Query) -> str:
        """Take a key from the header or, as Google allows, from the address."""
        key = query.headers.get(b"x-goog-api-key", b"").decode("latin-1")
        key = key or query.parameters.get("key", "")
        if not key:
            raise TroubleError(
                401,
                "Method doesn't allow unregistered callers. Send an API key in x-goog-api-key.",
                reason=Reason.CREDENTIAL,
            )
        return key

    def look_up(self, query: Query) -> bytes | None:
        """Serve the list of models and the counting of tokens."""
        name, method = _target(query)
        if query.method == "POST" and method in _ANSWERED:
            return None
        if query.method == "POST" and method == _COUNT:
            model_named(GEMINI, name)
            return encode({"totalTokens": gemini_request.count(query.body)})
        if query.method == "GET" and not method:
            if name:
                return encode(_info(any_named(GEMINI, name)))
            return encode({"models": [_info(model) for model in models_of(GEMINI)]})
        raise TroubleError(404, "Requested entity was not found.", reason=Reason.NO_PATH)

    def read(self, query: Query) -> Ask:
        """Read a request for content."""
        name, method = _target(query)
        if method in {_EMBED, _EMBED_BATCH}:
            return gemini_embed.read(query.body, name, is_batch=method == _EMBED_BATCH)
        model = model_named(GEMINI, name)
        is_stream = method == _STREAM
        if is_stream and query.parameters.get("alt") != "sse":
            raise TroubleError(400, "streamGenerateContent is emulated with alt=sse only")
        return gemini_request.read(query.body, model, is_stream=is_stream)

    def whole(self, said: Said) -> bytes:
        """Return a response."""
        if said.ask.embed is not None:
            return gemini_embed.whole(said, said.ask.embed)
        candidates = [
            {
                "content": {"role": "model", "parts": _parts(said, choice)},
                "finishReason": _FINISH[choice.finish],
                "index": index,
            }
            for index, choice in enumerate(said.answer.choices)
        ]
        response: dict[str, Any] = {"candidates": candidates, **_base(said)}
        if said.has_usage:
            response["usageMetadata"] = _usage(said, None)
        return encode(response)

    def frames(self, said: Said) -> Iterator[Frame]:
        """Yield the chunks of a response; several candidates follow one another."""
        tail = b"," + encode(_base(said))[1:-1]
        thoughts = sum(choice.thinking_tokens for choice in said.answer.choices)
        usage_of = _usage_template(said.ask.input_tokens, thoughts)
        count = 0
        for index, choice in enumerate(said.answer.choices):
            place = b'],"role":"model"},"index":%d}]' % index
            for part, tokens in _streamed(said, choice):
                count += 0 if part.startswith(b'{"thought":true') else tokens
                usage = usage_of % (count, said.ask.input_tokens + thoughts + count)
                body = b"".join((part, place, tail, usage if said.has_usage else b""))
                data = b'data: {"candidates":[{"content":{"parts":[%b}\r\n\r\n' % body
                yield Frame(FrameKind.CONTENT, data, tokens)
            last: dict[str, Any] = {
                "candidates": [
                    {
                        "content": {"parts": [{"text": ""}], "role": "model"},
                        "finishReason": _FINISH[choice.finish],
                        "index": index,
                    }
                ],
                **_base(said),
            }
            if said.has_usage:
                last["usageMetadata"] = _usage(said, count)
            yield Frame(
                FrameKind.FINISH,
                b"data: %b\r\n\r\n" % encode(last),
                choice.hidden_tokens,
                tells_usage=said.has_usage,
            )

    def error(self, trouble: TroubleError, request_id: str) -> bytes:
        """Return the error envelope."""
        del request_id
        return encode({"error": error_fields(trouble)})

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return the same envelope as a chunk."""
        del sent, is_failure
        return b"data: %b\r\n\r\n" % self.error(trouble, said.nonce)

    def request_id(self, nonce: str) -> str:
        """Return an id as in ``responseId``."""
        return nonce

    def head(self, request_id: str, standing: Standing, now_unix_s: float) -> bytes:
        """Return nothing of worth: Google names neither id nor limits here."""
        del request_id, standing, now_unix_s
        return b"server: scaffolding on HTTPServer2\r\n"


def _target(query: Query) -> tuple[str, str]:
    """Return model and method of a path, both empty for the list."""
    for version in _VERSIONS:
        if query.path.startswith(version + "models"):
            name, _, method = query.path.removeprefix(version + "models").strip("/").partition(":")
            return name, method
    raise TroubleError(404, "Requested entity was not found.", reason=Reason.NO_PATH)


def _base(said: Said) -> dict[str, Any]:
    return {"modelVersion": said.ask.model.name, "responseId": said.nonce}


def _usage(said: Said, output: int | None) -> dict[str, Any]:
    """Return the usage when so many tokens of candidates are out; all of them if not given."""
    thoughts = sum(choice.thinking_tokens for choice in said.answer.choices)
    spoken = said.answer.output_tokens - thoughts if output is None else output
    usage = {
        "promptTokenCount": said.ask.input_tokens,
        "candidatesTokenCount": spoken,
        "totalTokenCount": said.ask.input_tokens + spoken + thoughts,
    }
    return usage | ({"thoughtsTokenCount": thoughts} if thoughts else {})


def _usage_template(input_tokens: int, thoughts: int) -> bytes:
    """Return the usage of a chunk, open for tokens of candidates and in total."""
    usage = {"promptTokenCount": input_tokens}
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    changing = b',"candidatesTokenCount":%d,"totalTokenCount":%d}'
    return b',"usageMetadata":' + encode(usage)[:-1] + changing


def _parts(said: Said, choice: Choice) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if choice.thoughts:
        parts.append({"thought": True, "text": "".join(choice.thoughts)})
    if choice.tokens:
        parts.append({"text": choice.text})
    return parts + [_call(said, choice, at) for at in range(len(choice.calls))]


def _streamed(said: Said, choice: Choice) -> Iterator[tuple[bytes, int]]:
    """Yield each part of a stream with its tokens."""
    for thought in choice.thoughts:
        yield b'{"thought":true,"text":' + encode(thought) + b"}", 1
    for token in choice.tokens:
        yield b'{"text":' + encode(token) + b"}", 1
    for at, call in enumerate(choice.calls):
        yield encode(_call(said, choice, at)), len(call.fragments)


def _call(said: Said, choice: Choice, at: int) -> dict[str, Any]:
    call = choice.calls[at]
    part: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments}}
    if not at:  # of parallel calls only the first is signed
        part["thoughtSignature"] = signature(GEMINI, said.nonce)
    return part


def _info(model: Model) -> dict[str, Any]:
    methods = [_EMBED, _EMBED_BATCH] if model.dimensions_max else [_GENERATE, _STREAM, _COUNT]
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.title,
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.output_tokens_max,
        "supportedGenerationMethods": methods,
    }
