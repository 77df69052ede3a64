"""Gemini's embedContent and batchEmbedContents."""

from typing import Any, Final

import msgspec

from penstock.apps.emulate.ask import Ask, Embed, TroubleError
from penstock.apps.emulate.catalogue import GEMINI, Model
from penstock.apps.emulate.dialect import Said, embedder_named, encode, parse
from penstock.apps.emulate.embed_limits import check_inputs, dimensions_of
from penstock.apps.emulate.gemini_request import Content
from penstock.apps.emulate.usage import tokens_in

INPUTS_MAX: Final = 100


class EmbedRequest(msgspec.Struct, rename="camel"):
    """One text to embed; the model's name stands in each of a batch too."""

    content: Content
    model: str | None = None
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None


class BatchRequest(msgspec.Struct):
    """Several texts."""

    requests: list[EmbedRequest] = []


def read(body: bytes, name: str, *, is_batch: bool) -> Ask:
    """Read a request."""
    model = embedder_named(GEMINI, name)
    requests = parse(body, BatchRequest).requests if is_batch else [parse(body, EmbedRequest)]
    texts = [_text(request, at, model) for at, request in enumerate(requests)]
    tokens = [tokens_in(text) for text in texts]
    check_inputs(model, tokens, INPUTS_MAX, "requests" if is_batch else "content")
    wanted = requests[0].output_dimensionality
    if any(request.output_dimensionality != wanted for request in requests):
        raise TroubleError(400, "requests: outputDimensionality must be the same in all of them")
    return Ask(
        model=model,
        turns=(),
        input_tokens=sum(tokens),
        output_tokens_max=0,
        embed=Embed(
            texts=tuple(texts),
            dimensions=dimensions_of(model, wanted, "outputDimensionality"),
            is_batch=is_batch,
        ),
    )


def whole(said: Said, embed: Embed) -> bytes:
    """Return the vectors as the API sends them."""
    values = [{"values": vector} for vector in said.answer.vectors]
    body: dict[str, Any] = {"embeddings": values} if embed.is_batch else {"embedding": values[0]}
    if said.has_usage:
        tokens = said.ask.input_tokens
        body["usageMetadata"] = {"promptTokenCount": tokens, "totalTokenCount": tokens}
    return encode(body)


def _text(request: EmbedRequest, at: int, model: Model) -> str:
    if request.model not in {None, f"models/{model.name}"}:
        raise TroubleError(400, f"requests[{at}].model: must be models/{model.name}")
    return "\n".join(part.text for part in request.content.parts if part.text)
