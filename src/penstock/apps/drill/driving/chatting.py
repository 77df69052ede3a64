"""People at the chat: they come in, ask, read the answer, think, and ask again.

    before    each has an account (``prepare``), those of tier standard as an administrator says
    a visit   a share of them log in, with a browser that is new; the others are in already
    a turn    sent, again by the person's habit if that fails; then the stream is read until the
              answer is over. A stream that breaks is taken up where it broke, as browsers do
    leaving   after the habit's patience without a word; who is told a place in the line waits
              ``LINE_PATIENCE_S``

Who does not get in, or whose session is lost, has made a call that failed with code ``login``.
"""

import asyncio
import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

import httpx
import msgspec

from penstock.apps.drill.driving.chat_answer import ChatAnswer
from penstock.apps.drill.driving.chat_browser import Browser, DoorError, new_client
from penstock.apps.drill.driving.job import Setting
from penstock.apps.drill.driving.people import Turn, Visit
from penstock.apps.drill.driving.reading import trouble_in
from penstock.apps.drill.driving.verdict import ERROR_FROM, LOST, WAIT_STATUSES, Verdict
from penstock.apps.drill.process import DrillError
from penstock.core.errors import PenstockError
from penstock.sim.clients import HABITS, retry_after_s
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call
from penstock.sim.drills.traffic import CHAT, Traffic
from penstock.web.keeping_up import is_set_within, pause

LOG_IN_RATIO: Final = 0.3  # of visits that begin with a log-in: most people are in already
LINE_PATIENCE_S: Final = 60.0  # of whoever sees that the line moves
AGAIN_S: Final = 1.0  # until a browser takes up a stream that broke
AT_ONCE: Final = 4  # accounts that are made at the same time: a hash takes 64 MiB
LOG_IN: Final = "login"
NO_ANSWER_STATUS: Final = 503
TOO_MANY: Final = 429
SESSION_LOST: Final = frozenset({401, 403})
TENANT: Final = "chat"


class Listeners(Protocol):
    """Whoever counts calls."""

    @property
    def is_over(self) -> bool:
        """Whether no more turns begin."""
        ...

    def began(self, one: "ChatVisit") -> None:
        """A call is under way."""

    def ended(self, one: "ChatVisit", call: Call) -> None:
        """It is over."""


class Accounts(NamedTuple):
    """Browsers that are in, by user."""

    client: httpx.AsyncClient
    browsers: Mapping[str, Browser]

    async def close(self) -> None:
        """Let go of all connections."""
        await self.client.aclose()


async def prepare(mix: Sequence[Traffic], chat_url: str, chat_token: str) -> Accounts:
    """Make an account for everybody who may come to a chat; raises DrillError.

    The token is of an administrator; without it everybody is of the free tier.
    """
    client = new_client()
    browsers: dict[str, Browser] = {}
    gate = asyncio.Semaphore(AT_ONCE)
    try:
        async with asyncio.TaskGroup() as group:
            for one in mix:
                if one.place != CHAT:
                    continue
                for at in range(max(1, one.users)):
                    name = user_of(one, at)
                    number = len(browsers)
                    browsers[name] = made = Browser(client, chat_url, name, number)
                    group.create_task(_signed_up(one, made, chat_token, gate))
    except* (DoorError, httpx.HTTPError) as errors:
        await client.aclose()
        raise DrillError(f"no accounts at the chat: {errors.exceptions[0]}") from errors
    return Accounts(client, browsers)


def user_of(traffic: Traffic, number: int) -> str:
    """Return the name of a user of a class."""
    return f"{traffic.name}-u{number}"


async def _signed_up(traffic: Traffic, one: Browser, token: str, gate: asyncio.Semaphore) -> None:
    async with gate:
        await one.sign_up()
        if traffic.tier == "free" or not token:
            return
        me = (await one.ask("GET", "/me")).json()
        path, body = f"/admin/accounts/{me['account']}", {"tier": "standard"}
        (await one.ask("PATCH", path, body, bearer=token)).raise_for_status()


