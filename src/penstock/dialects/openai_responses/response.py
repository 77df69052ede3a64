"""The response object that callers get, and where in it a stream is.

    from the request     instructions, tools, tool_choice, temperature and whatever else a response
                         repeats; what is absent has the dialect's default
    from the answer      id, model, status, output, usage, error
    ours                 store is false: nothing is kept for good

Ids of items are made from the response's id and the item's place, so they are stable within an
answer. Those of translated reasoning begin so that it is known when a caller sends it back.
"""

from typing import Final

import msgspec

from penstock.dialects import hops, json_fields
from penstock.dialects.contract import Inquiry
from penstock.dialects.message import Usage
from penstock.dialects.openai_chat.write import TIERS
from penstock.dialects.tool_ids import ToolIds

Raw = msgspec.Raw
Fields = dict[str, object]
ID_CHARS_MAX: Final = 40  # with what stands around it an item's id stays below the API's 64
OWN_REASONING: Final = "rs_translated_"
PREFIXES: Final[dict[str, str]] = {
    "message": "msg_",
    "function_call": "fc_",
    "reasoning": OWN_REASONING,
}
# Fields of a request that a response repeats, and what stands there if the caller said nothing.
_REPEATED: Final[dict[str, object]] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
}


class Position(msgspec.Struct):
    """Where a stream is: what has been begun, and the number of its next event.

    Whoever goes on with an answer after a break needs exactly this: the text goes on in the same
    item, at the same indices, under the next number.
    """

    response_id: str = ""
    created_unix_s: int = 0
    item_type: str = ""  # of the newest item: message, reasoning, function_call, ...
    item_id: str = ""
    output_index: int = -1
    content_index: int = 0
    sequence_number: int = 0

    def begin(self, item_type: str, item_id: str, output_index: int) -> None:
        """Note that an item begins."""
        self.item_type = item_type
        self.item_id = item_id
        self.output_index = output_index
        self.content_index = 0


class Outline:
    """What all states of one response have in common."""

    def __init__(
        self, inquiry: Inquiry, answer_id: str, model: str, created_unix_s: int, tier: str = ""
    ) -> None:
        self.id = response_id(answer_id or str(created_unix_s))
        self._fields: Fields = {
            "id": self.id,
            "object": "response",
            "created_at": created_unix_s,
            "background": False,
            "model": model or inquiry.model,
            "previous_response_id": None,
            "service_tier": TIERS.get(tier),
            "store": False,
        }
        for name, default in _REPEATED.items():
            raw = inquiry.fields.get(name)
            is_said = raw is not None and not json_fields.is_empty(raw)
            self._fields[name] = raw if is_said else default

    def item_id(self, item_type: str, output_index: int) -> str:
        """Return the id of the item at a place."""
        return f"{PREFIXES[item_type]}{self.id.removeprefix('resp_')}_{output_index}"

    def response(
        self,
        status: str,
        output: list[Fields],
        *,
        usage: Usage | None = None,
        incomplete: str = "",
        error: Fields | None = None,
    ) -> Fields:
        """Return the response object in one state."""
        return self._fields | {
            "status": status,
            "error": error,
            "incomplete_details": {"reason": incomplete} if incomplete else None,
            "output": output,
            "usage": usage_fields(usage) if usage is not None and usage.is_known else None,
        }


def response_id(answer_id: str) -> str:
    """Return an id of this dialect for an answer of any."""
    return "resp_" + ToolIds(ID_CHARS_MAX).of_call(answer_id.removeprefix("resp_"))


def usage_fields(usage: Usage) -> Fields:
    """Return ``usage``."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    } | hops.iterations(usage)


def event(name: str, number: int, fields: Fields) -> bytes:
    """Return an event with its name, type and number."""
    data = msgspec.json.encode({"type": name, "sequence_number": number} | fields)
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def message_item(item_id: str, text: str, status: str) -> Fields:
    """Return a message of one text."""
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [text_part(text)],
    }


def text_part(text: str) -> Fields:
    """Return the part of a message that holds its text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_item(item_id: str, why: str, status: str) -> Fields:
    """Return a message that says why there is no answer."""
    message = message_item(item_id, "", status)
    message["content"] = [refusal_part(why)]
    return message


def refusal_part(why: str) -> Fields:
    """Return the part of a message that refuses."""
    return {"type": "refusal", "refusal": why}


def reasoning_item(item_id: str, text: str) -> Fields:
    """Return reasoning whose summary is what was visible of it."""
    return {"id": item_id, "type": "reasoning", "summary": [summary_part(text)]}


def summary_part(text: str) -> Fields:
    """Return a part of a summary."""
    return {"type": "summary_text", "text": text}


def call_item(item_id: str, call_id: str, name: str, arguments: str, status: str) -> Fields:
    """Return a call of a function."""
    return {
        "id": item_id,
        "type": "function_call",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
        "status": status,
    }
