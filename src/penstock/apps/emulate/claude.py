"""Writing Claude's Messages API: answers, named events, errors, request ids, rate-limit headers.

Grammar of a stream: ``message_start``, then per block ``content_block_start``, its deltas and
``content_block_stop``; a ``ping`` after the first block's start; ``message_delta`` with the stop
reason and the cumulative usage; ``message_stop``.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from penstock.apps.emulate import claude_request
from penstock.apps.emulate.answer import Choice, Finish
from penstock.apps.emulate.ask import Ask, Reason, Thinking, TroubleError, signature
from penstock.apps.emulate.catalogue import CLAUDE, Model, models_of
from penstock.apps.emulate.dialect import (
    Frame,
    FrameKind,
    Query,
    Said,
    bearer,
    encode,
    model_named,
)
from penstock.apps.emulate.limits import Gauge, Standing

_FINISH: Final[dict[Finish, str]] = {
    Finish.END: "end_turn",
    Finish.STOP: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL: "tool_use",
    Finish.REFUSED: "refusal",
}
_ERRORS: Final[dict[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def _event(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name} | fields))


class Claude:
    """The Messages API."""

    name = "anthropic_messages"
    provider = CLAUDE

    def authenticate(self, query: Query) -> str:
        """Take either style of credential; with both, ``x-api-key`` wins."""
        credential = query.headers.get(b"x-api-key", b"").decode("latin-1")
        credential = credential or bearer(query.headers)
        if not credential:
            raise TroubleError(401, "x-api-key header is required", reason=Reason.CREDENTIAL)
        return credential

    def look_up(self, query: Query) -> bytes | None:
        """Serve the list of models and the counting of tokens."""
        if query.path == "/v1/messages" and query.method == "POST":
            return None
        claude_request.version_of(query)
        if query.path == "/v1/messages/count_tokens" and query.method == "POST":
            tokens = claude_request.read(query, is_count=True).input_tokens
            return encode({"input_tokens": tokens})
        if query.path == "/v1/models" and query.method == "GET":
            models = [_info(model) for model in models_of(CLAUDE)]
            ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"]}
            return encode({"data": models, "has_more": False} | ends)
        if query.path.startswith("/v1/models/") and query.method == "GET":
            return encode(_info(model_named(CLAUDE, query.path.removeprefix("/v1/models/"))))
        raise TroubleError(404, "Not Found", reason=Reason.NO_PATH)

    def read(self, query: Query) -> Ask:
        """Read a request for a message."""
        return claude_request.read(query)

    def whole(self, said: Said) -> bytes:
        """Return a message."""
        choice = said.answer.choices[0]
        content: list[dict[str, Any]] = []
        if said.ask.thinking is not Thinking.OFF:
            thought = "".join(choice.thoughts)
            seal = signature(CLAUDE, said.nonce)
            content.append({"type": "thinking", "thinking": thought, "signature": seal})
        if choice.tokens:
            content.append({"type": "text", "text": choice.text})
        content += [
            {"type": "tool_use", "id": _call_id(said, call.at), "name": call.name,
             "input": call.arguments}
            for call in choice.calls
        ]  # fmt: skip
        message: dict[str, Any] = {**self._message(said), **_stop(choice), "content": content}
        usage: dict[str, Any] = message.pop("usage")
        if said.has_usage:
            message["usage"] = usage | _output(choice)
        return encode(message)

    def frames(self, said: Said) -> Iterator[Frame]:
        """Yield the events of a message."""
        choice = said.answer.choices[0]
        yield Frame(FrameKind.STRUCTURE, _event("message_start", {"message": self._message(said)}))
        is_first = True
        for index, (block, deltas) in enumerate(_blocks(said, choice)):
            start = _event("content_block_start", {"index": index, "content_block": block})
            yield Frame(FrameKind.STRUCTURE, start + _PING if is_first else start)
            is_first = False
            before = (
                b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
                b'"delta":' % index
            )
            for kind, field, texts, tokens in deltas:
                head = before + b'{"type":"%b","%b":' % (kind, field)
                for text in texts:
                    yield Frame(FrameKind.CONTENT, head + encode(text) + b"}}\n\n", tokens)
            stop = b'{"type":"content_block_stop","index":%d}' % index
            yield Frame(FrameKind.STRUCTURE, b"event: content_block_stop\ndata: %b\n\n" % stop)
        ending: dict[str, Any] = {"delta": _stop(choice)}
        if said.has_usage:
            ending["usage"] = _input(said.ask) | _output(choice)
        yield Frame(FrameKind.FINISH, _event("message_delta", ending), tells_usage=said.has_usage)
        yield Frame(FrameKind.CLOSING, _STOP)

    def error(self, trouble: TroubleError, request_id: str) -> bytes:
        """Return the error envelope."""
        error: dict[str, Any] = {
            "type": _ERRORS.get(trouble.status, "api_error"),
            "message": trouble.message,
        }
        if trouble.reason is Reason.SPENT:
            error["details"] = {"error_code": "enforced_spend_limit_reached"}
        return encode({"type": "error", "error": error, "request_id": request_id})

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return the same envelope as an event."""
        del sent, is_failure
        return b"event: error\ndata: %b\n\n" % self.error(trouble, self.request_id(said.nonce))

    def request_id(self, nonce: str) -> str:
        """Return an id as in the header ``request-id``."""
        return f"req_01{nonce}"

    def head(self, request_id: str, standing: Standing, now_unix_s: float) -> bytes:
        """Return request id, organisation and where the account stands."""
        now = datetime.fromtimestamp(now_unix_s, UTC)
        requests, tokens = standing.requests, standing.tokens
        named = {"requests": requests, "tokens": tokens, "input-tokens": tokens,
                 "output-tokens": tokens}  # fmt: skip
        limits = "".join(_limit(name, gauge, now) for name, gauge in named.items())
        return (
            f"request-id: {request_id}\r\nanthropic-organization-id: org_emulated\r\n{limits}"
        ).encode()

    @staticmethod
    def _message(said: Said) -> dict[str, Any]:
        return {
            "id": f"msg_01{said.nonce}",
            "type": "message",
            "role": "assistant",
            "model": said.ask.model.name,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _input(said.ask)
            | {
                "output_tokens": 1,
                "service_tier": "standard",
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            },
        }


