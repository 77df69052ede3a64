"""What is read of OpenAI chat's usage and content."""

import msgspec

from penstock.dialects.message import Usage
from penstock.dialects.openai_chat.fields import Chunk, Delta, UsageFields


def read(usage: bytes) -> Usage:
    return msgspec.json.decode(usage, type=UsageFields).normalised()


def test_what_is_only_in_the_total_is_output() -> None:
    told = b'{"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 40}'
    assert read(told) == Usage(10, 30, is_known=True)


def test_nulls_of_engines_count_as_nothing() -> None:
    told = b'{"prompt_tokens": null, "prompt_tokens_details": {"cached_tokens": null}}'
    assert read(told) == Usage(is_known=True)


def test_content_is_text_thoughts_refusals_and_calls() -> None:
    assert Delta(content="four").content_bytes() == 4
    assert Delta(reasoning="six by").content_bytes() == 6
    assert Delta(refusal="no").content_bytes() == 2
    assert Delta(tool_calls=msgspec.Raw(b"[]")).content_bytes() == 0
    assert Delta(tool_calls=msgspec.Raw(b'[{"index":0}]')).content_bytes() == 13
    parts = msgspec.json.decode(b'{"content": [{"type":"text"}]}', type=Delta)
    assert parts.content_bytes() == 15


def test_a_delta_with_a_role_alone_is_no_content() -> None:
    chunk = msgspec.json.decode(
        b'{"choices": [{"delta": {"role": "assistant", "content": ""}}]}', type=Chunk
    )
    assert chunk.choices is not None
    delta = chunk.choices[0].delta
    assert delta is not None
    assert delta.content_bytes() == 0
