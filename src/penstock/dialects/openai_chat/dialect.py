"""The OpenAI chat dialect, put together."""

from penstock.core.errors import PenstockError
from penstock.core.limits_seen import LimitsSeen
from penstock.core.outcome import Failure
from penstock.core.standing import Standing
from penstock.dialects import limit_lines, sse
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concepts
from penstock.dialects.contract import AnswerReader, Decoder, Encoder, Headers, Inquiry, Survey
from penstock.dialects.message import Answer, Request
from penstock.dialects.openai_chat import errors, limits, passthrough
from penstock.dialects.openai_chat.answer import (
    ChatDecoder,
    ChatEncoder,
    read_answer,
    write_answer,
)
from penstock.dialects.openai_chat.concepts import CONCEPTS
from penstock.dialects.openai_chat.request import read_request
from penstock.dialects.openai_chat.shorten import shorten
from penstock.dialects.openai_chat.write import TIERS, write_request
from penstock.dialects.service_tier import rewriter


class OpenAIChat:
    """``POST /v1/chat/completions``. Without state: one object serves everybody."""

    name = "openai_chat"
    concepts: Concepts = CONCEPTS
    request_id_header = b"x-request-id"
    keep_alive = b": keepalive\n\n"

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1`` or the like."""
        del model, is_stream
        return b"/chat/completions"

    def auth_headers(self, api_key: str, api_version: str, caller: Headers) -> bytes:
        """Return the credential as a bearer token."""
        del api_version, caller
        return b"authorization: Bearer %b\r\n" % api_key.encode()

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs."""
        del path
        return passthrough.inquire(body)

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body with another model."""
        return passthrough.forward(inquiry, model, asks_usage=asks_usage, capability=capability)

    def comment(self, text: bytes) -> bytes:
        """Return a comment of SSE."""
        return sse.comment(text)

    def shorten(
        self, inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
    ) -> Inquiry:
        """Return what asks for a shorter answer, if it may."""
        return shorten(inquiry, model, capability, output_tokens_cap)

    def relay(self, inquiry: Inquiry) -> AnswerReader:
        """Return a reader that passes chunks on."""
        relay = passthrough.ChatRelay(inquiry)
        relay.rewrite = rewriter(inquiry, TIERS, ())
        return relay

    def retold(self, inquiry: Inquiry, body: bytes) -> bytes:
        """Return a whole answer, saying which tier has served it."""
        rewrite = rewriter(inquiry, TIERS, ())
        return body if rewrite is None else rewrite(body)

    def survey(self, body: bytes) -> Survey:
        """Look at a whole answer."""
        return passthrough.survey(body)

    def read_request(self, inquiry: Inquiry) -> Request:
        """Read the whole request."""
        return read_request(inquiry)

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body of a request from another dialect."""
        return write_request(request, model, capability)

    def read_answer(self, body: bytes) -> Answer:
        """Read a whole answer."""
        return read_answer(body)

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return a whole answer from another dialect."""
        del inquiry
        return write_answer(answer, created_unix_s)

    def decoder(self) -> Decoder:
        """Return a decoder for one stream."""
        return ChatDecoder()

    def encoder(self, inquiry: Inquiry, created_unix_s: int) -> Encoder:
        """Return an encoder for one stream."""
        return ChatEncoder(inquiry, created_unix_s)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Name the failure of an answer whose status is not 200."""
        return errors.classify(status, headers, body)

    def limits_seen(self, headers: Headers, now_unix_s: float) -> LimitsSeen | None:
        """Return what the headers of an answer say of our account's limits."""
        del now_unix_s  # resets are durations
        return limits.limits_seen(headers)

    def status_of(self, error: PenstockError) -> int:
        """Return the HTTP status of an error."""
        return error.status

    def limit_lines(self, standing: Standing, now_unix_s: float) -> bytes:
        """Return OpenAI's rate-limit headers."""
        del now_unix_s
        return limit_lines.openai(standing)

    def error_body(self, error: PenstockError, request_id: str) -> bytes:
        """Return the envelope of an error."""
        del request_id  # stands in a header
        return errors.error_body(error)

    def error_event(self, error: PenstockError, request_id: str) -> bytes:
        """Return the event that ends a broken stream."""
        del request_id
        return errors.error_event(error)
