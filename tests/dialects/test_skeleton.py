"""The skeleton is the text without what is long, however it was cut."""

import json
import random
from typing import Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.skeleton import LONG_BYTES, Skeleton

STRINGS: Final = st.one_of(
    st.text(max_size=12),
    st.sampled_from(['"', "\\", '\\"', "[1,2,3,4,5,6,7,8,9,10]", '{"a":1}', "é\n\t\x00"]),
    st.integers(LONG_BYTES - 2, 4 * LONG_BYTES).map(lambda size: "x" * size),
    st.integers(LONG_BYTES // 2, LONG_BYTES).map(lambda size: '"\\' * size),
)
NUMBERS: Final = st.one_of(
    st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES: Final = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, STRINGS, st.lists(NUMBERS, max_size=40)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=25,
)
SEPARATORS: Final = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


def fed(text: bytes, sizes: list[int]) -> bytes:
    skeleton = Skeleton()
    at, turn = 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        skeleton.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return skeleton.whole()


def check_alike(kept: object, told: object) -> None:
    """Compare a skeleton with the whole: the same but for long strings and runs of numbers."""
    if isinstance(told, dict):
        check_same_names(kept, cast("dict[str, object]", told))
    elif isinstance(told, list):
        check_same_items(kept, cast("list[object]", told))
    elif isinstance(told, str) and len(json.dumps(told)) - 2 > LONG_BYTES:
        assert kept == ""
    elif is_number(told):
        assert is_number(kept)  # in a run it may have become another
    else:
        assert kept == told


def check_same_names(kept: object, told: dict[str, object]) -> None:
    assert isinstance(kept, dict)
    fields = cast("dict[str, object]", kept)
    assert list(fields) == list(told)
    for name, value in told.items():
        check_alike(fields[name], value)


def check_same_items(kept: object, told: list[object]) -> None:
    assert isinstance(kept, list)
    items = cast("list[object]", kept)
    if len(items) == len(told):
        for one, other in zip(items, told, strict=True):
            check_alike(one, other)
        return
    numbers = sum(is_number(one) for one in told)
    assert numbers >= 9, "only a run of numbers becomes one"
    others = [one for one in told if not is_number(one)]
    kept_others = [one for one in items if not is_number(one)]
    assert len(kept_others) == len(others)
    for one, other in zip(kept_others, others, strict=True):
        check_alike(one, other)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@given(VALUES, SEPARATORS, st.lists(st.integers(1, 900), min_size=1, max_size=5))
def test_a_skeleton_has_the_shape_of_the_whole_however_it_is_cut(
    value: object, separators: tuple[str, str], sizes: list[int]
) -> None:
    text = json.dumps(value, separators=separators).encode()
    check_alike(json.loads(fed(text, sizes)), value)


@given(st.binary(max_size=2000), st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_bytes_that_are_no_json_are_taken_too(text: bytes, sizes: list[int]) -> None:
    assert len(fed(text, sizes)) <= len(text) + 2


@pytest.mark.parametrize("size", [1, 7, 1400, 65536])
@pytest.mark.parametrize("inside", [b"x", b'\\"', b"\\\\"])
def test_of_a_picture_nothing_is_kept(size: int, inside: bytes) -> None:
    text = b'{"image":"' + inside * 100_000 + b'","id":"a"}'
    assert fed(text, [size]) == b'{"image":"","id":"a"}'


@pytest.mark.parametrize("size", [7, 100, 1400, 65536])
def test_of_vectors_only_how_many_there_are_is_kept(size: int) -> None:
    chance = random.Random(size).random
    vector = ",".join(f"{chance() - 0.5:.17g}" for _ in range(3072))
    vectors = [f'{{"index":{at},"embedding":[{vector}]}}' for at in range(4)]
    text = f'{{"data":[{",".join(vectors)}],"usage":{{"prompt_tokens":12}}}}'.encode()
    kept = json.loads(fed(text, [size]))
    assert all(len(one["embedding"]) <= 8 for one in kept["data"])
    assert [one["index"] for one in kept["data"]] == [0, 1, 2, 3]
    assert kept["usage"] == {"prompt_tokens": 12}


@pytest.mark.parametrize(
    "text",
    [
        b"1" * 300_000,
        b" " * 300_000,
        b"1,1,1,1,1,1,1,a" * 20_000,
        b'"\\' * 150_000,
        b"-" * 300_000,
        b'{"a":"' + b"\\" * 300_000,
        b"[" * 300_000,
    ],
)
@pytest.mark.timeout(10)
def test_no_text_makes_it_slow(text: bytes) -> None:
    fed(text, [65536])
    fed(text, [1400])