_Deltas = Sequence[tuple[bytes, bytes, Sequence[str], int]]


def _blocks(said: Said, choice: Choice) -> Iterator[tuple[dict[str, Any], _Deltas]]:
    """Yield each block as it starts, with its deltas: type, field, texts, tokens of each."""
    if said.ask.thinking is not Thinking.OFF:
        seal = (
            b"signature_delta",
            b"signature",
            [signature(CLAUDE, said.nonce)],
            choice.hidden_tokens,
        )
        thought = (b"thinking_delta", b"thinking", choice.thoughts, 1)
        deltas = [thought, seal] if choice.thoughts else [seal]
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if choice.tokens:
        yield {"type": "text", "text": ""}, [(b"text_delta", b"text", choice.tokens, 1)]
    for call in choice.calls:
        start: dict[str, Any] = {
            "type": "tool_use",
            "id": _call_id(said, call.at),
            "name": call.name,
            "input": {},
        }
        yield start, [(b"input_json_delta", b"partial_json", call.fragments, 1)]


def _call_id(said: Said, at: int) -> str:
    return f"toolu_{at + 1:02}{said.nonce}"


def _stop(choice: Choice) -> dict[str, Any]:
    stop: dict[str, Any] = {
        "stop_reason": _FINISH[choice.finish],
        "stop_sequence": choice.stop_sequence,
    }
    if choice.finish is Finish.REFUSED:
        stop["stop_details"] = {
            "type": "refusal",
            "category": "general_harms",
            "explanation": "The emulator was told to refuse.",
        }
    return stop


def _input(ask: Ask) -> dict[str, Any]:
    return {
        "input_tokens": ask.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def _output(choice: Choice) -> dict[str, Any]:
    return {
        "output_tokens": choice.output_tokens,
        "output_tokens_details": {"thinking_tokens": choice.thinking_tokens},
    }


def _limit(name: str, gauge: Gauge, now: datetime) -> str:
    reset = (now + timedelta(seconds=gauge.reset_s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    prefix = f"anthropic-ratelimit-{name}"
    return (
        f"{prefix}-limit: {gauge.limit}\r\n{prefix}-remaining: {gauge.remaining}\r\n"
        f"{prefix}-reset: {reset}\r\n"
    )


def _info(model: Model) -> dict[str, Any]:
    created = datetime.fromtimestamp(model.created_unix_s, UTC)
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.title,
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "lifecycle": "active",
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.output_tokens_max,
    }
