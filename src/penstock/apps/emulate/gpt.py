"""Writing the Chat Completions API, for GPT and for Gemini's compatible endpoint.

Grammar of a stream, without event names: the role; deltas of content or of tool calls, where only
the first of an index has id and name; for each choice a ``finish_reason``; with ``include_usage`` a
chunk without choices that holds it, and ``usage: null`` on all others; ``[DONE]``.
"""

from collections.abc import Iterator
from typing import Any, Final

from penstock.apps.emulate import gpt_error, gpt_request
from penstock.apps.emulate.answer import Answer, Choice, Finish
from penstock.apps.emulate.ask import Ask, Reason, TroubleError
from penstock.apps.emulate.catalogue import GEMINI, GPT, Model, models_of
from penstock.apps.emulate.dialect import (
    Frame,
    FrameKind,
    Query,
    Said,
    any_named,
    bearer,
    encode,
)
from penstock.apps.emulate.gemini_error import error_fields
from penstock.apps.emulate.limits import Gauge, Standing
from penstock.apps.emulate.tools import ToolCall

_FINISH: Final[dict[Finish, str]] = {
    Finish.END: "stop",
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOL: "tool_calls",
    Finish.REFUSED: "content_filter",
}
_DONE: Final = b"data: [DONE]\n\n"
_SECONDS_PER_MIN: Final = 60


