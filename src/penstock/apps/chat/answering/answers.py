"""Answers that are under way: from the row of ``jobs`` to the message that is whole.

    WAITING    in a line of its own (``core/turnstile``), behind others of the same person
    asked      its connection to the gateway; it leaves the line with its first word
    again      the gateway is down, busy, or has lost the connection: back into the line
    over       done, stopped, broken or refused: message and job are written in one transaction,
               then browsers are told

A start takes up all jobs that there are: those that had begun are asked for at once, past the line,
the others stand in it. Nothing of an answer depends on who looks at it.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Final

import msgspec

from penstock.apps.chat.answering import asking, jobs, rows, verdict, where
from penstock.apps.chat.answering.answer import Step
from penstock.apps.chat.answering.asked import REUSED, Asked
from penstock.apps.chat.answering.client import Gateway, Pause
from penstock.apps.chat.answering.hearing import Failed
from penstock.apps.chat.answering.jobs import Job
from penstock.apps.chat.answering.log import Change, EventLog, frame
from penstock.apps.chat.answering.verdict import Next, Verdict
from penstock.apps.chat.parts import Parts, Said
from penstock.apps.chat.shapes import AnswerState, Delta, Place, Trouble
from penstock.core.errors import PenstockError
from penstock.core.ladder import LEVEL_MAX
from penstock.core.line_standing import Why
from penstock.core.turnstile import Turnstile
from penstock.telemetry import log as logging
from penstock.web.keeping_up import is_set_within, pause
from penstock.wire import clock

STANDARD: Final = "standard"
TOLD: Final = "told"
LOOK_S: Final = 1.0  # between two looks at the line; places are told as often
TOLD_PER_S: Final = 10_000  # deltas of all answers together: what one core can tell
GROUP_MAX_S: Final = 0.25  # longer looks like stuttering
TRIM_S: Final = 60.0
TOO_LONG: Final = Trouble(
    "waited_too_long",
    "There has been no room for this answer.",
    "Ask again later; the message is kept.",
)


class NoAnswers:
    """None are under way: for tests of what does not depend on them."""

    def begin(self, message: str) -> None:
        """Look at a new job."""

    def stop(self, message: str) -> None:
        """End an answer."""

    def said(self, message: str) -> Said | None:
        """Return how far it is."""
        del message
        return None


class AnswerDesk:
    """All answers of the process. Owned by one event loop; see ``parts.Answers`` for threads."""

    def __init__(
        self, parts: Parts, log: EventLog, new_key: Callable[[], str] | None = None
    ) -> None:
        self._parts = parts
        self._log = log
        self._new_key = new_key or (lambda: secrets.token_urlsafe(24))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._line = Turnstile()
        self._under: dict[str, Asked] = {}
        self._loading: dict[str, bool] = {}  # and whether it is to be stopped at once
        self._is_taken_up = False  # the jobs of the process before are known
        self._early: list[tuple[Callable[[str], None], str]] = []  # what was wished before that
        self._running: dict[str, set[str]] = {}  # account -> answers in line or asked
        self._behind: dict[str, deque[Asked]] = {}  # account -> those that wait for these
        self._pause = Pause()
        self._gateway: Gateway | None = None
        self._wake = asyncio.Event()
        self._given_up_s = -LOOK_S
        self._places: dict[str, Place] = {}
        self.gateway_trouble = ""  # why the gateway cannot be asked; empty: it can

    # --- from any thread

    def begin(self, message: str) -> None:
        """Look at the row of ``jobs`` that has just been committed for this answer."""
        self._here(self._begin, message)

    def stop(self, message: str) -> None:
        """End an answer, and what is spent on it; what has come stays."""
        self._here(self._stop, message)

    def said(self, message: str) -> Said | None:
        """Return how far it is; None if it is not under way."""
        one = self._under.get(message)
        if one is None:
            return None
        seq = self._log.seq  # before the text: what is in both is told again, never missing
        return Said(one.answer.text, one.answer.reasoning, seq)

    # --- on the event loop

    @property
    def count(self) -> int:
        """How many are under way."""
        return len(self._under)

    def greeting(self, account: str) -> Iterable[bytes]:
        """Return where the waiting answers of an account are, for a browser that comes."""
        behind = self._behind.get(account, ())
        for message in (*self._running.get(account, ()), *(one.job.message for one in behind)):
            if message in self._places:
                yield frame("place", msgspec.json.encode(self._places[message]))

    def attach(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Make answers, for ever."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._trim())
            try:
                await self._take_up()
                while True:
                    self._look()
                    await is_set_within(self._wake, LOOK_S)
                    self._wake.clear()
            finally:
                self._tasks = None  # nothing more is begun

    async def _take_up(self) -> None:
        for job in await asyncio.to_thread(jobs.load_all, self._parts.store):
            if job.message not in self._under:
                self._join(Asked(job, self), was_let_in=job.was_begun)
        self._is_taken_up = True
        early, self._early = self._early, []
        for work, message in early:
            work(message)

    def close(self) -> None:
        """Let all connections go; the next start takes the answers up."""
        for one in self._under.values():
            one.let_go()

    def now_unix_s(self) -> float:
        """Return the time."""
        return self._parts.now_unix_s()

    def kept(self) -> list[Change]:
        """Return what saves the text of answers, parts of which the log is about to lose."""
        return [
            jobs.so_far(
                one.job.message, {"text": one.answer.text, "reasoning": one.answer.reasoning}
            )
            for one in self._under.values()
            if one.answer.units and not one.is_over
        ]

    # --- the line

    def _begin(self, message: str) -> None:
        if message not in self._under and message not in self._loading:
            self._loading[message] = False
            self._start(partial(self._load, message))

    async def _load(self, message: str) -> None:
        job: Job | None = None
        try:
            job = await asyncio.to_thread(jobs.load, self._parts.store, message)
        finally:
            is_stopped = self._loading.pop(message)
        if job is not None and message not in self._under:
            self._join_or_end(Asked(job, self), is_stopped=is_stopped)

    def _join_or_end(self, one: Asked, *, is_stopped: bool) -> None:
        if is_stopped:
            self._under[one.job.message] = one
            self._end(one, AnswerState.STOPPED)
        else:
            self._join(one)

    def _join(self, one: Asked, *, was_let_in: bool = False) -> None:
        job = one.job
        self._under[job.message] = one
        running = self._running.setdefault(job.account, set())
        if len(running) < self._parts.config.chat.answers_running_max:
            running.add(job.message)
            if was_let_in:  # the gateway has it, or knows its person: no line before it
                self._start(partial(self._ask, one))
            else:
                self._line_up(one)
        else:
            one.reason = "person"
            self._behind.setdefault(job.account, deque()).append(one)
            self._tell_place(one, clock.now_s())
        self._wake.set()

    def _line_up(self, one: Asked) -> None:
        one.in_line, one.is_let_in = True, False
        is_standard = one.job.tier == STANDARD
        self._line.join(one.job.message, one.job.person, clock.now_s(), is_standard=is_standard)
        self._wake.set()

    def _look(self) -> None:
        now_s = clock.now_s()
        chat = self._parts.config.chat
        told_s = len(self._under) / TOLD_PER_S
        self._pause.rest_s = max(chat.group_s, min(GROUP_MAX_S, told_s))
        if now_s >= self._given_up_s + LOOK_S:  # it looks at all of them
            self._given_up_s = now_s
            self._give_up(chat.wait_max_s)
        for message in self._line.may_ask(now_s):
            one = self._under.get(message)
            if one is None:
                self._line.leave(message, now_s)
            else:
                self._start(partial(self._ask, one))
        self._tell_places(now_s)

    def _give_up(self, wait_max_s: float) -> None:
        limit = self.now_unix_s() - wait_max_s
        for one in list(self._under.values()):
            is_waiting = one.answer.state is AnswerState.WAITING and not one.is_over
            if is_waiting and one.job.created_unix_s < limit:
                self._end(one, AnswerState.REFUSED, TOO_LONG)

    def _tell_places(self, now_s: float) -> None:
        """Tell those who stand elsewhere than they were told, by as much as matters."""
        for message, _ in self._line.news(now_s):
            one = self._under.get(message)
            if one is not None:
                self._tell_place(one, now_s)

    def _tell_place(self, one: Asked, now_s: float) -> None:
        if one.is_let_in or one.is_over or one.answer.state is not AnswerState.WAITING:
            return
        place = self._place(one, now_s)
        if place != self._places.get(one.job.message):
            self._places[one.job.message] = place
            self._log.pass_on(one.job.account, frame("place", msgspec.json.encode(place)))

    def _place(self, one: Asked, now_s: float) -> Place:
        message, since = one.job.message, one.job.created_unix_s
        if one.queued is not None:
            return Place(message, one.queued.position, one.queued.eta_s, since, "capacity")
        if not one.in_line:
            behind = self._behind.get(one.job.account, ())
            return Place(message, list(behind).index(one) + 1 if one in behind else 1, -1.0, since,
                         "person")  # fmt: skip
        stands = self._line.place(message, now_s)
        reason = stands.reason if stands.position else ""
        if reason == Why.CAPACITY.value and one.reason == TOLD:
            reason = TOLD
        return Place(
            message, stands.position, stands.eta_s, since, reason, stands.least_s, stands.most_s
        )

    # --- asking

    async def _ask(self, one: Asked) -> None:
        from_units = one.asks_from_units
        found = await asyncio.to_thread(self._prepared, one.job_now(), from_units)
        if one.is_over:
            return
        is_first = not from_units
        one.begin()
        if not one.is_probing:
            self._log.change(
                jobs.asked(one.job.message, one.key, one.base_units, one.tries, self.now_unix_s())
            )
            if not is_first:  # the gateway may be asked for this part once: it must be known
                await self._log.flushed()
        gateway = self._at(found[0])
        request = gateway.request(
            b"POST", asking.headers(one.job, one.key, self._line.joined), found[1]
        )
        try:
            connection = await gateway.open(one, request, self._pause)
        except (OSError, TimeoutError) as error:
            self.gateway_trouble = f"{error or 'it does not answer'}"
            if self._parts.room is not None:
                self._parts.room.on_gateway_failed()
            self._follow(one, verdict.of_silence(one.downs))
            one.downs += 1
            return
        self.gateway_trouble = ""
        if one.is_over:
            connection.close()
        elif one.status == 0 or one.connection is None:
            one.connection = connection

    def _prepared(self, job: Job, from_units: int) -> tuple[where.Place, bytes]:
        return where.gateway(self._parts), asking.body(self._parts, job, from_units)

    def _at(self, place: where.Place) -> Gateway:
        if self._gateway is None or not self._gateway.is_at(*place):
            self._gateway = Gateway(*place)
        return self._gateway

    # --- what comes of it

    def on_step(self, one: Asked, step: Step) -> None:
        """Tell what was said."""
        job = one.job
        self._hear_load(one, step)
        if step.is_changed:
            self._changed(one)
        if step.reasoning:
            told = msgspec.json.encode(Delta(job.message, step.reasoning_at, step.reasoning))
            self._log.tell_here(job.account, "reasoning", told, job.message)
        if step.text:
            told = msgspec.json.encode(Delta(job.message, step.at, step.text))
            self._log.tell_here(job.account, "delta", told, job.message)
        if step.is_other:
            self._follow(one, Verdict(Next.AFRESH))
        elif step.is_done:
            self._end(one, AnswerState.DONE)
        elif step.failed is not None:
            request = one.headers.get(b"x-request-id", b"").decode("latin-1")
            has_text = one.answer.units > 0
            self._follow(
                one, verdict.of_event(step.failed, request, has_text=has_text, tries=one.tries)
            )

    def _hear_load(self, one: Asked, step: Step) -> None:
        """Take what the gateway says of its queue and of its load."""
        if step.queued is not None:
            one.queued = step.queued
            self._line.let_in(one.job.message, clock.now_s())  # the gateway's own queue has it
            self._tell_place(one, clock.now_s())
        if step.load is not None and self._parts.room is not None:
            self._parts.room.on_load(step.load.level, step.load.degraded)

    def on_refused(self, one: Asked, failed: Failed) -> None:
        """See what follows."""
        if one.is_probing and failed.code == REUSED:
            self._follow(one, Verdict(Next.AGAIN))
            return
        patience_s = one.job.created_unix_s + self._parts.config.chat.wait_max_s
        self._follow(
            one,
            verdict.of_status(
                one.status, one.headers, failed, tries=one.tries,
                patience_s=patience_s - self.now_unix_s(),
            ),
        )  # fmt: skip

    def on_broken(self, one: Asked) -> None:
        """Ask again: the gateway may have it still."""
        self._follow(one, verdict.of_break())

    def _changed(self, one: Asked) -> None:
        answer = one.answer
        if not one.is_let_in and answer.state is AnswerState.STREAMING:
            one.is_let_in, one.in_line, one.queued = True, False, None
            self._line.let_in(one.job.message, clock.now_s())
            self._places.pop(one.job.message, None)
            self._wake.set()
        self._log.change(jobs.so_far(one.job.message, rows.streaming(answer)))
        self._log.tell_here(
            one.job.account, "message", msgspec.json.encode(answer.message(is_whole=False)),
            one.job.message,
        )  # fmt: skip

    def _follow(self, one: Asked, found: Verdict) -> None:
        one.let_go()
        if one.is_over:
            return
        if found.next is Next.ENDED:
            has_text = one.answer.units > 0
            self._end(one, AnswerState.BROKEN if has_text else AnswerState.REFUSED, found.trouble)
            return
        if found.next is Next.AFRESH:
            one.afresh(self._new_key())
        one.queued = None
        one.reason = found.reason or one.reason
        now_s = clock.now_s()
        self._line_up(one)  # the gateway may have had it in, and not have kept it
        self._line.refused(one.job.message, found.wait_s, now_s, found.why)
        if found.why is Why.SESSION and self._parts.room is not None:
            self._parts.room.on_load(LEVEL_MAX, ())
        self._tell_place(one, now_s)

    # --- the end

    def _stop(self, message: str) -> None:
        one = self._under.get(message)
        if one is None:
            if message in self._loading:
                self._loading[message] = True
            return
        if not one.is_over:
            self._end(one, AnswerState.STOPPED)

    def _end(self, one: Asked, state: AnswerState, error: Trouble | None = None) -> None:
        job, now_unix_s = one.job, self.now_unix_s()
        one.is_over = True
        one.let_go()
        if state is AnswerState.STOPPED and one.is_asked and self._gateway is not None:
            headers = {"idempotency-key": one.key}
            request = self._gateway.request(b"DELETE", headers)
            self._start(partial(self._gateway.tell, request))
        one.answer.end(state, now_unix_s, error)
        self._line.leave(job.message, clock.now_s())
        self._line.ended(job.person, clock.now_s())
        self._places.pop(job.message, None)
        self._next_of(one)
        first, second = jobs.over(job.message, job.conversation, now_unix_s)
        self._log.change(
            jobs.so_far(job.message, rows.whole(one.answer)),
            first,
            Change(second.statement, second.values, lambda: self._told(one)),
        )
        self._wake.set()

    def _told(self, one: Asked) -> None:
        """It is written: tell it, and forget it."""
        self._under.pop(one.job.message, None)
        told = msgspec.json.encode(one.answer.message(is_whole=False))
        self._log.tell_here(one.job.account, "message", told, one.job.message)
        self._start(partial(self._tell_conversation, one.job))

    async def _tell_conversation(self, job: Job) -> None:
        found = await asyncio.to_thread(rows.conversation, self._parts.store, job.conversation)
        if found is not None:
            self._log.tell(job.account, "conversation", found)

    def _next_of(self, one: Asked) -> None:
        """Let the next answer of the same person into the line."""
        account = one.job.account
        running, behind = self._running.get(account, set()), self._behind.get(account, deque())
        if one in behind:
            behind.remove(one)
        running.discard(one.job.message)
        while behind and len(running) < self._parts.config.chat.answers_running_max:
            following = behind.popleft()
            following.reason = ""
            running.add(following.job.message)
            self._line_up(following)
        for other in behind:
            self._tell_place(other, clock.now_s())
        if not behind:
            self._behind.pop(account, None)
        if not running:
            self._running.pop(account, None)

    # --- inside

    async def _trim(self) -> None:
        while True:
            await pause(TRIM_S)
            await self._log.trim(self.kept)

    def _here(self, work: Callable[[str], None], message: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wished, work, message)

    def _wished(self, work: Callable[[str], None], message: str) -> None:
        if self._is_taken_up:
            work(message)
        else:
            self._early.append((work, message))

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._tasks is not None:
            self._tasks.create_task(_alone(work))


async def _alone(work: Callable[[], Awaitable[None]]) -> None:
    """Run one answer's work: what goes wrong with it must not take the others along.

    It begins with its task: one that is cancelled first leaves no coroutine that nobody awaits.
    """
    (error,) = await asyncio.gather(work(), return_exceptions=True)
    if isinstance(error, PenstockError):
        logging.warn("answer_failed", reason=error.message)
    elif isinstance(error, Exception):
        logging.fault("an answer", error)
