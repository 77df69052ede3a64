"""Which dialect a path belongs to, or which sibling of one, and so what is asked for.

    path                                                          dialect
    [/openai]/v1/chat/completions    /openai/chat/completions     openai_chat
    [/openai]/v1/responses           /openai/responses            openai_responses
    [/openai]/v1/responses/input_tokens      and without /v1      openai_input_tokens
    [/openai]/v1/embeddings          /openai/embeddings           openai_embeddings
    [/anthropic]/v1/messages         /anthropic/messages          anthropic_messages
    [/anthropic]/v1/messages/count_tokens    and without /v1      anthropic_count_tokens
    [/genai]/v1[beta]/models/MODEL:generateContent                gemini_generate
    [/genai]/v1[beta]/models/MODEL:streamGenerateContent          gemini_generate, with alt=sse
    [/genai]/v1[beta]/models/MODEL:countTokens                    gemini_count_tokens
    [/genai]/v1[beta]/models/MODEL:embedContent                   gemini_embed
    [/genai]/v1[beta]/models/MODEL:batchEmbedContents             gemini_batch_embed
    [/openai | /anthropic | /genai]/v1[beta]/models[/MODEL]       the routes, in that shape

A prefix lets a client keep its own path scheme, so that it needs only a base URL. Without one a
list of models is in the shape of whoever asks: Anthropic's clients send ``anthropic-version``,
Google's their own key header or ``?key=``.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote

from penstock.core.errors import CallerError
from penstock.dialects.contract import Dialect
from penstock.dialects.operation import Endpoint
from penstock.dialects.registry import DIALECTS, ENDPOINTS
from penstock.wire.call import Call

OPENAI: Final = DIALECTS["openai_chat"]
ANTHROPIC: Final = DIALECTS["anthropic_messages"]
GEMINI: Final = DIALECTS["gemini_generate"]
_PATHS: Final[Mapping[bytes, str]] = {
    b"/openai/chat/completions": "openai_chat",
    b"/openai/responses": "openai_responses",
    b"/openai/responses/input_tokens": "openai_input_tokens",
    b"/openai/embeddings": "openai_embeddings",
    b"/anthropic/messages": "anthropic_messages",
    b"/anthropic/messages/count_tokens": "anthropic_count_tokens",
}
FIXED: Final[Mapping[bytes, Endpoint]] = {
    path: ENDPOINTS[name]
    for short, name in _PATHS.items()
    for vendor, place in [short[1:].split(b"/", 1)]
    for path in (short, b"/v1/%b" % place, b"/%b/v1/%b" % (vendor, place))
}
SERVED: Final = (
    "/v1/chat/completions, /v1/responses and its /input_tokens, /v1/messages and its "
    "/count_tokens, /v1/embeddings, /v1beta/models/MODEL:generateContent, "
    ":streamGenerateContent, :countTokens, :embedContent and :batchEmbedContents, /v1/models"
)
_METHODS: Final[Mapping[bytes, Endpoint]] = {
    b"generateContent": ENDPOINTS["gemini_generate"],
    b"streamGenerateContent": ENDPOINTS["gemini_generate"],
    b"countTokens": ENDPOINTS["gemini_count_tokens"],
    b"embedContent": ENDPOINTS["gemini_embed"],
    b"batchEmbedContents": ENDPOINTS["gemini_batch_embed"],
}
_METHOD: Final = re.compile(
    rb"(?:/genai)?/v1(?:beta)?/(?:models|tunedModels)/[^/]+:(%b)" % b"|".join(_METHODS)
)
_MODELS: Final = re.compile(r"(?:/(openai|anthropic|genai))?(?:/(v1|v1beta))?/models(?:/(.*))?")
_SHAPES: Final = {"openai": OPENAI, "anthropic": ANTHROPIC, "genai": GEMINI}
_GOOGLE_KEY: Final = b"x-goog-api-key"


def endpoint_of(call: Call) -> Endpoint | None:
    """Return the endpoint of a path; None if there is none.

    Raises CallerError for a stream that Google's clients never ask for.
    """
    found = FIXED.get(call.target)
    if found is not None:
        return found
    match = _METHOD.fullmatch(call.target)
    if match is None:
        return None
    if match[1] == b"streamGenerateContent" and b"alt=sse" not in call.query.split(b"&"):
        message = "A stream is served as server-sent events only: add ?alt=sse to the URL."
        raise CallerError(message, code="unsupported_stream_format", param="alt")
    return _METHODS[match[1]]


def listing_of(call: Call) -> tuple[Dialect, str] | None:
    """Return in whose shape routes are asked for, and which one (empty: all); None if not."""
    match = _MODELS.fullmatch(call.target.decode("latin-1"))
    if match is None or not (match[1] or match[2]):
        return None
    shape = _SHAPES.get(match[1]) or (GEMINI if match[2] == "v1beta" else speaker_of(call))
    return shape, unquote(match[3] or "")


def speaker_of(call: Call) -> Dialect:
    """Return the dialect in which a caller wants to hear of an error, judged by what it sends."""
    found = FIXED.get(call.target)
    if found is not None:
        return found.dialect
    if call.target.startswith((b"/genai/", b"/v1beta/")):
        return GEMINI
    if b"anthropic-version" in call.headers or call.target.startswith(b"/anthropic/"):
        return ANTHROPIC
    if _GOOGLE_KEY in call.headers or _METHOD.fullmatch(call.target):
        return GEMINI
    return OPENAI


def secret_of(call: Call) -> bytes:
    """Return the caller's key as any dialect sends it; empty if there is none.

    With two of them Anthropic's own header wins, as there.
    """
    headers = call.headers
    secret = headers.get(b"x-api-key") or headers.get(_GOOGLE_KEY)
    if secret is not None:
        return secret.strip()
    scheme, _, secret = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return secret.strip()
    if b"key=" in call.query:
        values = parse_qs(call.query.decode("latin-1")).get("key")
        return values[0].encode("latin-1", "replace") if values else b""
    return b""
