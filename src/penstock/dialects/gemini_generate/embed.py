"""Embedding at Gemini: ``:embedContent`` for one text, ``:batchEmbedContents`` for several.

    request   {"content": {"parts": [{"text": ...}]}, "outputDimensionality": 8, ...}, or a list of
              those as ``requests``, where each repeats the model
    answer    {"embedding": {"values": [...]}}, or a list of those as ``embeddings``;
              ``usageMetadata`` where the model counts

Each method is a sibling of its own, so that a caller's passes unchanged; what comes from another
dialect is written as a batch. To another dialect goes the text and its dimensions; ``taskType``,
``title`` and what else there is are dropped with notice, and what is no text is refused. The parts
of one content make one vector, as lines of one text: an approximation, with notice.
"""

from typing import Final

import msgspec

from penstock.core.errors import CallerError, DialectError
from penstock.dialects import embedding, json_fields, verdicts
from penstock.dialects.capability import Capability
from penstock.dialects.concepts import Concept, Concepts, Verdict
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.embedding import EmbedAnswer, EmbedRequest, Vector
from penstock.dialects.gemini_generate import errors, place, wire_names
from penstock.dialects.gemini_generate.dialect import GeminiGenerate
from penstock.dialects.message import Answer, Request, Usage

Raw = msgspec.Raw
Fields = dict[str, Raw]
ABSENT: Final = Raw(b"")
ONE: Final = "embedContent"
BATCH: Final = "batchEmbedContents"


class PartFields(msgspec.Struct):
    """A part of what is to be embedded; only text is."""

    text: str | None = None


class ContentFields(msgspec.Struct):
    """What becomes one vector."""

    parts: list[PartFields] | PartFields = []


class EmbedFields(msgspec.Struct, rename="camel"):
    """One request."""

    content: ContentFields | str
    model: str | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None


class VectorFields(msgspec.Struct):
    """One vector."""

    values: list[float]


class UsageFields(msgspec.Struct, rename="camel"):
    """``usageMetadata``."""

    prompt_token_count: int | None = None
    total_token_count: int | None = None


class AnswerFields(msgspec.Struct, rename="camel"):
    """An answer of either method."""

    embedding: Raw = ABSENT
    embeddings: Raw = ABSENT
    usage_metadata: UsageFields | None = None
    error: Raw = ABSENT

    def usage(self) -> Usage:
        """Return the tokens; older models do not tell."""
        figures = self.usage_metadata or UsageFields()
        count = figures.prompt_token_count
        count = figures.total_token_count if count is None else count
        return Usage(input_tokens=count or 0, is_known=count is not None)


C, A, D, R = Verdict.CARRIED, Verdict.APPROXIMATED, Verdict.DROPPED, Verdict.REFUSED
CONCEPTS: Final[dict[str, Concept]] = {
    "model": Concept("models/{model}", C, "In the path, and in each request of a batch."),
    "inputs": Concept("content", C),
    "tokens": Concept("", R, "They mean something to one model only."),
    "parts": Concept("content.parts", A, "They become lines of one text."),
    "media": Concept("content.parts.inlineData", R, "Only text is embedded."),
    "dimensions": Concept("outputDimensionality", C),
    "encoding": Concept("", C, "The gateway packs the vectors."),
    "user": Concept("", D),
    "task_type": Concept("taskType", D),
    "title": Concept("title", D),
}

_ANSWER: Final = msgspec.json.Decoder(AnswerFields)
_REQUESTS: Final = msgspec.json.Decoder(list[EmbedFields])
_LISTED: Final = msgspec.json.Decoder(list[Fields])
_VECTOR: Final = msgspec.json.Decoder(VectorFields)
_VECTORS: Final = msgspec.json.Decoder(list[VectorFields])
_KNOWN: Final = frozenset({"model", "content", "outputDimensionality"})


