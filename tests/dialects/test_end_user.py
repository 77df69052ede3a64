"""A user's name fits, and two users stay two."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.end_user import CHARS_MAX, short

NAMES = st.text(st.characters(codec="utf-8"), max_size=200)


@given(NAMES, NAMES)
def test_names_fit_and_stay_apart(one: str, other: str) -> None:
    assert len(short(one)) <= CHARS_MAX
    assert (short(one) == short(other)) == (one == other)
    assert len(one) > CHARS_MAX or short(one) == one