class Chat:
    """Chat Completions at GPT."""

    name = "openai_chat"
    provider = GPT

    def authenticate(self, query: Query) -> str:
        """Take a bearer token."""
        credential = bearer(query.headers)
        if not credential:
            raise TroubleError(
                401,
                "You didn't provide an API key. Send it in an Authorization header, as a Bearer"
                " token.",
                reason=Reason.CREDENTIAL,
            )
        return credential

    def look_up(self, query: Query) -> bytes | None:
        """Serve the list of models."""
        if query.path == "/chat/completions" and query.method == "POST":
            return None
        if query.path == "/models" and query.method == "GET":
            models = [_info(model) for model in models_of(self.provider)]
            return encode({"object": "list", "data": models})
        if query.path.startswith("/models/") and query.method == "GET":
            name = query.path.removeprefix("/models/")
            return encode(_info(any_named(self.provider, name)))
        raise TroubleError(404, f"Invalid URL ({query.method} {query.path})", reason=Reason.NO_PATH)

    def read(self, query: Query) -> Ask:
        """Read a request for a completion."""
        return gpt_request.read(query, self.provider)

    def whole(self, said: Said) -> bytes:
        """Return a completion."""
        completion: dict[str, Any] = {
            **_base(said, "chat.completion"),
            "choices": [
                {
                    "index": index,
                    "message": _message(said, choice, index),
                    "logprobs": None,
                    "finish_reason": _FINISH[choice.finish],
                }
                for index, choice in enumerate(said.answer.choices)
            ],
        }
        if said.has_usage:
            completion["usage"] = _usage(said.ask, said.answer)
        return encode(completion)

    def frames(self, said: Said) -> Iterator[Frame]:
        """Yield the chunks of a completion; several choices follow one another."""
        base = encode(_base(said, "chat.completion.chunk"))[:-1] + b',"choices":[{"index":'
        usage = b',"usage":null' if said.ask.includes_usage else b""
        for index, choice in enumerate(said.answer.choices):
            before = base + b'%d,"delta":' % index
            after = b',"logprobs":null,"finish_reason":null}]%b}\n\n' % usage
            role: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
            if choice.calls and not choice.tokens:
                role["content"] = None
            head = b"data: " + before
            yield Frame(FrameKind.STRUCTURE, head + encode(role) + after, choice.hidden_tokens)
            start, tail = head + b'{"content":', b"}" + after
            for token in choice.tokens:
                yield Frame(FrameKind.CONTENT, start + encode(token) + tail, 1)
            for call in choice.calls:
                yield from _call_frames(said, call, index, head, after)
            reason = encode(_FINISH[choice.finish])
            data = b'data: %b{},"logprobs":null,"finish_reason":%b}]%b}\n\n'
            yield Frame(FrameKind.FINISH, data % (before, reason, usage))
        if said.ask.includes_usage and said.has_usage:
            last = {**_base(said, "chat.completion.chunk"), "choices": list[Any](),
                    "usage": _usage(said.ask, said.answer)}  # fmt: skip
            yield Frame(FrameKind.USAGE, b"data: %b\n\n" % encode(last), tells_usage=True)
        yield Frame(FrameKind.CLOSING, _DONE)

    def error(self, trouble: TroubleError, request_id: str) -> bytes:
        """Return the error envelope."""
        del request_id  # in the header only
        return encode({"error": gpt_error.error_fields(trouble)})

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return the same envelope as a chunk."""
        del sent, is_failure
        return b"data: %b\n\n" % self.error(trouble, said.nonce)

    def request_id(self, nonce: str) -> str:
        """Return an id as in the header ``x-request-id``."""
        return f"req_{nonce}"

    def head(self, request_id: str, standing: Standing, now_unix_s: float) -> bytes:
        """Return request id and where the account stands."""
        del now_unix_s  # resets are durations here
        named = {"requests": standing.requests, "tokens": standing.tokens}
        limits = "".join(_limit(name, gauge) for name, gauge in named.items())
        return (
            f"x-request-id: {request_id}\r\nopenai-version: 2020-10-01\r\n"
            f"openai-organization: org-emulated\r\n{limits}"
        ).encode()


class CompatibleChat(Chat):
    """Chat Completions at Gemini: the same answers, Google's errors, no limits in headers."""

    provider = GEMINI

    def error(self, trouble: TroubleError, request_id: str) -> bytes:
        """Return Google's envelope, which comes in a list here."""
        del request_id
        return encode([{"error": error_fields(trouble)}])

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return the envelope as a chunk, without the list."""
        del said, sent, is_failure
        return b"data: %b\n\n" % encode({"error": error_fields(trouble)})

    def request_id(self, nonce: str) -> str:
        """Return an id for the record; Google shows none here."""
        return nonce

    def head(self, request_id: str, standing: Standing, now_unix_s: float) -> bytes:
        """Return nothing: Google names neither."""
        del request_id, standing, now_unix_s
        return b""


def _base(said: Said, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{said.nonce}",
        "object": kind,
        "created": said.created_unix_s,
        "model": said.ask.model.name,
        "service_tier": "default",
        "system_fingerprint": "fp_emulated",
    }


def _message(said: Said, choice: Choice, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text if choice.tokens or not choice.calls else None,
        "refusal": None,
        "annotations": [],
    }
    if choice.calls:
        message["tool_calls"] = [
            {
                "id": _call_id(said, index, call),
                "type": "function",
                "function": {"name": call.name, "arguments": "".join(call.fragments)},
            }
            for call in choice.calls
        ]
    return message


def _call_frames(
    said: Said, call: ToolCall, index: int, before: bytes, after: bytes
) -> Iterator[Frame]:
    """Yield one call: id and name, then its arguments in fragments."""
    first = {
        "index": call.at,
        "id": _call_id(said, index, call),
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    yield Frame(FrameKind.STRUCTURE, before + b'{"tool_calls":[%b]}' % encode(first) + after)
    head = before + b'{"tool_calls":[{"index":%d,"function":{"arguments":' % call.at
    for fragment in call.fragments:
        yield Frame(FrameKind.CONTENT, head + encode(fragment) + b"}}]}" + after, 1)


def _call_id(said: Said, index: int, call: ToolCall) -> str:
    return f"call_{index}{call.at}{said.nonce}"


def _usage(ask: Ask, answer: Answer) -> dict[str, Any]:
    output = answer.output_tokens
    return {
        "prompt_tokens": ask.input_tokens,
        "completion_tokens": output,
        "total_tokens": ask.input_tokens + output,
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(choice.thinking_tokens for choice in answer.choices),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _limit(name: str, gauge: Gauge) -> str:
    prefix = "x-ratelimit"
    return (
        f"{prefix}-limit-{name}: {gauge.limit}\r\n{prefix}-remaining-{name}: {gauge.remaining}\r\n"
        f"{prefix}-reset-{name}: {_duration(gauge.reset_s)}\r\n"
    )


def _duration(seconds: float) -> str:
    """Return a duration as these headers write it: 12ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < _SECONDS_PER_MIN:
        return f"{round(seconds, 3):g}s"
    return f"{int(seconds // _SECONDS_PER_MIN)}m{int(seconds % _SECONDS_PER_MIN)}s"


def _info(model: Model) -> dict[str, Any]:
    owner = "openai" if model.provider == GPT else "google"
    return {
        "id": model.name,
        "object": "model",
        "created": model.created_unix_s,
        "owned_by": owner,
    }
