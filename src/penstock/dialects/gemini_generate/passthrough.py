"""Gemini on both sides: look at what passes; the model stands in the path, the body stays.

Grammar of a stream; every event is one line of data, a whole response with the usage so far:

    candidates[].content.parts      content: text, thoughts, calls and everything else but a
                                    signature; a call comes whole
    candidates[].finishReason       with one for each candidate the answer is complete
    promptFeedback.blockReason      the prompt was refused: complete, and nothing will come
    usageMetadata                   cumulative: the last counts
    error                           the upstream's failure, under status 200
    the end of the stream           there is no terminator

Google's own SDK dies of comments, of ``event:`` and ``id:`` lines, of ``data:`` without its blank
and of ``[DONE]``. None of these goes to a caller, whatever an upstream sends: an event is rewritten
as ``data: `` lines, a comment becomes an empty line, and ``[DONE]`` is taken out (DIALECTS 10).
"""

import re
from typing import Final

import msgspec

from penstock.core.errors import DialectError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import json_fields, sse
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.gemini_generate import errors, place, wire_names
from penstock.dialects.gemini_generate.fields import (
    UNSPECIFIED,
    Candidate,
    Chunk,
    ContentHead,
    Raw,
)
from penstock.dialects.message import Usage
from penstock.dialects.relay import Relay

Decoder = msgspec.json.Decoder
BLANK: Final = b"\r\n"
DONE: Final = b"[DONE]"
ACCOUNT_DISABLED: Final = "PUP_LIMITED_DISABLED"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


CHUNK: Final = msgspec.json.Decoder(Chunk)


_CONTENTS: Final[Decoder[list[ContentHead] | ContentHead]] = Decoder(
    list[ContentHead] | ContentHead
)
_CONFIG: Final[Decoder[dict[str, Raw] | None]] = Decoder(dict[str, Raw] | None)
_MEDIA: Final = re.compile(rb'"(?:inline|file)(?:Data|_data)"')


def inquire(body: bytes, path: bytes) -> Inquiry:
    """Read what routing needs; raises DialectError that says what is wrong, and where."""
    fields = wire_names.top_level(json_fields.decode(body))
    model, is_stream = place.read_path(path)
    contents = fields.get("contents")
    if contents is None or memoryview(contents)[0] not in b"[{":
        raise DialectError("contents must be a list", param="contents")
    kinds = _media(contents) if _MEDIA.search(body) is not None else []
    config = _config(fields)
    inquiry = Inquiry(model, fields, body, is_stream=is_stream)
    if "tools" in fields:
        inquiry.needs_tools = not json_fields.is_empty(fields["tools"])
    if kinds:
        inquiry.needs_images = any(kind.startswith("image/") for kind in kinds)
        inquiry.needs_documents = any(not kind.startswith("image/") for kind in kinds)
    inquiry.needs_structured_output = any(
        name in config and not json_fields.is_empty(config[name])
        for name in ("responseSchema", "responseJsonSchema")
    )
    inquiry.choices = json_fields.count(config, "candidateCount", 1)
    inquiry.service_tier = json_fields.word(fields, "serviceTier")
    inquiry.output_tokens_max = json_fields.bound(config, "maxOutputTokens")
    return inquiry


def forward(inquiry: Inquiry) -> bytes:
    """Return the body: the model stands in the path, and only there."""
    if "model" not in inquiry.fields:
        return inquiry.body
    fields = {name: raw for name, raw in inquiry.fields.items() if name != "model"}
    return msgspec.json.encode(fields)


def survey(body: bytes) -> Survey:
    """Look at a whole answer; raises DialectError if it is not one."""
    try:
        answer = CHUNK.decode(body)
    except json_fields.MALFORMED as error:
        raise DialectError(f"the answer is malformed: {error}") from error
    if answer.has_error():
        return Survey(Usage(), failure=errors.failure_of_event(answer.error))
    reason = answer.block_reason()
    if answer.candidates:
        reason = answer.candidates[0].finish_reason or ""
    elif not reason:
        raise DialectError("the answer has no candidates")
    return Survey(
        usage=answer.usage_metadata.normalised() if answer.usage_metadata else Usage(),
        finish_reason=reason,
        model=answer.model_version or "",
        failure=account_failure() if reason == ACCOUNT_DISABLED else None,
    )


