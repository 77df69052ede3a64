"""Counting tokens at Gemini: ``POST /models/{model}:countTokens``.

request   {"contents": [...]}, or a whole request with tools and instructions as
          {"generateContentRequest": {"model": "models/...", ...}}: so we write it
answer    {"totalTokens": 12}
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import counting, json_fields
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.gemini_generate import errors, passthrough, place
from penstock.dialects.gemini_generate.dialect import GeminiGenerate
from penstock.dialects.message import Answer, Request

Raw = msgspec.Raw
COUNT: Final = "totalTokens"
METHOD: Final = "countTokens"
WHOLE_REQUEST: Final = ("generateContentRequest", "generate_content_request")
FIELDS: Final = frozenset(
    {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"}
)


class GeminiCount(GeminiGenerate):
    """A sibling of Gemini that counts. Without state."""

    name = "gemini_count_tokens"

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1beta`` or the like."""
        del is_stream
        return place.method_path(model, METHOD)

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs, of the whole request if there is one inside."""
        model = place.read_method_path(path, METHOD)
        inquiry = passthrough.inquire(_inner(body), place.path_of(model, is_stream=False))
        return inquiry.saying(inquiry.fields, body)

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body with another model, where it names one."""
        del asks_usage, capability
        fields = json_fields.decode(inquiry.body)
        named = next((name for name in WHOLE_REQUEST if name in fields), "")
        if not named:
            return passthrough.forward(inquiry)
        inner = json_fields.decode(bytes(fields[named]))
        name = {"model": Raw(msgspec.json.encode(place.resource(model)))}
        whole = Raw(msgspec.json.encode(inner | name))
        kept = {field: raw for field, raw in fields.items() if field != "model"}
        return msgspec.json.encode(kept | {named: whole})

    def survey(self, body: bytes) -> Survey:
        """Look at a count: it uses nothing."""
        return counting.survey(body, COUNT, errors.failure_of_event)

    def read_request(self, inquiry: Inquiry) -> Request:
        """Read the whole request, or the conversation alone."""
        try:
            body = _inner(inquiry.body)
        except DialectError as error:
            raise CallerError(error.message, param=error.param) from error
        fields = {name: raw for name, raw in inquiry.fields.items() if name != "model"}
        return super().read_request(inquiry.saying(fields, body))

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body of a request from another dialect, as far as it is counted."""
        body, dropped = super().write_request(request, model, capability)
        whole: dict[str, object] = {"model": place.resource(model)}
        whole |= json_fields.decode(counting.only(body, FIELDS))
        return msgspec.json.encode({WHOLE_REQUEST[0]: whole}), dropped

    def read_answer(self, body: bytes) -> Answer:
        """Read a count."""
        return counting.read(body, COUNT)

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return a count from another dialect."""
        del inquiry, created_unix_s
        return msgspec.json.encode({COUNT: answer.usage.input_tokens})


def _inner(body: bytes) -> bytes:
    """Return the whole request that stands in a count, else the count itself."""
    fields = json_fields.decode(body)
    named = next((fields[name] for name in WHOLE_REQUEST if name in fields), None)
    return body if named is None or json_fields.is_empty(named) else bytes(named)
