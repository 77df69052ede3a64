"""Ids are allowed, used once, and the same for the same history."""

import re

from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.tool_ids import ToolIds

HISTORIES = st.lists(st.sampled_from(["a", "b:0", "", "x" * 90, "call_1"]) | st.text(max_size=50))


@given(history=HISTORIES)
def test_ids(history: list[str]) -> None:
    ids, again = ToolIds(40), ToolIds(40)
    written: list[str] = []
    for call_id in history:
        written.append(ids.of_call(call_id))
        assert ids.of_result(call_id) == written[-1]
        assert again.of_call(call_id) == written[-1]
    assert len(set(written)) == len(written)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,40}", each) for each in written)


def test_an_allowed_id_stays() -> None:
    ids = ToolIds(40)
    assert ids.of_call("call_1") == "call_1"
    assert ids.of_call("call_1") != "call_1"
    assert ids.of_result("unknown") == "unknown"
