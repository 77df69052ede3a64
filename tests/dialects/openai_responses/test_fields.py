"""What is read of a response's usage and end."""

import msgspec

from penstock.dialects.message import Usage
from penstock.dialects.openai_responses.fields import ResponseHead, UsageFields


def test_tokens_are_told_with_and_without_details() -> None:
    plain = msgspec.json.decode(b'{"input_tokens": 5, "output_tokens": null}', type=UsageFields)
    assert plain.normalised() == Usage(5, is_known=True)
    whole = msgspec.json.decode(
        b'{"input_tokens": 5, "input_tokens_details": {"cached_tokens": 4},'
        b' "output_tokens": 8, "output_tokens_details": {"reasoning_tokens": 6}}',
        type=UsageFields,
    )
    assert whole.normalised() == Usage(5, 8, 4, reasoning_tokens=6, is_known=True)


def test_the_reason_for_an_incomplete_answer_goes_before_its_status() -> None:
    cut = b'{"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}'
    assert msgspec.json.decode(cut, type=ResponseHead).finish_reason() == "max_output_tokens"
    assert ResponseHead(status="completed").finish_reason() == "completed"
    assert ResponseHead().finish_reason() == ""
