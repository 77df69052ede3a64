"""Vectors repeat, have length one, and begin alike."""

import base64
import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.vectors import in_base64, vector

VOICE = ("7", "gpt", "text-embedding-3-small")


@given(st.text(), st.integers(1, 300))
def test_a_text_has_one_vector_of_length_one(text: str, dimensions: int) -> None:
    made = vector(VOICE, text, dimensions)
    assert made == vector(VOICE, text, dimensions)
    assert len(made) == dimensions
    assert math.isclose(math.hypot(*made), 1.0, abs_tol=1e-6)


@given(st.text(), st.text())
def test_other_texts_have_other_vectors(one: str, other: str) -> None:
    assert (one == other) == (vector(VOICE, one, 64) == vector(VOICE, other, 64))


@given(st.text(), st.integers(2, 64))
def test_fewer_dimensions_are_the_beginning_of_more(text: str, dimensions: int) -> None:
    few, many = vector(VOICE, text, dimensions), vector(VOICE, text, 128)[:dimensions]
    length = math.hypot(*many)
    assert all(math.isclose(a, b / length, abs_tol=1e-6) for a, b in zip(few, many, strict=True))


@given(st.text())
def test_base64_loses_nothing(text: str) -> None:
    made = vector(VOICE, text, 16)
    assert list(struct.unpack("<16f", base64.b64decode(in_base64(made)))) == made
