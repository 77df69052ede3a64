"""Which dialect a path belongs to.

    path                                                          dialect
    [/openai]/v1/chat/completions    /openai/chat/completions     openai_chat
    [/openai]/v1/responses           /openai/responses            openai_responses
    [/anthropic]/v1/messages         /anthropic/messages          anthropic_messages
    [/genai]/v1[beta]/models/MODEL:generateContent                gemini_generate
    [/genai]/v1[beta]/models/MODEL:streamGenerateContent          gemini_generate, with alt=sse
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
from penstock.dialects.registry import DIALECTS
from penstock.wire.call import Call

OPENAI: Final = DIALECTS["openai_chat"]
RESPONSES: Final = DIALECTS["openai_responses"]
ANTHROPIC: Final = DIALECTS["anthropic_messages"]
GEMINI: Final = DIALECTS["gemini_generate"]
FIXED: Final[Mapping[bytes, Dialect]] = {
    b"/v1/chat/completions": OPENAI,
    b"/v1/responses": RESPONSES,
    b"/v1/messages": ANTHROPIC,
    b"/openai/v1/chat/completions": OPENAI,
    b"/openai/v1/responses": RESPONSES,
    b"/openai/chat/completions": OPENAI,
    b"/openai/responses": RESPONSES,
    b"/anthropic/v1/messages": ANTHROPIC,
    b"/anthropic/messages": ANTHROPIC,
}
SERVED: Final = (
    "/v1/chat/completions, /v1/responses, /v1/messages, "
    "/v1beta/models/MODEL:generateContent and :streamGenerateContent, /v1/models"
)
_GENERATE: Final = re.compile(
    rb"(?:/genai)?/v1(?:beta)?/(?:models|tunedModels)/[^/]+:(generateContent|streamGenerateContent)"
)
_MODELS: Final = re.compile(r"(?:/(openai|anthropic|genai))?(?:/(v1|v1beta))?/models(?:/(.*))?")
_SHAPES: Final = {"openai": OPENAI, "anthropic": ANTHROPIC, "genai": GEMINI}
_GOOGLE_KEY: Final = b"x-goog-api-key"


def dialect_of(call: Call) -> Dialect | None:
    """Return the dialect of an endpoint that generates; None if the path is none.

    Raises CallerError for a stream that Google's clients never ask for.
    """
    found = FIXED.get(call.target)
    if found is not None:
        return found
    match = _GENERATE.fullmatch(call.target)
    if match is None:
        return None
    if match[1] == b"streamGenerateContent" and b"alt=sse" not in call.query.split(b"&"):
        message = "A stream is served as server-sent events only: add ?alt=sse to the URL."
        raise CallerError(message, code="unsupported_stream_format", param="alt")
    return GEMINI


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
        return found
    if call.target.startswith((b"/genai/", b"/v1beta/")):
        return GEMINI
    if b"anthropic-version" in call.headers or call.target.startswith(b"/anthropic/"):
        return ANTHROPIC
    if _GOOGLE_KEY in call.headers or _GENERATE.fullmatch(call.target):
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
