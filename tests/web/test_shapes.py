"""Each state has a shape of its own."""

from penstock.web.shapes import STATES, shape


def test_no_two_states_look_the_same() -> None:
    assert len({shape(state) for state in STATES}) == len(STATES)


def test_a_state_that_nobody_knows_is_unknown() -> None:
    assert shape("elsewhere") == shape("unknown")
