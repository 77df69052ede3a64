"""What an object keeps, by name: the same for a class that is compiled and one that is not."""

from collections.abc import Sequence
from typing import Any


def names_of(cls: Any) -> Sequence[str]:
    """Return the names of what objects of a class with slots keep, sorted; none without slots.

    A compiled class has no ``__slots__``, but a list of its own, in another order.
    """
    return sorted(getattr(cls, "__mypyc_attrs__", None) or getattr(cls, "__slots__", ()))
