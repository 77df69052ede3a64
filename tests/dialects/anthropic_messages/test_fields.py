"""What is read of Anthropic's usage."""

import msgspec

from penstock.dialects.anthropic_messages.fields import UsageFields
from penstock.dialects.message import Usage


def read(usage: bytes) -> UsageFields:
    return msgspec.json.decode(usage, type=UsageFields)


def test_input_includes_what_the_cache_gave_and_took() -> None:
    told = read(
        b'{"input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100,'
        b' "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}'
    )
    assert told.normalised() == Usage(123, 9, 20, 100, 4, is_known=True)
    assert not told.normalised(is_final=False).is_known


def test_what_a_later_event_leaves_out_stays() -> None:
    told = read(b'{"input_tokens": 25, "output_tokens": 1}')
    told.update(read(b'{"output_tokens": 15, "input_tokens": null}'))
    assert (told.input_tokens, told.output_tokens) == (25, 15)
