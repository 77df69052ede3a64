"""Synthetic users of one arm, from the first arrival until the last of their calls is over.

    arrivals   each class sends by itself; no session and no turn begins after the last played
               second, or once ``stop`` is set
    before     sessions of several turns that would have begun before it are in their middle when
               it begins, as if it had always gone on so
    sessions   turn after turn, with a pause; the first that is not answered ends it
    the end    calls that are under way may end within ``linger_s``; the rest are unfinished

All of it runs on callbacks of the loop: tasks are only for connecting.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from penstock.apps.drill.driving.asking import Question, letter
from penstock.apps.drill.driving.chat_browser import Browser
from penstock.apps.drill.driving.chatting import Accounts, ChatVisit, user_of
from penstock.apps.drill.driving.job import Asked, Job, Setting
from penstock.apps.drill.driving.lines import Lines
from penstock.apps.drill.driving.people import Visit, gaps, visit
from penstock.apps.drill.driving.plan import Plan
from penstock.sim.arrivals import Rate
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call
from penstock.sim.drills.traffic import API, CHAT, Traffic
from penstock.wire import clock

ANSWER_S: Final = 4.0  # about what an answer takes; only sessions that had begun before need it
OPEN_MAX: Final = 1_000  # calls at once of one arm; below ``LINES_MAX``, so that none fails for us

OnCall = Callable[[Call], None]


async def drive(plan: Plan, on_call: OnCall, accounts: Accounts | None = None) -> int:
    """Play an arm's traffic; ``on_call`` hears of each call once, when it is over.

    Without accounts nobody comes to the chat; they are closed at the end. Returns how many
    sessions were left out, because there were ``OPEN_MAX`` calls under way: then the mix is more
    than this machine can play.
    """
    zero_s = clock.now_s() if plan.zero_s is None else plan.zero_s
    async with asyncio.TaskGroup() as tasks:
        lines = Lines(tasks)
        setting = Setting(
            plan.arm, lines, lambda: clock.now_s() - zero_s, asyncio.get_running_loop()
        )
        crowd = Crowd(plan, setting, on_call, Visits(setting, accounts, tasks))
        try:
            crowd.start()
            await crowd.until_over()
        finally:
            crowd.cut()
            lines.close()
            if accounts is not None:
                await accounts.close()
    return crowd.left_out


class Crowd:
    """All users of an arm."""

    def __init__(self, plan: Plan, setting: Setting, on_call: OnCall, visits: "Visits") -> None:
        self._plan = plan
        self._setting = setting
        self._on_call = on_call
        self._visits = visits
        self._under_way: set[Cuttable] = set()
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._timer = 0
        self.is_over = False
        self.left_out = 0
        self._idle = asyncio.Event()

    def start(self) -> None:
        """Let the first of each class come."""
        for one in self._plan.mix:
            if one.per_s and (self._visits.takes(one) or self._is_asked(one)):
                Arrivals(self._plan, one, self)

    async def until_over(self) -> None:
        """Wait until the drill is over, and then for what is under way, for a while."""
        left_s = self._plan.timetable.played_s - self._setting.now_s()
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await self._plan.stop.wait()
        except TimeoutError:
            pass
        self.is_over = True
        for one in self._timers.values():
            one.cancel()
        if self._plan.stop.is_set() or not self._under_way:
            return
        try:
            async with asyncio.timeout(self._plan.linger_s):
                await self._idle.wait()
        except TimeoutError:
            pass

    def cut(self) -> None:
        """End what is under way."""
        self.is_over = True
        for one in list(self._under_way):
            one.cut()
        self._visits.cut()

    def at(self, at_s: float, then: Callable[[], None]) -> None:
        """Do something at an instant of played time, if it is not over by then."""
        if self.is_over or at_s >= self._plan.timetable.played_s:
            return
        self._timer += 1
        number = self._timer

        def due() -> None:
            del self._timers[number]
            then()

        in_s = max(0.0, at_s - self._setting.now_s())
        self._timers[number] = self._setting.loop.call_later(in_s, due)

    def _is_asked(self, traffic: Traffic) -> bool:
        return traffic.place == API and bool(self._plan.places.get(traffic.name))

    def open(self, traffic: Traffic, coming: Visit) -> None:
        """Begin a session."""
        if len(self._under_way) >= OPEN_MAX:
            self.left_out += 1
            return
        if traffic.place == API:
            Session(self, traffic, coming).next()
        else:
            self._visits.begin(self, traffic, coming)

    def ask(self, asked: Asked, coming: Visit, then: OnCall) -> None:
        """Begin a call."""

        def done(job: Job, call: Call) -> None:
            self.ended(job, call)
            then(call)

        job = Job(self._setting, asked, coming.dice.random, done)
        self.began(job)
        job.start()

    def began(self, one: "Cuttable") -> None:
        """Note that a call is under way."""
        self._under_way.add(one)

    def ended(self, one: "Cuttable", call: Call) -> None:
        """Tell of a call that is over."""
        self._under_way.discard(one)
        self._on_call(call)
        if self.is_over and not self._under_way:
            self._idle.set()

    @property
    def now_s(self) -> float:
        """Played time."""
        return self._setting.now_s()


class Cuttable(Protocol):
    """A call that can be ended before it is over."""

    def cut(self) -> None:
        """End it."""


class Visits:
    """People who are at the chat now, a task each."""

    def __init__(
        self, setting: Setting, accounts: Accounts | None, tasks: asyncio.TaskGroup
    ) -> None:
        self._setting = setting
        self._accounts = accounts
        self._tasks = tasks
        self._there: set[asyncio.Task[None]] = set()

    def takes(self, traffic: Traffic) -> bool:
        """Tell whether people of this class have accounts."""
        found: Mapping[str, Browser] = self._accounts.browsers if self._accounts else {}
        return traffic.place == CHAT and user_of(traffic, 0) in found

    def begin(self, crowd: Crowd, traffic: Traffic, coming: Visit) -> None:
        """Let somebody come."""
        assert self._accounts is not None
        browser = self._accounts.browsers[coming.user or user_of(traffic, 0)]
        one = ChatVisit(self._setting, crowd, browser, traffic, coming)
        one.task = task = self._tasks.create_task(one.run())
        self._there.add(task)
        task.add_done_callback(self._there.discard)

    def cut(self) -> None:
        """Send everybody home."""
        for one in list(self._there):
            one.cancel()


class Arrivals:
    """Sessions of one class of traffic."""

    def __init__(self, plan: Plan, traffic: Traffic, crowd: Crowd) -> None:
        self._plan = plan
        self._traffic = traffic
        self._crowd = crowd
        self._gaps = gaps(plan, traffic)
        self._rate = Rate(traffic.per_s / traffic.turns)
        self._turn_s = traffic.think_s + ANSWER_S
        self._lead_s = (traffic.turns - 1) * self._turn_s
        self._number = 0
        self._at_s = -self._lead_s
        while self._draw() < 0.0:
            self._go_on()
        self._next()

    def _draw(self) -> float:
        self._number += 1
        since_s = self._rate.after(self._at_s + self._lead_s, self._gaps())
        self._at_s = since_s - self._lead_s
        return self._at_s

    def _go_on(self) -> None:
        """Let a session that began before the drill go on with the turn that is due in it."""
        turn = math.ceil(-self._at_s / self._turn_s)
        if turn < self._traffic.turns:
            self._open_at(self._at_s + turn * self._turn_s, self._number, turn)

    def _next(self) -> None:
        number = self._number
        self._crowd.at(self._at_s, lambda: self._arrive(number))

    def _arrive(self, number: int) -> None:
        self._open(number, 0)
        self._draw()
        self._next()

    def _open_at(self, at_s: float, number: int, turn: int) -> None:
        self._crowd.at(at_s, lambda: self._open(number, turn))

    def _open(self, number: int, turn: int) -> None:
        self._crowd.open(self._traffic, visit(self._plan, self._traffic, number, turn))


class Session:
    """One user's calls, each after the one before was answered."""

    def __init__(self, crowd: Crowd, traffic: Traffic, coming: Visit) -> None:
        self._crowd = crowd
        self._traffic = traffic
        self._coming = coming
        self._at = coming.first
        self._said: list[Question] = [one.question for one in coming.turns[: coming.first]]

    def next(self) -> None:
        """Ask the next turn."""
        coming, turn = self._coming, self._coming.turns[self._at]
        assert coming.place is not None
        asked = Asked(
            traffic=self._traffic,
            place=coming.place,
            question=turn.question,
            letter=letter(
                coming.place, turn.question, self._said, coming.user, is_stream=turn.is_stream
            ),
            user=coming.user,
            session=coming.name,
            turn=self._at,
            is_last=self._at == len(coming.turns) - 1,
            is_stream=turn.is_stream,
        )
        self._crowd.ask(asked, coming, self._answered)

    def _answered(self, call: Call) -> None:
        turns = self._coming.turns
        if call.end != shapes.COMPLETE or call.is_last:
            return
        self._said.append(turns[self._at].question)
        self._at += 1
        self._crowd.at(self._crowd.now_s + turns[self._at].after_s, self.next)
