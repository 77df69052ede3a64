"""OpenAI's embeddings, for GPT and for Gemini's compatible endpoint."""

from typing import Any, Final

import msgspec

from penstock.apps.emulate.ask import Ask, Embed, Reason, TroubleError
from penstock.apps.emulate.dialect import Query, Said, embedder_named, encode, parse
from penstock.apps.emulate.embed_limits import check_inputs, dimensions_of
from penstock.apps.emulate.gpt import Chat, CompatibleChat
from penstock.apps.emulate.usage import tokens_in
from penstock.apps.emulate.vectors import in_base64

INPUTS_MAX: Final = 2_048


class EmbedRequest(msgspec.Struct):
    """The body of a request; tokens stand for a text."""

    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None


class Embeddings(Chat):
    """Embeddings at GPT."""

    name = "openai_embeddings"

    def look_up(self, query: Query) -> bytes | None:
        """Serve nothing else."""
        return _look_up(query)

    def read(self, query: Query) -> Ask:
        """Read a request for embeddings."""
        return read(query, self.provider)

    def whole(self, said: Said) -> bytes:
        """Return the vectors."""
        return whole(said)


class CompatibleEmbeddings(CompatibleChat):
    """Embeddings at Gemini's compatible endpoint: the same, with Google's errors."""

    name = "openai_embeddings"

    def look_up(self, query: Query) -> bytes | None:
        """Serve nothing else."""
        return _look_up(query)

    def read(self, query: Query) -> Ask:
        """Read a request for embeddings."""
        return read(query, self.provider)

    def whole(self, said: Said) -> bytes:
        """Return the vectors."""
        return whole(said)


def read(query: Query, provider: str) -> Ask:
    """Read a request."""
    request = parse(query.body, EmbedRequest)
    model = embedder_named(provider, request.model)
    if request.encoding_format not in {None, "float", "base64"}:
        raise TroubleError(400, "encoding_format: must be float or base64", param="encoding_format")
    inputs = _inputs(request.input)
    tokens = [len(one) if isinstance(one, list) else tokens_in(one) for one in inputs]
    check_inputs(model, tokens, INPUTS_MAX, "input")
    return Ask(
        model=model,
        turns=(),
        input_tokens=sum(tokens),
        output_tokens_max=0,
        embed=Embed(
            texts=tuple(str(one) if isinstance(one, list) else one for one in inputs),
            dimensions=dimensions_of(model, request.dimensions, "dimensions"),
            is_base64=request.encoding_format == "base64",
        ),
    )


def whole(said: Said) -> bytes:
    """Return the vectors as the API sends them."""
    embed = said.ask.embed
    is_base64 = embed is not None and embed.is_base64
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": in_base64(vector) if is_base64 else vector,
        }
        for index, vector in enumerate(said.answer.vectors)
    ]
    body: dict[str, Any] = {"object": "list", "data": data, "model": said.ask.model.name}
    if said.has_usage:
        tokens = said.ask.input_tokens
        body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return encode(body)


def _look_up(query: Query) -> bytes | None:
    if query.method == "POST" and query.path == "":
        return None
    path = f"/embeddings{query.path}"
    raise TroubleError(404, f"Invalid URL ({query.method} {path})", reason=Reason.NO_PATH)


def _inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    """Return one text or list of tokens for each vector."""
    if isinstance(given, str):
        return [given]
    numbers = [one for one in given if isinstance(one, int)]
    if numbers and len(numbers) == len(given):
        return [list(numbers)]
    inputs = [one for one in given if not isinstance(one, int)]
    if len(inputs) != len(given):
        raise TroubleError(400, "input: texts or tokens, not both", param="input")
    return inputs