class ChatVisit:
    """One visit of one person; ``run`` is a task of its own."""

    def __init__(
        self, setting: Setting, listeners: Listeners, browser: Browser, traffic: Traffic, who: Visit
    ) -> None:
        self._setting = setting
        self._listeners = listeners
        self._browser = browser
        self._traffic = traffic
        self._who = who
        self._habit = HABITS[traffic.client]
        self._answer: ChatAnswer | None = None
        self._news = asyncio.Event()
        self._at = who.first
        self._at_s = 0.0
        self._is_asking = False
        self._is_listening = False
        self._tries = 0
        self._seq = ""
        self._is_out = False
        self.task: asyncio.Task[None] | None = None

    def cut(self) -> None:
        """The drill is over before it is."""
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Come in, and ask turn after turn."""
        conversation = f"co-{self._setting.arm}-{self._who.name}"
        try:
            async with asyncio.TaskGroup() as group:
                if not await self._come_in(conversation):
                    return
                listening = group.create_task(self._listen())
                await is_set_within(self._news, AGAIN_S)  # its first word: then nothing is missed
                await self._talk(conversation)
                listening.cancel()
        except asyncio.CancelledError:
            if self._is_asking:
                self._end(Verdict(shapes.UNFINISHED))

    async def _talk(self, conversation: str) -> None:
        parent = ""
        for at, turn in enumerate(self._who.turns[self._who.first :], self._who.first):
            self._at = at
            if turn.after_s and at > self._who.first:
                await pause(turn.after_s)
            name = f"an-{self._who.name}-{at}"
            if self._listeners.is_over or not await self._turn(conversation, name, parent, turn):
                return
            parent = name

    async def _come_in(self, conversation: str) -> bool:
        self._begin()
        try:
            if self._who.dice.random() < LOG_IN_RATIO:
                await self._browser.log_in()
            found = await self._asked("POST", "/conversations", {"id": conversation})
        except DoorError as error:
            self._end(Verdict(shapes.FAILED, LOG_IN), error.status)
            return False
        if found.status >= ERROR_FROM or not found.status:
            self._end(_refused(found), found.status)
            return False
        return True

    async def _turn(self, conversation: str, name: str, parent: str, turn: Turn) -> bool:
        """Ask once; return whether it was answered."""
        if not self._is_asking:
            self._begin()
        self._answer = answer = ChatAnswer(name, self._at_s)
        body = {"id": f"u-{name}", "answer": name, "parent": parent, "text": turn.question.text}
        sent = await self._asked("POST", f"/conversations/{conversation}/messages", body)
        if not sent.status or sent.status >= ERROR_FROM:
            self._end(_refused(sent), sent.status)
            return False
        while not answer.is_over:
            if self._is_out:
                self._end(Verdict(shapes.FAILED, LOG_IN), 401)
                return False
            left_s = self._patience_s(answer) - (self._setting.now_s() - self._at_s)
            if left_s <= 0.0:
                self._end(Verdict(shapes.LEFT))
                return False
            self._news.clear()
            is_told = await is_set_within(self._news, min(left_s, AGAIN_S))
            if not is_told and not self._is_listening:
                await self._look()
        judged = answer.judge(turn.question.answer)
        self._end(judged)
        return judged.end == shapes.COMPLETE

    def _patience_s(self, answer: ChatAnswer) -> float:
        if answer.first_s or math.isinf(self._habit.leaves_after_s):
            return math.inf
        return LINE_PATIENCE_S if answer.is_in_line else self._habit.leaves_after_s

    async def _asked(self, method: str, path: str, body: object) -> "_Told":
        """Ask as often as the person's page does."""
        tries = 0
        while True:
            tries += 1
            self._tries = max(self._tries, tries)
            told = await self._once(method, path, body)
            error = PenstockError("")
            error.status = told.status or NO_ANSWER_STATUS
            error.retry_after_s = told.retry_after_s
            is_good = 0 < told.status < ERROR_FROM
            again_s = retry_after_s(
                self._habit, None if is_good else error, tries, self._who.dice.random
            )
            waited_s = self._setting.now_s() - self._at_s
            if again_s == math.inf or waited_s + again_s > self._habit.leaves_after_s:
                return told
            await pause(again_s)

    async def _once(self, method: str, path: str, body: object) -> "_Told":
        try:
            answer = await self._browser.ask(method, path, body)
        except httpx.HTTPError:
            return _Told(0, 0.0, LOST)
        wait = answer.headers.get("retry-after", "")
        code = trouble_in(answer.content).code if answer.is_error else ""
        return _Told(answer.status_code, float(wait) if wait.isdecimal() else 0.0, code)

    async def _listen(self) -> None:
        while not self._is_out:
            try:
                async with contextlib.aclosing(self._browser.listen(self._seq)) as events:
                    async for event in events:
                        self._heard(event)
            except DoorError as error:
                self._is_out = error.status in SESSION_LOST
            except httpx.HTTPError:
                pass
            self._is_listening = False
            self._news.set()
            await pause(AGAIN_S)

    async def _look(self) -> None:
        """Ask how the answer is: what was told while nobody listened is not told again for ever."""
        answer = self._answer
        if answer is None or answer.is_over:
            return
        with contextlib.suppress(httpx.HTTPError, msgspec.DecodeError):
            found = await self._browser.ask("GET", f"/messages/{answer.name}")
            if found.is_success:
                answer.settle(msgspec.json.decode(found.content), self._setting.now_s())
                self._news.set()

    def _heard(self, event: Any) -> None:
        self._seq = event.seq or self._seq
        self._is_listening = True
        if self._answer is not None:
            self._answer.take(event, self._setting.now_s())
        self._news.set()

    def _begin(self) -> None:
        self._at_s, self._tries, self._answer = self._setting.now_s(), 0, None
        self._is_asking = True
        self._listeners.began(self)

    def _end(self, judged: Verdict, status: int = 200) -> None:
        call = self._call(judged, status)
        self._is_asking = False
        self._listeners.ended(self, call)

    def _call(self, judged: Verdict, status: int) -> Call:
        answer = self._answer or ChatAnswer("", self._at_s)
        turn, gaps_s, who = self._who.turns[self._at], sorted(answer.gaps_s), self._who
        return Call(
            arm=self._setting.arm,
            place=CHAT,
            tier=self._traffic.tier,
            tenant=TENANT,
            traffic=self._traffic.name,
            client=self._traffic.client,
            user=who.user,
            session=who.name,
            turn=self._at,
            is_last=self._at == len(who.turns) - 1,
            route=self._traffic.route,
            provider=who.place.provider if who.place else "",
            at_s=self._at_s,
            tries=max(1, self._tries),
            end=judged.end,
            status=status,
            code=judged.code,
            ttft_s=answer.first_s - self._at_s if answer.first_s else 0.0,
            took_s=self._setting.now_s() - self._at_s,
            itl_p50_s=gaps_s[len(gaps_s) // 2] if gaps_s else 0.0,
            itl_max_s=gaps_s[-1] if gaps_s else 0.0,
            input_tokens=turn.question.input_tokens,
            output_tokens=int(answer.row.get("output_tokens", 0)) or len(answer.text.split()),
            upstream=str(answer.row.get("upstream", "")),
            continued=answer.seams,
        )


class _Told(NamedTuple):
    """What a send was told."""

    status: int
    retry_after_s: float
    code: str


def _refused(told: _Told) -> Verdict:
    says_when = told.status in WAIT_STATUSES and told.retry_after_s > 0
    if told.status == TOO_MANY or says_when:
        return Verdict(shapes.REFUSED, told.code)
    code = LOG_IN if told.status in SESSION_LOST else told.code
    return Verdict(shapes.FAILED, code)
