"""A conversation in the form that every dialect accepts.

the same role twice                   one turn
a text without a character            left out
a cache point                         where it stood; after the leading instructions a flag
a turn without parts                  left out
instructions before the first turn    ``system``, a blank line between them
instructions later on                 a turn of their own
a tool's result                       first in the user turn after the turn with its call
a result without its call, a call     refused by name: no dialect accepts it
without its result, an id used twice
"""

from collections.abc import Iterable

from penstock.core.errors import CallerError
from penstock.dialects.message import CachePoint, Part, Role, Text, ToolCall, ToolResult, Turn


class _Draft:
    __slots__ = ("parts", "place", "results", "role")

    def __init__(self, role: Role, place: str) -> None:
        self.role = role
        self.place = place
        self.results: list[ToolResult] = []
        self.parts: list[Part] = []

    def call_ids(self) -> list[str]:
        return [part.id for part in self.parts if isinstance(part, ToolCall)]

    def result_ids(self) -> list[str]:
        return [result.call_id for result in self.results]


class History:
    """Puts turns together as they are read."""

    def __init__(self) -> None:
        self._system: list[str] = []
        self._drafts: list[_Draft] = []
        self.caches_system = False

    @property
    def system(self) -> str:
        """The instructions that stand before everything else."""
        return "\n\n".join(self._system)

    @property
    def has_turns(self) -> bool:
        """Whether anything but leading instructions has been said."""
        return bool(self._drafts)

    def add(self, role: Role, parts: Iterable[Part], place: str) -> None:
        """Add what one message says; ``place`` is where it stands in the request."""
        for part in parts:
            if isinstance(part, ToolResult):
                self._add_result(part, place)
            elif isinstance(part, CachePoint):
                self.mark(part)
            elif isinstance(part, Text) and not part.text:
                continue
            elif role is Role.SYSTEM and not self._drafts and isinstance(part, Text):
                self._system.append(part.text)
            else:
                self._open(role, place).parts.append(part)

    def mark(self, point: CachePoint) -> None:
        """Put a cache point behind all that has been said so far."""
        if not self._drafts:
            self.caches_system = bool(self._system)
        elif not isinstance((self._drafts[-1].parts or [None])[-1], CachePoint):
            self._drafts[-1].parts.append(point)

    def turns(self) -> tuple[Turn, ...]:
        """Return the turns; raises CallerError if a call has no result."""
        for draft, after in zip(self._drafts, [*self._drafts[1:], None], strict=False):
            calls = draft.call_ids()
            if len(set(calls)) != len(calls):
                raise _refused(draft.place, "two tool calls of one turn have the same id")
            answered = after.result_ids() if after is not None else []
            missing = [call_id for call_id in calls if call_id not in answered]
            if missing:
                raise _refused(draft.place, f"the tool call {missing[0]!r} has no result")
        return tuple(Turn(draft.role, (*draft.results, *draft.parts)) for draft in self._drafts)

    def _open(self, role: Role, place: str) -> _Draft:
        if not self._drafts or self._drafts[-1].role is not role:
            self._drafts.append(_Draft(role, place))
        return self._drafts[-1]

    def _add_result(self, result: ToolResult, place: str) -> None:
        at = len(self._drafts) - 1
        while at >= 0 and self._drafts[at].role is not Role.ASSISTANT:
            at -= 1
        if at < 0 or result.call_id not in self._drafts[at].call_ids():
            raise _refused(place, f"the tool result {result.call_id!r} answers no call before it")
        if at + 1 == len(self._drafts) or self._drafts[at + 1].role is not Role.USER:
            self._drafts.insert(at + 1, _Draft(Role.USER, place))
        after = self._drafts[at + 1]
        if result.call_id in after.result_ids():
            raise _refused(place, f"the tool call {result.call_id!r} has two results")
        after.results.append(result)


def _refused(place: str, message: str) -> CallerError:
    return CallerError(f"{place}: {message}.", param=place)
