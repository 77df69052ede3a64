"""Numbers that fit: at most six characters, and never wrong by more than their last digit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.web.quantities import UNKNOWN, money, number, seconds, share, size

UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
TIMES = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def read_number(words: str) -> tuple[float, float]:
    """Return a told number, and by how much it may be wrong."""
    digits = words.rstrip("kMG")
    size = UNITS[words[len(digits) :]]
    behind = len(digits.partition(".")[2])
    return float(digits.replace(",", "")) * size, size * 10.0**-behind / 2


@given(st.floats(0.0, 9.9e11) | st.integers(0, 10**11))
def test_a_number_is_short_and_right(value: float) -> None:
    words = number(value)
    told, error = read_number(words)
    assert len(words) <= 6
    assert abs(told - value) <= error * 1.001


@given(st.floats(0.0, 86_400.0 * 99))
def test_a_duration_is_short_and_right(value: float) -> None:
    words = seconds(value)
    digits, _, unit = words.partition(" ")
    behind = len(digits.partition(".")[2])
    assert len(words) <= 7
    assert len(words) <= 6 or unit == "min"
    assert abs(float(digits) * TIMES[unit] - value) <= TIMES[unit] * 10.0**-behind * 0.501


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, UNKNOWN), (0, "0"), (0.04, "0.04"), (0.5, "0.5"), (3, "3"), (3.26, "3.3"),
        (99.96, "100"), (1234, "1,234"), (9999.4, "9,999"), (9999.6, "10.0k"), (123_456, "123k"),
        (1_234_567, "1.2M"),
    ],
)  # fmt: skip
def test_numbers_read_well(value: float | None, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, UNKNOWN), (0.0, "0 ms"), (0.32, "320 ms"), (0.9996, "1.0 s"), (9.96, "10 s"),
        (119.6, "2 min"), (7200.0, "2 h"), (200_000.0, "2 d"),
    ],
)  # fmt: skip
def test_durations_read_well(value: float | None, words: str) -> None:
    assert seconds(value) == words


@given(st.integers(1, 10**15))
def test_money_is_right_to_two_digits(amount_microusd: int) -> None:
    words = money(amount_microusd)
    told, error = read_number(words.removeprefix("$"))
    assert abs(told - amount_microusd / 1e6) <= max(error, 5e-7) * 1.001
    assert error <= amount_microusd / 1e6 / 2 * 1.001
    assert money(-amount_microusd) == f"-{words}"


@given(st.floats(0.0, 1.0))
def test_a_share_is_never_all_or_nothing_unless_it_is(ratio: float) -> None:
    assert (share(ratio) == "100 %") == (ratio == 1.0)
    assert (share(ratio) == "0 %") == (ratio == 0.0)


def test_sizes_are_decimal() -> None:
    assert [size(one) for one in (None, 0, 999, 1500, 2_500_000)] == [
        UNKNOWN,
        "0 B",
        "999 B",
        "1.5 kB",
        "2.5 MB",
    ]
