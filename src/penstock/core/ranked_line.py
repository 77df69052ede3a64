"""Ranked line: who stands in a line, in the order of coming, and how many stand before anybody.

    add      at the end; who stands already stays where it is
    remove   from anywhere
    rank     1 is the first

Adding, removing and ranking cost O(log n), amortised; the first ones O(1) each. A Fenwick tree
counts who is still there by the order of coming; places of those who left are swept out when they
are more than those who stand.

Source: Fenwick, "A new data structure for cumulative frequency tables", 1994. Pure.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

GONE_SPARE: Final = 64  # places of those who left, before a sweep


class RankedLine:
    """One line. Owned by one event loop; not thread-safe."""

    __slots__ = ("_at", "_tree")

    def __init__(self) -> None:
        self._at: OrderedDict[str, int] = OrderedDict()  # who stands -> its place in the tree
        self._tree = [0]  # places count from 1

    def __len__(self) -> int:
        return len(self._at)

    @property
    def places(self) -> int:
        """How many places are held, of those who are gone too."""
        return len(self._tree)

    def __contains__(self, one: str) -> bool:
        return one in self._at

    def __iter__(self) -> Iterator[str]:
        """Go through them from the first on."""
        return iter(self._at)

    def add(self, one: str) -> None:
        """Stand at the end."""
        if one in self._at:
            return
        at = len(self._tree)
        count = 1
        below = at - 1
        while below > at - (at & -at):
            count += self._tree[below]
            below -= below & -below
        self._tree.append(count)
        self._at[one] = at

    def remove(self, one: str) -> None:
        """Stand there no longer; whoever does not is not missed."""
        at = self._at.pop(one, 0)
        if not at:
            return
        tree = self._tree
        while at < len(tree):
            tree[at] -= 1
            at += at & -at
        if len(tree) > 2 * len(self._at) + GONE_SPARE:
            standing = list(self._at)
            self._at.clear()
            self._tree = [0]
            for each in standing:
                self.add(each)

    def rank(self, one: str) -> int:
        """Return its place, 1 is the first; 0: it does not stand here."""
        at = self._at.get(one, 0)
        found = 0
        while at:
            found += self._tree[at]
            at -= at & -at
        return found
