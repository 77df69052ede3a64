"""The Gemini dialect, put together."""

from penstock.core.errors import PenstockError
from penstock.core.limits_seen import LimitsSeen
from penstock.core.outcome import Failure
from penstock.core.standing import Standing
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concepts
from penstock.dialects.contract import AnswerReader, Decoder, Encoder, Headers, Inquiry, Survey
from penstock.dialects.gemini_generate import errors, passthrough, place
from penstock.dialects.gemini_generate.answer import (
    GenerateDecoder,
    GenerateEncoder,
    read_answer,
    write_answer,
)
from penstock.dialects.gemini_generate.concepts import CONCEPTS
from penstock.dialects.gemini_generate.request import read_request, write_request
from penstock.dialects.gemini_generate.shorten import shorten
from penstock.dialects.message import Answer, Request


class GeminiGenerate:
    """``POST /models/{model}:generateContent``. Without state: one object serves everybody."""

    name = "gemini_generate"
    concepts: Concepts = CONCEPTS
    request_id_header = b"x-request-id"  # Google's clients look for none
    keep_alive = b"\r\n"

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1beta`` or the like."""
        return place.path_of(model, is_stream=is_stream)

    def auth_headers(self, api_key: str, api_version: str, caller: Headers) -> bytes:
        """Return the credential."""
        del api_version, caller
        return b"x-goog-api-key: %b\r\n" % api_key.encode()

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs; the model stands in the path."""
        return passthrough.inquire(body, path)

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body: the model stands in the path, and usage comes unasked."""
        del model, asks_usage, capability
        return passthrough.forward(inquiry)

    def comment(self, text: bytes) -> bytes:
        """Return an empty line: Google's SDK dies of comments."""
        del text
        return self.keep_alive

    def shorten(
        self, inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
    ) -> Inquiry:
        """Return what asks for a shorter answer, if it may."""
        return shorten(inquiry, model, capability, output_tokens_cap)

    def relay(self, inquiry: Inquiry) -> AnswerReader:
        """Return a reader that passes chunks on."""
        return passthrough.GenerateRelay(inquiry)

    def retold(self, inquiry: Inquiry, body: bytes) -> bytes:
        """Return a whole answer as it is: a header tells the tier."""
        del inquiry
        return body

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
        del created_unix_s
        return write_answer(answer, inquiry)

    def decoder(self) -> Decoder:
        """Return a decoder for one stream."""
        return GenerateDecoder()

    def encoder(self, inquiry: Inquiry, created_unix_s: int) -> Encoder:
        """Return an encoder for one stream."""
        return GenerateEncoder(inquiry, created_unix_s)

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Name the failure of an answer whose status is not 200."""
        return errors.classify(status, headers, body)

    def limits_seen(self, headers: Headers, now_unix_s: float) -> LimitsSeen | None:
        """Return nothing: Google sends no such headers."""
        del headers, now_unix_s
        return None

    def status_of(self, error: PenstockError) -> int:
        """Return the HTTP status of an error."""
        return error.status

    def limit_lines(self, standing: Standing, now_unix_s: float) -> bytes:
        """Return nothing: Google's API has no such headers."""
        del standing, now_unix_s
        return b""

    def error_body(self, error: PenstockError, request_id: str) -> bytes:
        """Return the envelope of an error."""
        return errors.error_body(error, request_id)

    def error_event(self, error: PenstockError, request_id: str) -> bytes:
        """Return the event that ends a broken stream."""
        return errors.error_event(error, request_id)
