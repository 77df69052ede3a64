"""Only DialectError comes out, and it names the field."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError
from penstock.dialects import json_fields

DEEP = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@given(body=st.one_of(st.binary(max_size=60), st.just(DEEP)))
def test_anything_is_read_or_refused(body: bytes) -> None:
    try:
        fields = json_fields.decode(body)
    except DialectError:
        return
    assert isinstance(msgspec.json.decode(body), dict)
    assert all(isinstance(raw, msgspec.Raw) for raw in fields.values())


def test_text() -> None:
    fields = json_fields.decode(b'{"a":"x","b":"","c":1,"d":"\xff"}')
    assert json_fields.text(fields, "a") == "x"
    for name in ("b", "c", "d", "missing"):
        with pytest.raises(DialectError, match=name) as caught:
            json_fields.text(fields, name)
        assert caught.value.param == name


def test_flag() -> None:
    fields = json_fields.decode(b'{"a":true,"b":false,"c":null,"d":"true"}')
    assert [json_fields.flag(fields, name) for name in "abce"] == [True, False, False, False]
    with pytest.raises(DialectError, match="d must be true or false"):
        json_fields.flag(fields, "d")


def test_count() -> None:
    fields = json_fields.decode(b'{"a":3,"b":null,"c":0,"d":"3"}')
    assert [json_fields.count(fields, name, 1) for name in "abe"] == [3, 1, 1]
    for name in "cd":
        with pytest.raises(DialectError, match=name):
            json_fields.count(fields, name, 1)


def test_lists_and_emptiness() -> None:
    fields = json_fields.decode(b'{"a":[1],"b":[],"c":{},"d":null,"e":"[]"}')
    assert [json_fields.is_list(fields[name]) for name in "abcde"] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [json_fields.is_empty(fields[name]) for name in "abcde"] == [
        False, True, True, True, False,
    ]  # fmt: skip
