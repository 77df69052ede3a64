"""Counting the tokens of a request, the same for all dialects that can.

    the request   the common one, read and written as for an answer; what a count does not take
                  (limits, sampling, stream) is left out without a notice: it has no tokens
    the answer    one number; a count itself uses nothing, so its usage in the record is none
    nobody counts an estimate: of the text by its bytes, and so much for every picture

The estimate is rough on purpose: it is there so that clients which count before they ask go on
working, and it is always marked as one (``x-penstock-estimated``).
"""

from collections.abc import Callable
from typing import Final

import msgspec

from penstock.core.errors import DialectError, PenstockError
from penstock.core.estimate import tokens
from penstock.core.outcome import Failure
from penstock.dialects import json_fields
from penstock.dialects.contract import Dialect, Inquiry, Survey
from penstock.dialects.message import (
    Answer,
    Document,
    Image,
    Request,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
)

IMAGE_TOKENS: Final = 1000  # Claude counts a picture of a megapixel as about 1300, OpenAI as 765
TURN_TOKENS: Final = 4  # the role and the marks around a turn


def answer_of(input_tokens: int, model: str = "") -> Answer:
    """Return a count as an answer."""
    usage = Usage(input_tokens=input_tokens, is_known=True)
    return Answer(id="", model=model, parts=(), stop=StopReason.END, usage=usage)


def survey(body: bytes, name: str, failure_of: Callable[[msgspec.Raw], Failure]) -> Survey:
    """Look at a count, in the field ``name``; raises DialectError if it is none."""
    fields = json_fields.decode(body)
    error = fields.get("error")
    if error is not None and not json_fields.is_empty(error):
        return Survey(Usage(), failure=failure_of(error))
    read(body, name)
    return Survey(Usage(is_known=True))


def read(body: bytes, name: str) -> Answer:
    """Read a count, in the field ``name``; raises DialectError if it is none."""
    raw = json_fields.decode(body).get(name)
    try:
        count = msgspec.json.decode(raw, type=int) if raw is not None else -1
    except json_fields.MALFORMED as error:
        raise DialectError(f"{name} of the answer is malformed: {error}") from error
    if count < 0:
        raise DialectError(f"the answer has no {name}")
    return answer_of(count)


def only(body: bytes, fields: frozenset[str]) -> bytes:
    """Return a request for an answer with those of its fields that are counted."""
    kept = {name: raw for name, raw in json_fields.decode(body).items() if name in fields}
    return msgspec.json.encode(kept)


def estimate(dialect: Dialect, inquiry: Inquiry) -> Answer:
    """Return about how many tokens a request has, where nobody can count it.

    One that cannot be read here, because it holds what only its own vendor knows, is estimated by
    the size of its body.
    """
    try:
        count = tokens_of(dialect.read_request(inquiry))
    except PenstockError:
        count = tokens(len(inquiry.body))
    return answer_of(max(count, 1), inquiry.model)


def tokens_of(request: Request) -> int:
    """Return about how many tokens a request has."""
    count = _tokens_in(request.system) + sum(_of_turn(turn) for turn in request.turns)
    for tool in request.tools:
        schema = msgspec.json.encode(tool.schema).decode()
        count += _tokens_in(tool.name) + _tokens_in(tool.description) + _tokens_in(schema)
    if request.schema is not None:
        count += _tokens_in(msgspec.json.encode(request.schema).decode())
    return count


def _of_turn(turn: Turn) -> int:
    count = TURN_TOKENS
    for part in turn.parts:
        match part:
            case ToolCall(name=name, arguments=arguments):
                count += _tokens_in(name) + _tokens_in(arguments)
            case ToolResult(content=content):
                count += sum(_of_content(each) for each in content)
            case Text() | Image() | Document():
                count += _of_content(part)
            case _:
                pass  # a cache point
    return count


def _of_content(part: Text | Image | Document) -> int:
    match part:
        case Text(text=text):
            return _tokens_in(text)
        case Image():
            return IMAGE_TOKENS
        case Document(text=text, data=data):
            return _tokens_in(text) + tokens(len(data) * 3 // 4)


def _tokens_in(text: str) -> int:
    return tokens(len(text.encode("utf-8", "surrogatepass")))
