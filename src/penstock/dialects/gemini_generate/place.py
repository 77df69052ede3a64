"""Where a model stands in a path of this dialect, for callers and for upstreams.

    {any prefix}/models/{model}:generateContent
    {any prefix}/models/{model}:streamGenerateContent?alt=sse
    {any prefix}/models/{model}:countTokens, :embedContent, :batchEmbedContents
    {any prefix}/tunedModels/{model}:...                        the model keeps this prefix

A caller's model may be anything that a route or an operator may have named: what is no letter,
digit or one of ``-._~`` is percent-encoded towards an upstream, the slash too, so that no name can
leave its segment. The base URL of an upstream ends in the version.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, quote, unquote

from penstock.core.errors import DialectError

WHOLE: Final = "generateContent"
STREAM: Final = "streamGenerateContent"
MODELS: Final = "models/"
TUNED: Final = "tunedModels/"


def path_of(model: str, *, is_stream: bool) -> bytes:
    """Return the path below an upstream's base URL, with its query."""
    return method_path(model, f"{STREAM}?alt=sse" if is_stream else WHOLE)


def method_path(model: str, method: str) -> bytes:
    """Return the path of a model's method below an upstream's base URL."""
    collection, _, name = resource(model).partition("/")
    return f"/{collection}/{quote(name, safe='', errors='replace')}:{method}".encode()


def resource(model: str) -> str:
    """Return a model's name with its collection, as it stands in bodies."""
    name = model.removeprefix(MODELS)
    return name if name.startswith(TUNED) else MODELS + name


def read_path(path: bytes) -> tuple[str, bool]:
    """Return the model that a caller's path names, and whether the answer is to stream.

    Raises DialectError for a path that does not end so, or whose query asks for another framing
    than events; a path that comes without its query is taken to ask for them.
    """
    model, method, query = _split(path, (WHOLE, STREAM))
    is_stream = method == STREAM
    if is_stream and query and parse_qs(query).get("alt", [""])[-1] != "sse":
        raise DialectError(f"{STREAM} is served with ?alt=sse only", param="alt")
    return model, is_stream


def read_method_path(path: bytes, method: str) -> str:
    """Return the model whose method a caller's path names; raises DialectError for another."""
    return _split(path, (method,))[0]


def _split(path: bytes, methods: Sequence[str]) -> tuple[str, str, str]:
    """Return model, method and query."""
    place, _, query = path.decode("latin-1").partition("?")
    try:
        named, _, method = unquote(place, errors="strict").rpartition(":")
    except UnicodeDecodeError as error:
        raise DialectError("the model in the path is not UTF-8", param="model") from error
    if method not in methods:
        allowed = " or ".join(f":{one}" for one in methods)
        raise DialectError(f"the path must end in {allowed}", param="model")
    model = _model(named)
    if not model:
        raise DialectError("the path must name a model, as in /models/{model}", param="model")
    return model, method, query


def _model(named: str) -> str:
    """Return what stands behind the collection that comes first."""
    found = [
        (at, collection)
        for collection in (MODELS, TUNED)
        if (at := named.find(f"/{collection}")) >= 0
    ]
    if not found:
        return ""
    at, collection = min(found)
    name = named[at + 1 + len(collection) :].removeprefix(MODELS)
    return collection + name if collection == TUNED and name else name
