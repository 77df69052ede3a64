"""Embedding in OpenAI's shape: ``POST /v1/embeddings``, at OpenAI itself and at engines.

    request   {"model": ..., "input": "text" | ["text", ...] | tokens, "dimensions": 8,
              "encoding_format": "float" | "base64", "user": ...}
    answer    {"data": [{"index": 0, "embedding": [...] | "base64"}], "usage": ..., ...}

One sibling for both of OpenAI's dialects: the path is the same below either's base URL. Tokens
instead of texts mean something to one model's tokenizer only, so they go to no other dialect. A
vector that comes from one is packed as the caller asked; OpenAI's SDK asks for base64.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError, DialectError
from penstock.core.estimate import tokens
from penstock.dialects import embedding, json_fields, verdicts
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concept, Concepts, Verdict
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.embedding import EmbedAnswer, EmbedRequest, Vector
from penstock.dialects.message import Answer, Request, Usage
from penstock.dialects.openai_chat import errors
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.dialects.openai_chat.embed_fields import (
    ABSENT,
    AnswerFields,
    EmbedFields,
    Raw,
    VectorFields,
)

BASE64: Final = "base64"
ENCODINGS: Final = (None, "float", BASE64)


C, A, D, R = Verdict.CARRIED, Verdict.APPROXIMATED, Verdict.DROPPED, Verdict.REFUSED
CONCEPTS: Final[dict[str, Concept]] = {
    "model": Concept("model", C),
    "inputs": Concept("input", C),
    "tokens": Concept("input (tokens)", R, "They mean something to one model only."),
    "parts": Concept("", A, "They become lines of one text."),
    "media": Concept("", R, "Only text is embedded."),
    "dimensions": Concept("dimensions", C, "One for all texts; else refused."),
    "encoding": Concept("encoding_format", C),
    "user": Concept("user", C),
    "task_type": Concept("", D),
    "title": Concept("", D),
}

_REQUEST: Final = msgspec.json.Decoder(EmbedFields)
_ANSWER: Final = msgspec.json.Decoder(AnswerFields)
_VECTORS: Final = msgspec.json.Decoder(list[VectorFields])
_KNOWN: Final = frozenset({"model", *EmbedFields.__struct_fields__})


class OpenAIEmbeddings(OpenAIChat):
    """A sibling of both of OpenAI's dialects that embeds. Without state."""

    name = "openai_embeddings"
    concepts: Concepts = CONCEPTS

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1`` or the like."""
        del model, is_stream
        return b"/embeddings"

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs."""
        del path
        fields = json_fields.decode(body)
        given = fields.get("input")
        if given is None:
            raise DialectError("input is missing", param="input")
        if not json_fields.is_list(given) and bytes(given)[:1] != b'"':
            raise DialectError("input must be a string or a list", param="input")
        model = json_fields.text(fields, "model")
        return Inquiry(model=model, is_stream=False, fields=fields, body=body)

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body with another model."""
        del asks_usage, capability
        if model == inquiry.model and inquiry.body.count(b'"model"') == 1:
            return inquiry.body
        return msgspec.json.encode(inquiry.fields | {"model": Raw(msgspec.json.encode(model))})

    def survey(self, body: bytes) -> Survey:
        """Look at vectors."""
        answer = _decoded(body)
        if answer.error is not ABSENT and not json_fields.is_empty(answer.error):
            return Survey(Usage(), failure=errors.failure_of_event(answer.error))
        if answer.data is ABSENT or not json_fields.is_list(answer.data):
            raise DialectError("the answer has no data")
        return Survey(usage=answer.counted(), model=answer.model or "")

    def read_request(self, inquiry: Inquiry) -> Request:
        """Read the texts; raises CallerError for tokens."""
        _encoding(inquiry)
        try:
            fields = _REQUEST.decode(inquiry.body)
        except json_fields.MALFORMED as error:
            place = json_fields.place_of(error)
            raise CallerError(f"The request is not understood: {error}.", param=place) from error
        return EmbedRequest(
            dialect=self.name,
            concepts=CONCEPTS,
            model=inquiry.model,
            inputs=_texts(fields.input),
            dimensions=fields.dimensions,
            user=fields.user or "",
            dropped=tuple(verdicts.leftovers(CONCEPTS, inquiry.fields, _KNOWN)),
        )

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body of a request from another dialect."""
        del capability
        wanted = embedding.request_of(request)
        body: dict[str, object] = {"model": model, "input": wanted.inputs}
        if wanted.dimensions is not None:
            body["dimensions"] = wanted.dimensions
        if wanted.user:
            body["user"] = wanted.user
        # The default of all, but an engine may choose otherwise.
        return msgspec.json.encode(body | {"encoding_format": "float"}), request.dropped

    def read_answer(self, body: bytes) -> Answer:
        """Read vectors, in whichever form they come."""
        answer = _decoded(body)
        try:
            listed = sorted(_VECTORS.decode(answer.data), key=lambda one: one.index)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the answer is malformed: {error}") from error
        vectors: tuple[Vector, ...] = tuple(
            embedding.unpacked(each) if isinstance(each, str) else tuple(each)
            for each in (one.embedding for one in listed)
        )
        return EmbedAnswer(model=answer.model or "", usage=answer.counted(), vectors=vectors)

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return vectors from another dialect, packed as the caller wants them."""
        del created_unix_s
        given = inquiry.fields["input"]
        made = embedding.answer_of(answer, len(_texts(_REQUEST.decode(inquiry.body).input)))
        is_packed = _encoding(inquiry) == BASE64
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": embedding.packed(vector) if is_packed else vector,
            }
            for index, vector in enumerate(made.vectors)
        ]
        # The figure is required here; where nobody gave it, it is an estimate.
        known = made.usage.is_known
        count = made.usage.input_tokens if known else tokens(len(memoryview(given)))
        usage = {"prompt_tokens": count, "total_tokens": count}
        model = made.model or inquiry.model
        return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": usage})


def _decoded(body: bytes) -> AnswerFields:
    try:
        return _ANSWER.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error


def _texts(given: str | list[str | int | list[int]]) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    texts = tuple(one for one in given if isinstance(one, str))
    if len(texts) < len(given):
        raise verdicts.refusal("input", "tokens mean something to one model only; send texts")
    return texts


def _encoding(inquiry: Inquiry) -> str | None:
    raw = inquiry.fields.get("encoding_format", Raw(b"null"))
    try:
        encoding = msgspec.json.decode(raw, type=str | None)
    except json_fields.MALFORMED:
        encoding = ""
    if encoding not in ENCODINGS:
        message = "encoding_format must be float or base64."
        raise CallerError(message, param="encoding_format")
    return encoding
