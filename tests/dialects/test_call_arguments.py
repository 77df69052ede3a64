"""Arguments become an object in which all that the model wrote stands."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import call_arguments

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(value=st.dictionaries(st.text(), VALUES))
def test_an_object_stays_as_it_is(value: dict[str, object]) -> None:
    written = msgspec.json.encode(value).decode()
    assert call_arguments.is_object(written)
    assert bytes(call_arguments.as_object(f" {written}\n")) == f" {written}\n".encode()


@given(written=st.text() | VALUES.map(lambda value: msgspec.json.encode(value).decode()))
def test_nothing_is_lost(written: str) -> None:
    read = msgspec.json.decode(call_arguments.as_object(written))
    if not written.strip():
        assert read == {}
    elif call_arguments.is_object(written):
        assert read == msgspec.json.decode(written)
    else:
        assert read == {"_raw": written}


@pytest.mark.parametrize(
    "written", ["", "{", "[1]", "null", '"a"', "{}{}", '{"a":', "{'a': 1}", "[" * 10_000]
)
def test_what_is_no_object(written: str) -> None:
    assert not call_arguments.is_object(written)
