"""Writing GPT's Responses API: answers and the events of a stream.

Grammar of a stream, each event with its name, its ``type`` and the next ``sequence_number``:
``response.created``, ``response.in_progress``; then item by item ``response.output_item.added``,
what is in it, ``response.output_item.done``; at last ``response.completed`` or
``response.incomplete``, which hold the whole answer. There is no ``[DONE]``. In an item:

    reasoning       a summary part with its deltas, if a summary was asked for; else nothing
    message         one part: text or refusal, with its deltas
    function_call   deltas of its arguments
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from penstock.apps.emulate import gpt_error, responses_request
from penstock.apps.emulate.answer import Answer, Choice, Finish
from penstock.apps.emulate.ask import Ask, Reason, Thinking, TroubleError, signature
from penstock.apps.emulate.catalogue import GPT
from penstock.apps.emulate.dialect import Frame, FrameKind, Query, Said, encode
from penstock.apps.emulate.gpt import Chat

_PADDING: Final = b"aX4kQz7LmW0pRt2V"
_PLAIN: Final = (b"}\n\n",)
# By the length of the text, so that the event's own length says less of it.
_PADDED: Final = tuple(b',"obfuscation":"%b"}\n\n' % _PADDING[at:] for at in range(len(_PADDING)))
_ERROR_CODES: Final[dict[int, str]] = {400: "invalid_prompt", 429: "rate_limit_exceeded"}


class Responses(Chat):
    """The Responses API, beside Chat Completions at GPT."""

    name = "openai_responses"

    def look_up(self, query: Query) -> bytes | None:
        """Serve the counting of tokens."""
        if query.method == "POST" and query.path == "":
            return None
        if query.method == "POST" and query.path == "/input_tokens":
            tokens = responses_request.count(query)
            return encode({"object": "response.input_tokens", "input_tokens": tokens})
        path = f"/responses{query.path}"
        raise TroubleError(404, f"Invalid URL ({query.method} {path})", reason=Reason.NO_PATH)

    def read(self, query: Query) -> Ask:
        """Read a request for a response."""
        return responses_request.read(query)

    def whole(self, said: Said) -> bytes:
        """Return a response."""
        return encode(_ended(said))

    def frames(self, said: Said) -> Iterator[Frame]:
        """Yield the events of a response."""
        return _Events(said).frames()

    def error_event(
        self, trouble: TroubleError, said: Said, sent: int, *, is_failure: bool
    ) -> bytes:
        """Return the event ``error``, or ``response.failed`` with the same words."""
        words = gpt_error.error_fields(trouble)
        if not is_failure:
            fields = {"code": words["code"] or words["type"], "message": words["message"],
                      "param": words["param"]}  # fmt: skip
            return _event("error", fields, sent)
        code = _ERROR_CODES.get(trouble.status, "server_error")
        error = {"code": code, "message": words["message"]}
        response = _response(said) | {"status": "failed", "error": error}
        return _event("response.failed", {"response": response}, sent)


def _event(name: str, fields: dict[str, Any], number: int) -> bytes:
    data = encode({"type": name, "sequence_number": number} | fields)
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def _response(said: Said) -> dict[str, Any]:
    """Return a response as it begins."""
    response: dict[str, Any] = {
        "id": f"resp_{said.nonce}",
        "object": "response",
        "created_at": said.created_unix_s,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": said.ask.model.name,
        "output": [],
        **said.ask.echo,
    }
    return response | {"usage": None} if said.has_usage else response


def _ended(said: Said) -> dict[str, Any]:
    """Return a response as it ends."""
    (choice,) = said.answer.choices
    response = _response(said) | {"output": [item for item, _ in _items(said, choice)]}
    if choice.finish is Finish.LENGTH:
        response |= {
            "status": "incomplete",
            "incomplete_details": {"reason": "max_output_tokens"},
        }
    else:
        response |= {"status": "completed", "completed_at": said.created_unix_s}
    return response | {"usage": _usage(said.ask, said.answer)} if said.has_usage else response


def _items(said: Said, choice: Choice) -> list[tuple[dict[str, Any], Sequence[str]]]:
    """Return the items as they end, each with the texts in which it is streamed."""
    items: list[tuple[dict[str, Any], Sequence[str]]] = []
    if said.ask.thinking is not Thinking.OFF:
        thought = "".join(choice.thoughts)
        item: dict[str, Any] = {
            "id": f"rs_{said.nonce}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": thought}] if thought else [],
        }
        if said.ask.has_sealed_thoughts:
            item["encrypted_content"] = signature(GPT, said.nonce)
        items.append((item, choice.thoughts))
    is_cut = choice.finish is Finish.LENGTH
    if choice.tokens or not (choice.calls or is_cut):
        part: dict[str, Any] = {"type": "output_text", "text": choice.text, "annotations": [],
                                "logprobs": []}  # fmt: skip
        if choice.finish is Finish.REFUSED:
            part = {"type": "refusal", "refusal": choice.text}
        status = "incomplete" if is_cut else "completed"
        message: dict[str, Any] = {"id": f"msg_{said.nonce}", "type": "message", "status": status,
                                   "role": "assistant", "content": [part]}  # fmt: skip
        items.append((message, choice.tokens))
    for call in choice.calls:
        item = {
            "id": f"fc_{call.at}{said.nonce}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_{call.at}{said.nonce}",
            "name": call.name,
            "arguments": "".join(call.fragments),
        }
        items.append((item, call.fragments))
    return items


def _usage(ask: Ask, answer: Answer) -> dict[str, Any]:
    output = answer.output_tokens
    return {
        "input_tokens": ask.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {
            "reasoning_tokens": sum(choice.thinking_tokens for choice in answer.choices)
        },
        "total_tokens": ask.input_tokens + output,
    }


class _Events:
    """The events of one response, numbered as they are made: one frame is one event."""

    __slots__ = ("_number", "_said")

    def __init__(self, said: Said) -> None:
        self._said = said
        self._number = 0

    def frames(self) -> Iterator[Frame]:
        """Yield all of them."""
        said = self._said
        (choice,) = said.answer.choices
        begun = {"response": _response(said)}
        yield self._frame("response.created", begun)
        yield self._frame("response.in_progress", begun)
        for at, (item, texts) in enumerate(_items(said, choice)):
            yield self._frame("response.output_item.added", _at(at, _begun(item)))
            place: dict[str, Any] = {"item_id": item["id"], "output_index": at}
            if item["type"] == "message":
                yield from self._message(item["content"][0], place, texts)
            elif item["type"] == "function_call":
                yield from self._deltas("response.function_call_arguments", place, texts)
                done = {**place, "arguments": item["arguments"]}
                yield self._frame("response.function_call_arguments.done", done)
            elif texts:
                yield from self._summary(item["summary"][0], place, texts)
            hidden = choice.hidden_tokens if item["type"] == "reasoning" else 0
            done = self._frame("response.output_item.done", _at(at, item))
            yield done._replace(tokens=hidden)
        response = _ended(said)
        last = self._frame(f"response.{response['status']}", {"response": response})
        yield last._replace(kind=FrameKind.FINISH, tells_usage=said.has_usage)

    def _message(
        self, part: dict[str, Any], place: dict[str, Any], texts: Sequence[str]
    ) -> Iterator[Frame]:
        place = {**place, "content_index": 0}
        begun = {**part, "refusal": ""} if part["type"] == "refusal" else {**part, "text": ""}
        yield self._frame("response.content_part.added", {**place, "part": begun})
        if part["type"] == "refusal":
            yield from self._deltas("response.refusal", place, texts)
            yield self._frame("response.refusal.done", {**place, "refusal": part["refusal"]})
        else:
            place["logprobs"] = []
            yield from self._deltas("response.output_text", place, texts)
            yield self._frame("response.output_text.done", {**place, "text": part["text"]})
            del place["logprobs"]
        yield self._frame("response.content_part.done", {**place, "part": part})

    def _summary(
        self, part: dict[str, Any], place: dict[str, Any], texts: Sequence[str]
    ) -> Iterator[Frame]:
        place = {**place, "summary_index": 0}
        begun = {"type": "summary_text", "text": ""}
        yield self._frame("response.reasoning_summary_part.added", {**place, "part": begun})
        yield from self._deltas("response.reasoning_summary_text", place, texts)
        done = {**place, "text": part["text"]}
        yield self._frame("response.reasoning_summary_text.done", done)
        yield self._frame("response.reasoning_summary_part.done", {**place, "part": part})

    def _deltas(self, name: str, place: dict[str, Any], texts: Sequence[str]) -> Iterator[Frame]:
        """Yield one event for each text; all but text and number is written once."""
        name += ".delta"
        fixed = encode({"type": name, **place})[:-1]
        head = b"event: %b\ndata: %b" % (name.encode(), fixed) + b',"delta":'
        endings = _PADDED if self._said.ask.is_padded else _PLAIN
        for text in texts:
            ending = endings[len(text) % len(endings)]
            number = b',"sequence_number":%d' % self._number
            self._number += 1
            yield Frame(FrameKind.CONTENT, head + encode(text) + number + ending, 1)

    def _frame(self, name: str, fields: dict[str, Any]) -> Frame:
        data = _event(name, fields, self._number)
        self._number += 1
        return Frame(FrameKind.STRUCTURE, data)


def _at(at: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"output_index": at, "item": item}


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as it is added: empty, its sealed thoughts not yet whole."""
    if item["type"] == "message":
        return item | {"status": "in_progress", "content": []}
    if item["type"] == "function_call":
        return item | {"status": "in_progress", "arguments": ""}
    begun: dict[str, Any] = {**item, "summary": []}
    if "encrypted_content" in item:
        begun["encrypted_content"] = item["encrypted_content"][:-4]
    return begun
