"""The line before a place that lets in a few: who may ask next, where everybody stands.

    join       a person stands at the end with its first message; more messages of the same person
               stand with it, not before others
    may_ask    the first of the line, as many as the place has shown to take; standard before free
    let_in     it was: its person is inside, and leaves the line with all of its messages
    inside     a person of the free tier, for ``INSIDE_S`` after its last answer: the place keeps a
               seat for so long, so its messages are asked at once, before the line
    refused    capacity   nobody of its tier or below asks before that time
               session    nobody who is not inside does; who was stands before who never was
               person     it is this person's own limit: only this person does not
               gateway    nobody asks, and no wait is told until somebody is let in again
    leave      it has given up

How many of a tier may be under way and not yet decided: one more for each that is let in, up to
``asking_max``; after a refusal, one more than were let in since the last one. So a place that
refuses is asked about one too many each time, at the time that it has said, and one that takes all
is soon asked by all.

Who stands where costs O(log n); news are looked for where enough time has passed for some.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import enum
import heapq
import itertools
import math
from collections import OrderedDict
from typing import Final

from penstock.core.line_pace import LinePace
from penstock.core.line_standing import NOWHERE, Standing, Why, is_news, pause_s, within_s
from penstock.core.ranked_line import RankedLine

ASKING_MAX: Final = 32  # asked and not yet answered; the gateway's own queue holds the rest
ASKING_FIRST: Final = 8  # before anything is known of the place
WAITING_MAX: Final = 10_000  # messages
INSIDE_MAX: Final = 20_000  # people; the one whose answer is the longest ago is forgotten
INSIDE_S: Final = 280.0  # the gateway keeps a ticket for 300 s
INSIDE_ASKING_MAX: Final = 64
RESTING_MAX: Final = 64  # people at the head who are looked past
NEWS_MAX: Final = 500  # of one look: a few milliseconds
LOOK_S: Final = 1.0


OUTSIDE: Final = (-math.inf, 0)


class _Lane(enum.IntEnum):
    STANDARD = 0
    INSIDE = 1
    RETURNED = 2  # were inside, and have been put out
    FREE = 3


NEWCOMERS: Final = (_Lane.RETURNED, _Lane.FREE)
IN_LINE: Final = (_Lane.STANDARD, *NEWCOMERS)


class _Window:
    """How many of a tier may ask at once."""

    __slots__ = ("asking", "let_in", "most", "size")

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = min(ASKING_FIRST, most)
        self.asking = 0
        self.let_in = 0  # since the last refusal

    @property
    def room(self) -> int:
        """How many more may ask."""
        return max(0, self.size - self.asking)

    def grow(self) -> None:
        """One was let in."""
        self.let_in += 1
        self.size = min(self.most, self.size + 1)

    def shrink(self) -> None:
        """One has been refused, the first since the last time that was told."""
        self.size = min(self.most, self.let_in + 1)
        self.let_in = 0


class _Person:
    __slots__ = ("lane", "messages", "name", "rests_until_s", "was_refused")

    def __init__(self, name: str, lane: _Lane) -> None:
        self.name = name
        self.lane = lane
        self.messages: OrderedDict[str, None] = OrderedDict()
        self.rests_until_s = 0.0
        self.was_refused = False


class Turnstile:
    """One line. Owned by one event loop."""

    __slots__ = (
        "_asking", "_due", "_inside", "_is_unreachable", "_lanes", "_not_before_s", "_order",
        "_paces", "_people", "_persons", "_told", "_waiting_max", "_windows", "joined",
    )  # fmt: skip

    def __init__(
        self, asking_max: int = ASKING_MAX, waiting_max: int = WAITING_MAX, now_s: float = 0.0
    ) -> None:
        self._waiting_max = waiting_max
        self._persons: dict[str, str] = {}  # message that waits -> for whom
        self._people: dict[str, _Person] = {}  # who has messages that wait
        self._lanes = {lane: RankedLine() for lane in _Lane}  # of people
        self._inside: OrderedDict[str, tuple[float, int]] = OrderedDict()  # person -> until when
        self._asking: dict[str, _Lane] = {}  # message -> where it stood when it asked
        free = _Window(asking_max)
        self._windows = {
            _Lane.STANDARD: _Window(asking_max),
            _Lane.INSIDE: _Window(INSIDE_ASKING_MAX),
            _Lane.RETURNED: free,
            _Lane.FREE: free,
        }
        self._windows[_Lane.INSIDE].size = INSIDE_ASKING_MAX
        self._not_before_s = dict.fromkeys(_Lane, 0.0)
        self._is_unreachable = False
        free_pace = LinePace(now_s)
        self._paces = {
            _Lane.STANDARD: LinePace(now_s),
            _Lane.RETURNED: free_pace,
            _Lane.FREE: free_pace,
        }
        self._told: dict[str, tuple[Standing, float]] = {}
        self._due: list[tuple[float, int, str]] = []  # when to look at what one is told
        self._order = itertools.count()
        self.joined = 0  # people who have come to the line, for the gateway to know the demand

    def __len__(self) -> int:
        return len(self._persons)

    @property
    def is_full(self) -> bool:
        """Whether nobody else can stand here."""
        return len(self._persons) >= self._waiting_max

    # --- who comes and goes

    def join(self, one: str, person: str, now_s: float, *, is_standard: bool = False) -> bool:
        """Stand at the end; who stands already stays where it is. False: the line is full."""
        if one in self._persons:
            return True
        if self.is_full:
            return False
        self._advance(now_s)
        self._persons[one] = person
        known = self._people.get(person)
        if known is None:
            lane = _Lane.STANDARD if is_standard else _Lane.FREE
            if not is_standard and self._inside.get(person, OUTSIDE)[0] > now_s:
                lane = _Lane.INSIDE
            known = self._people[person] = _Person(person, lane)
            self._lanes[lane].add(person)
            self.joined += lane is _Lane.FREE
        known.messages[one] = None
        heapq.heappush(self._due, (now_s, next(self._order), one))
        return True

    def may_ask(self, now_s: float) -> list[str]:
        """Return who is to ask now; each is to be told of as let in, refused or gone."""
        self._advance(now_s)
        found: list[str] = []
        for lane in (_Lane.INSIDE, *IN_LINE):
            if now_s < self._not_before_s[lane]:
                if lane is not _Lane.INSIDE:
                    break  # nobody who comes after it would be served before it
                continue
            self._ask(lane, found, now_s)
        return found

    def let_in(self, one: str, now_s: float) -> None:
        """Take note that it was let in: the place has begun to answer, or keeps it in its queue."""
        self._advance(now_s)
        person = self._persons.get(one)
        if person is None:
            return
        known = self._people[person]
        self._is_unreachable = False
        lane = self._asking.get(one)
        if lane is not None:
            self._windows[lane].grow()
        if known.lane is not _Lane.INSIDE:
            self._paces[known.lane].admitted()
            self._lanes[known.lane].remove(person)
            if known.lane is not _Lane.STANDARD:
                known.lane = _Lane.INSIDE
            self._lanes[known.lane].add(person)  # for its next message, at the end
        if known.lane is _Lane.INSIDE:
            self._enter(person, now_s, turns=1)
            self._paces[_Lane.FREE].served()
        self._drop(one, known)

    def refused(
        self, one: str, retry_after_s: float, now_s: float, why: Why = Why.CAPACITY
    ) -> None:
        """Take note that it has to come back."""
        self._advance(now_s)
        until_s = now_s + retry_after_s
        asked = self._stops_asking(one)
        if why is Why.GATEWAY:
            self._lose(until_s)
            return
        person = self._persons.get(one)
        known = self._people.get(person) if person is not None else None
        self._is_unreachable = False
        if known is None:
            return
        known.was_refused = True
        if why is Why.PERSON or asked is None:  # the place had let it in, and could not keep it
            known.rests_until_s = until_s
            return
        if self._not_before_s[asked] <= now_s:
            self._windows[asked].shrink()
        for lane in _held(asked, why):
            self._not_before_s[lane] = max(until_s, self._not_before_s[lane])
        if known.lane is _Lane.INSIDE and why is Why.SESSION:
            self._put_out(known)

    def ended(self, person: str, now_s: float) -> None:
        """Take note of an answer's end: its person stays inside for a while from now on."""
        if person in self._inside:
            self._enter(person, now_s)

    def leave(self, one: str, now_s: float) -> None:
        """Take note that it does not wait any more."""
        self._advance(now_s)
        person = self._persons.get(one)
        if person is not None:
            known = self._people[person]
            if len(known.messages) == 1 and known.lane is not _Lane.INSIDE:
                self._paces[known.lane].left()
            self._drop(one, known)

    # --- what they are told

    def place(self, one: str, now_s: float) -> Standing:
        """Return where it stands."""
        self._advance(now_s)
        person = self._persons.get(one)
        if person is None:
            return NOWHERE
        known = self._people[person]
        reason = self._reason(one, known, now_s)
        if one in self._asking and not known.was_refused:
            return Standing(0, -1.0, reason)
        rank = self._lanes[known.lane].rank(person)
        if known.lane is _Lane.INSIDE:
            return Standing(rank, -1.0, reason)
        ahead = sum(len(self._lanes[lane]) for lane in IN_LINE if lane < known.lane)
        eta_s = self._eta_s(known.lane, rank)
        least_s, most_s = within_s(eta_s, self._paces[known.lane].doubt(rank + ahead))
        return Standing(rank + ahead, eta_s, reason, least_s, most_s)

    def news(self, now_s: float) -> list[tuple[str, Standing]]:
        """Return those for whom enough has changed since they were told, with where they stand."""
        found: list[tuple[str, Standing]] = []
        for _ in range(NEWS_MAX):
            if not self._due or self._due[0][0] > now_s:
                break
            _, _, one = heapq.heappop(self._due)
            if one not in self._persons:
                continue
            standing = self.place(one, now_s)
            told = self._told.get(one)
            if told is None or is_news(standing, told[0], now_s - told[1]):
                self._told[one] = (standing, now_s)
                found.append((one, standing))
            heapq.heappush(self._due, (now_s + pause_s(standing), next(self._order), one))
        return found

    def next_s(self, now_s: float) -> float:
        """Return when to look again, at the latest."""
        ends_s = (at_s for at_s in self._not_before_s.values() if at_s > now_s)
        return min(now_s + LOOK_S, min(ends_s, default=now_s + LOOK_S))

    # --- helpers

    def _ask(self, lane: _Lane, found: list[str], now_s: float) -> None:
        """Let the first of a lane ask, one message each; all of theirs, if there is room for it."""
        window = self._windows[lane]
        more: list[str] = []
        for person in itertools.islice(self._lanes[lane], window.size + RESTING_MAX):
            if not window.room:
                return
            known = self._people[person]
            if known.rests_until_s <= now_s:
                first, *others = itertools.islice(known.messages, window.room)
                self._start(first, lane, found)
                more.extend(others)
        for one in more:
            if window.room:
                self._start(one, lane, found)

    def _start(self, one: str, lane: _Lane, found: list[str]) -> None:
        if one not in self._asking:
            self._asking[one] = lane
            self._windows[lane].asking += 1
            found.append(one)

    def _stops_asking(self, one: str) -> _Lane | None:
        lane = self._asking.pop(one, None)
        if lane is not None:
            self._windows[lane].asking -= 1
        return lane

    def _enter(self, person: str, now_s: float, turns: int = 0) -> None:
        inside = self._inside
        before = inside.get(person, OUTSIDE)[1]
        inside[person] = (now_s + INSIDE_S, before + turns)
        inside.move_to_end(person)
        while len(inside) > INSIDE_MAX or next(iter(inside.values()))[0] <= now_s:
            _, (_, turns) = inside.popitem(last=False)
            self._paces[_Lane.FREE].ended(turns)

    def _put_out(self, known: _Person) -> None:
        self._inside.pop(known.name, None)
        self._lanes[known.lane].remove(known.name)
        known.lane = _Lane.RETURNED
        self._lanes[known.lane].add(known.name)

    def _lose(self, until_s: float) -> None:
        """Take note that the place cannot be reached: one asks then, and all is to be learned."""
        self._is_unreachable = True
        for lane in _Lane:
            self._not_before_s[lane] = max(until_s, self._not_before_s[lane])
            self._windows[lane].size = 1
        for pace in self._paces.values():
            pace.forget()

    def _drop(self, one: str, known: _Person) -> None:
        self._stops_asking(one)
        del self._persons[one]
        del known.messages[one]
        self._told.pop(one, None)
        if not known.messages:
            del self._people[known.name]
            self._lanes[known.lane].remove(known.name)

    def _advance(self, now_s: float) -> None:
        for lanes in ((_Lane.STANDARD,), NEWCOMERS):
            waiting = sum(len(self._lanes[lane]) for lane in lanes)
            is_told = any(now_s < self._not_before_s[lane] for lane in lanes)
            is_held = is_told or waiting > self._windows[lanes[0]].asking
            self._paces[lanes[0]].advance(waiting, is_held=is_held and waiting > 0, now_s=now_s)

    def _eta_s(self, lane: _Lane, rank: int) -> float:
        if self._is_unreachable:
            return -1.0
        first = len(self._lanes[_Lane.STANDARD])
        if lane is _Lane.FREE:
            rank += len(self._lanes[_Lane.RETURNED])
        own_s = self._paces[lane].wait_s(rank)
        if lane is _Lane.STANDARD or not first or own_s < 0.0:
            return own_s
        before_s = self._paces[_Lane.STANDARD].wait_s(first)
        return -1.0 if before_s < 0.0 else before_s + own_s

    def _reason(self, one: str, known: _Person, now_s: float) -> str:
        if self._is_unreachable:
            return Why.GATEWAY.value
        if known.rests_until_s > now_s or next(iter(known.messages)) != one:
            return Why.PERSON.value
        return Why.CAPACITY.value


def _held(asked: _Lane, why: Why) -> tuple[_Lane, ...]:
    """Return who does not ask either, after a refusal of one of this lane."""
    if why is Why.SESSION or asked in NEWCOMERS:
        return NEWCOMERS
    return (_Lane.INSIDE, *NEWCOMERS) if asked is _Lane.INSIDE else tuple(_Lane)