class GeminiBatchEmbed(GeminiGenerate):
    """A sibling of Gemini that embeds several texts. Without state."""

    name = "gemini_batch_embed"
    concepts: Concepts = CONCEPTS
    method = BATCH

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1beta`` or the like."""
        del is_stream
        return place.method_path(model, self.method)

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs."""
        model = place.read_method_path(path, self.method)
        fields = json_fields.decode(body)
        self._check(fields)
        return Inquiry(model=model, is_stream=False, fields=fields, body=body)

    def forward(
        self,
        inquiry: Inquiry,
        model: str,
        *,
        asks_usage: bool,
        capability: Capability | None = None,
    ) -> bytes:
        """Return the body with another model wherever it names one."""
        del asks_usage, capability
        name = Raw(msgspec.json.encode(place.resource(model)))
        return self._renamed(inquiry, name)

    def survey(self, body: bytes) -> Survey:
        """Look at vectors."""
        answer = _decoded(body)
        if answer.error is not ABSENT and not json_fields.is_empty(answer.error):
            return Survey(Usage(), failure=errors.failure_of_event(answer.error))
        if answer.embedding is ABSENT and answer.embeddings is ABSENT:
            raise DialectError("the answer has no embeddings")
        return Survey(usage=answer.usage())

    def read_request(self, inquiry: Inquiry) -> Request:
        """Read the texts; raises CallerError for what is no text."""
        dropped: dict[str, None] = {}
        try:
            listed = [_camel(one) for one in self._listed(inquiry)]
            for fields in listed:
                dropped |= dict.fromkeys(verdicts.leftovers(CONCEPTS, fields, _KNOWN))
            requests = _REQUESTS.decode(msgspec.json.encode(listed))
        except (*json_fields.MALFORMED, DialectError) as error:
            raise CallerError(f"The request is not understood: {error}.") from error
        sizes = {request.output_dimensionality for request in requests}
        if len(sizes) > 1:
            why = "the upstream takes one for all texts of a request"
            raise verdicts.refusal("requests.outputDimensionality", why)
        return EmbedRequest(
            dialect=self.name,
            concepts=CONCEPTS,
            model=inquiry.model,
            inputs=tuple(_text(request, at, dropped) for at, request in enumerate(requests)),
            dimensions=sizes.pop() if sizes else None,
            dropped=tuple(dropped),
        )

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body of a request from another dialect."""
        del capability
        wanted = embedding.request_of(request)
        shared: dict[str, object] = {"model": place.resource(model)}
        if wanted.dimensions is not None:
            shared["outputDimensionality"] = wanted.dimensions
        listed = [shared | {"content": {"parts": [{"text": text}]}} for text in wanted.inputs]
        user = (verdicts.name_of("user", request.concepts),) if request.user else ()
        return msgspec.json.encode({"requests": listed}), (*request.dropped, *user)

    def read_answer(self, body: bytes) -> Answer:
        """Read vectors."""
        answer = _decoded(body)
        try:
            if answer.embeddings is ABSENT:
                vectors = [_VECTOR.decode(answer.embedding)]
            else:
                vectors = _VECTORS.decode(answer.embeddings)
        except json_fields.MALFORMED as error:
            raise DialectError(f"the answer is malformed: {error}") from error
        values: tuple[Vector, ...] = tuple(tuple(vector.values) for vector in vectors)
        return EmbedAnswer(usage=answer.usage(), vectors=values)

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return vectors from another dialect."""
        del created_unix_s
        made = embedding.answer_of(answer, len(self._listed(inquiry)))
        body = self._vectors([{"values": vector} for vector in made.vectors])
        if made.usage.is_known:
            count = made.usage.input_tokens
            body["usageMetadata"] = {"promptTokenCount": count, "totalTokenCount": count}
        return msgspec.json.encode(body)

    # --- what the method for one text says otherwise

    def _check(self, fields: Fields) -> None:
        requests = fields.get("requests")
        if requests is None or not json_fields.is_list(requests):
            raise DialectError("requests must be a list", param="requests")

    def _listed(self, inquiry: Inquiry) -> list[Fields]:
        try:
            return _LISTED.decode(inquiry.fields["requests"])
        except json_fields.MALFORMED as error:
            raise DialectError(f"requests: {error}", param="requests") from error

    def _renamed(self, inquiry: Inquiry, model: Raw) -> bytes:
        try:
            listed = [one | {"model": model} for one in self._listed(inquiry)]
        except DialectError:
            return inquiry.body  # the upstream will say what is wrong with it
        requests = Raw(msgspec.json.encode(listed))
        return msgspec.json.encode(inquiry.fields | {"requests": requests})

    def _vectors(self, vectors: list[dict[str, Vector]]) -> dict[str, object]:
        return {"embeddings": vectors}


class GeminiEmbed(GeminiBatchEmbed):
    """A sibling of Gemini that embeds one text. Without state."""

    name = "gemini_embed"
    method = ONE

    def _check(self, fields: Fields) -> None:
        if "content" not in fields:
            raise DialectError("content is missing", param="content")

    def _listed(self, inquiry: Inquiry) -> list[Fields]:
        return [inquiry.fields]

    def _renamed(self, inquiry: Inquiry, model: Raw) -> bytes:
        if "model" not in inquiry.fields:
            return inquiry.body
        return msgspec.json.encode(inquiry.fields | {"model": model})

    def _vectors(self, vectors: list[dict[str, Vector]]) -> dict[str, object]:
        return {"embedding": vectors[0]}


def _decoded(body: bytes) -> AnswerFields:
    try:
        return _ANSWER.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error


def _camel(fields: Fields) -> Fields:
    """Return the fields with their names in camel case, as they are read."""
    return {wire_names.camel(name): raw for name, raw in fields.items()}


def _text(request: EmbedFields, at: int, dropped: dict[str, None]) -> str:
    if isinstance(request.content, str):
        return request.content
    parts = request.content.parts
    listed = parts if isinstance(parts, list) else [parts]
    texts = [part.text for part in listed if part.text is not None]
    if len(texts) < len(listed) or not texts:
        raise verdicts.refusal(f"requests[{at}].content.parts", "only text is")
    if len(texts) > 1:
        dropped["content.parts"] = None
    return "\n".join(texts)