def account_failure() -> Failure:
    """Return what it means that Google has limited the account instead of answering."""
    return Failure(FailureKind.ACCOUNT, "the account is limited or disabled", code=ACCOUNT_DISABLED)


def is_usual(raw: bytes) -> bool:
    """Tell whether an event is one line of data that ends in CRLF, as Google's are."""
    end = len(raw) - 4
    return raw.startswith(b"data: ") and raw.find(b"\r") == end and raw.find(b"\n") == end + 1


class GenerateRelay(Relay):
    """Passes a stream on, in the form that every client reads."""

    __slots__ = ("_choices", "_finished")

    def __init__(self, inquiry: Inquiry) -> None:
        super().__init__()
        self._choices = inquiry.choices
        self._finished: set[int] = set()

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; what is usual elsewhere, lines that end in LF, is not here."""
        return self._feed_slowly(chunk) if self.failure is None else b""

    def _pass(self, raw: bytes) -> bytes:
        if is_usual(raw):
            return self._judge(b"", raw[6:-4], raw)
        fields = sse.fields(raw)
        self.junk_lines += fields.junk_lines
        if fields.data is None:
            return raw if not raw.strip(BLANK) else BLANK
        return self._judge(b"", fields.data, _harmless(raw, fields.data))

    def _see(self, name: bytes, data: bytes) -> bool:
        del name
        if data == DONE:
            return self._on_done()
        chunk = CHUNK.decode(data)
        if chunk.has_error():
            self.fail(errors.failure_of_event(chunk.error))
            return False
        for candidate in chunk.candidates or ():
            self._learn(candidate)
        if chunk.prompt_feedback is not None and chunk.block_reason():
            self._complete(chunk.block_reason())
        if chunk.usage_metadata is not None:
            self.usage = chunk.usage_metadata.normalised(is_final=self.is_complete)
        if chunk.model_version:
            self.model = chunk.model_version
        return True

    def _learn(self, candidate: Candidate) -> None:
        parts = candidate.content.parts if candidate.content is not None else None
        count = sum(part.content_bytes() for part in parts) if parts else 0
        if count:
            self.has_content = True
            self.output_bytes += count
        reason = candidate.finish_reason
        if reason is None or reason in UNSPECIFIED:
            return
        if reason == ACCOUNT_DISABLED:
            self.fail(account_failure())
            return
        self.finish_reason = reason
        self._finished.add(candidate.index or 0)
        if len(self._finished) >= self._choices:
            self._complete(reason)

    def _complete(self, reason: str) -> None:
        self.finish_reason = reason
        self.is_complete = True
        self.has_content = True  # an empty answer is an answer

    def _on_done(self) -> bool:
        if not self.is_complete:
            self.break_off("the stream said [DONE] before the model said why it stopped")
        return False


def _harmless(raw: bytes, data: bytes) -> bytes:
    """Return an event as lines of data; unchanged if it has no others."""
    lines = _LINE_END.split(raw)
    if all(not line or line.startswith(b"data: ") for line in lines):
        return raw
    return b"".join(b"data: %b\r\n" % line for line in data.split(b"\n")) + BLANK


def _media(contents: Raw) -> list[str]:
    """Return the types of all that is no text."""
    try:
        heads = _CONTENTS.decode(wire_names.camel_body(bytes(contents)))
    except (*json_fields.MALFORMED, DialectError):
        return []  # the upstream will say what is wrong with it
    listed = heads if isinstance(heads, list) else [heads]
    parts = [
        part
        for head in listed
        for part in (head.parts if isinstance(head.parts, list) else [head.parts])
        if part is not None
    ]
    media = [each for part in parts for each in (part.inline_data, part.file_data)]
    return [(each.mime_type or "").lower() for each in media if each is not None]


def _config(fields: dict[str, Raw]) -> dict[str, Raw]:
    raw = fields.get("generationConfig")
    if raw is None:
        return {}
    try:
        return wire_names.top_level(_CONFIG.decode(raw) or {})
    except json_fields.MALFORMED as error:
        raise DialectError(f"generationConfig: {error}", param="generationConfig") from error
