"""The Anthropic Messages dialect, put together."""

from typing import Final

from penstock.core.errors import PenstockError
from penstock.core.limits_seen import LimitsSeen
from penstock.core.outcome import Failure
from penstock.core.standing import Standing
from penstock.dialects import limit_lines, sse
from penstock.dialects.anthropic_messages import errors, limits, passthrough
from penstock.dialects.anthropic_messages.answer import (
    MessagesDecoder,
    MessagesEncoder,
    read_answer,
    write_answer,
)
from penstock.dialects.anthropic_messages.concepts import CONCEPTS
from penstock.dialects.anthropic_messages.request import read_request
from penstock.dialects.anthropic_messages.shorten import shorten
from penstock.dialects.anthropic_messages.write import write_request
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concepts
from penstock.dialects.contract import AnswerReader, Decoder, Encoder, Headers, Inquiry, Survey
from penstock.dialects.message import Answer, Request
from penstock.dialects.service_tier import rewriter

# What callers sent before versions had a choice; the newer one refuses more (DIALECTS 1).
DEFAULT_VERSION: Final = b"2023-06-01"


class AnthropicMessages:
    """``POST /v1/messages``. Without state: one object serves everybody."""

    name = "anthropic_messages"
    concepts: Concepts = CONCEPTS
    request_id_header = b"request-id"
    keep_alive = b'event: ping\ndata: {"type": "ping"}\n\n'

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that has no ``/v1``."""
        del model, is_stream
        return b"/v1/messages"

    def auth_headers(self, api_key: str, api_version: str, caller: Headers) -> bytes:
        """Return the credential, the version and the caller's betas.

        The version is the upstream's pinned one, else the caller's own.
        """
        version = api_version.encode() or caller.get(b"anthropic-version") or DEFAULT_VERSION
        lines = b"x-api-key: %b\r\nanthropic-version: %b\r\n" % (api_key.encode(), version)
        betas = caller.get(b"anthropic-beta")
        return lines + b"anthropic-beta: %b\r\n" % betas if betas else lines

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
        del capability
        return passthrough.forward(inquiry, model, asks_usage=asks_usage)

    def comment(self, text: bytes) -> bytes:
        """Return a comment of SSE."""
        return sse.comment(text)

    def shorten(
        self, inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
    ) -> Inquiry:
        """Return what asks for a shorter answer, if it may."""
        return shorten(inquiry, model, capability, output_tokens_cap)

    def relay(self, inquiry: Inquiry) -> AnswerReader:
        """Return a reader that passes events on."""
        relay = passthrough.MessagesRelay()
        relay.rewrite = rewriter(inquiry, passthrough.TOLD, ("message", "usage"))
        return relay

    def retold(self, inquiry: Inquiry, body: bytes) -> bytes:
        """Return a whole answer, saying which tier has served it."""
        rewrite = rewriter(inquiry, passthrough.TOLD, ("usage",))
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
        del created_unix_s, inquiry
        return write_answer(answer)

    def decoder(self) -> Decoder:
        """Return a decoder for one stream."""
        return MessagesDecoder()

    def encoder(self, inquiry: Inquiry, created_unix_s: int) -> Encoder:
        """Return an encoder for one stream."""
        return MessagesEncoder(inquiry, created_unix_s)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Name the failure of an answer whose status is not 200."""
        return errors.classify(status, headers, body)

    def limits_seen(self, headers: Headers, now_unix_s: float) -> LimitsSeen | None:
        """Return what the headers of an answer say of our account's limits."""
        return limits.limits_seen(headers, now_unix_s)

    def status_of(self, error: PenstockError) -> int:
        """Return the HTTP status of an error."""
        return errors.status_of(error)

    def limit_lines(self, standing: Standing, now_unix_s: float) -> bytes:
        """Return Anthropic's rate-limit headers."""
        return limit_lines.anthropic(standing, now_unix_s)

    def error_body(self, error: PenstockError, request_id: str) -> bytes:
        """Return the envelope of an error."""
        return errors.error_body(error, request_id)

    def error_event(self, error: PenstockError, request_id: str) -> bytes:
        """Return the event that ends a broken stream."""
        return errors.error_event(error, request_id)
