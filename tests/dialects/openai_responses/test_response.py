"""The response object: what it repeats, and ids that others accept."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.message import Usage
from penstock.dialects.openai_responses import response
from penstock.dialects.openai_responses.passthrough import inquire
from penstock.dialects.openai_responses.response import Outline, Position

ASKED = inquire(b'{"model":"m","input":"hi","temperature":0.5,"tools":null,"metadata":{}}')


def test_what_the_caller_said_is_repeated_and_the_rest_is_the_default() -> None:
    told = Outline(ASKED, "1", "other", 7, "flex").response("in_progress", [])
    told = msgspec.json.decode(msgspec.json.encode(told))
    assert (told["id"], told["model"], told["created_at"]) == ("resp_1", "other", 7)
    assert (told["temperature"], told["tools"], told["metadata"]) == (0.5, [], {})
    assert (told["tool_choice"], told["store"], told["service_tier"]) == ("auto", False, "flex")
    assert (told["error"], told["incomplete_details"], told["usage"]) == (None, None, None)


def test_usage_is_told_when_it_is_known() -> None:
    outline = Outline(ASKED, "1", "m", 7)
    assert outline.response("completed", [], usage=Usage(1, 2))["usage"] is None
    known = outline.response("completed", [], usage=Usage(5, 2, 3, 1, 1, is_known=True))["usage"]
    assert known == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    }


@given(answer_id=st.text(max_size=80), index=st.integers(0, 999))
def test_ids_are_stable_and_accepted(answer_id: str, index: int) -> None:
    outline = Outline(ASKED, answer_id, "m", 7)
    for kind, prefix in response.PREFIXES.items():
        item_id = outline.item_id(kind, index)
        assert item_id == Outline(ASKED, answer_id, "m", 7).item_id(kind, index)
        assert item_id.startswith(prefix)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", item_id)
    assert re.fullmatch(r"resp_[a-zA-Z0-9_-]{1,40}", outline.id)


@pytest.mark.parametrize("given_id", ["resp_1", "1"])
def test_an_id_has_one_prefix(given_id: str) -> None:
    assert response.response_id(given_id) == "resp_1"


def test_a_new_item_begins_with_its_first_part() -> None:
    at = Position(content_index=3, sequence_number=9)
    at.begin("message", "msg_1", 2)
    assert (at.item_id, at.output_index, at.content_index, at.sequence_number) == ("msg_1", 2, 0, 9)
