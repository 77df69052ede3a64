"""Names of what is kept, for plain and compiled classes."""

from penstock.core.attributes import names_of
from penstock.core.claim import Claim


class Compiled:
    """As mypyc leaves one."""

    __mypyc_attrs__ = ("b", "a")


class Open:
    """Without slots."""


def test_the_names_are_sorted_whatever_their_order_in_the_class() -> None:
    assert names_of(Compiled) == ["a", "b"]
    names = names_of(Claim)
    assert names == sorted(names)
    assert {"tenant", "tier", "used"} <= set(names)


def test_a_class_without_slots_tells_none() -> None:
    assert names_of(Open) == []
