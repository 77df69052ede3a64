"""One call: a question that is asked until it is answered, or until its sender has had enough.

    try      sent -> head -> text -> judged -> again, by the sender's habit (``sim.clients``); done
    leaves   a sender whose patience ends before the first word hangs up, waiting for an answer or
             between two tries: a person sees one spinner, whatever the client does behind it
    200      once a stream has begun its client does not ask again by itself; only the naive do
    the end  a call that has heard nothing for ``HUNG_S`` when the drill is over has failed; any
             other that is under way is unfinished

A call is told once, whatever became of it.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from penstock.apps.drill.driving import verdict
from penstock.apps.drill.driving.asking import Letter, Question
from penstock.apps.drill.driving.lines import Lines, Request
from penstock.apps.drill.driving.plan import Place
from penstock.apps.drill.driving.reading import Answer, trouble_in
from penstock.core.errors import PenstockError
from penstock.sim.clients import HABITS, retry_after_s
from penstock.sim.drills import shapes
from penstock.sim.drills.shapes import Call
from penstock.sim.drills.traffic import Traffic

BODY_BYTES_MAX: Final = 1_000_000  # of an error, or of a whole answer
NO_ANSWER_STATUS: Final = 503  # as which clients treat a lost connection: they ask again
HUNG_S: Final = 15.0  # people have left by then (TIERING 11); else silence would count for nothing
HUNG: Final = "hung"
BATCH: Final = "batch"  # waits for minutes by its nature
IDS_KEPT: Final = 32  # above the tries of the most stubborn habit


class Setting(NamedTuple):
    """What all calls of an arm have in common."""

    arm: str
    lines: Lines
    now_s: Callable[[], float]  # played time
    loop: asyncio.AbstractEventLoop


class Asked(NamedTuple):
    """What is asked, by whom."""

    traffic: Traffic
    place: Place
    question: Question
    letter: Letter
    user: str
    session: str
    turn: int
    is_last: bool
    is_stream: bool


class Job:
    """One call, with all of its tries."""

    def __init__(
        self,
        setting: Setting,
        asked: Asked,
        chance: Callable[[], float],
        on_done: Callable[["Job", Call], None],
    ) -> None:
        self._setting = setting
        self._asked = asked
        self._chance = chance
        self._on_done = on_done
        self._habit = HABITS[asked.traffic.client]
        self._request: Request | None = None
        self._timers: list[asyncio.TimerHandle] = []
        self._ids: list[str] = []
        self._at_s = setting.now_s()
        self._tries = 0
        self._first_s = self._last_s = 0.0
        self._gaps_s: list[float] = []
        self._begin()
        if self._habit.leaves_after_s < math.inf:
            self._later(self._habit.leaves_after_s, self._lose_patience)

    def start(self) -> None:
        """Send it, or send it again."""
        self._tries += 1
        self._begin()
        letter = self._asked.letter
        self._request = self._setting.lines.ask(self, letter.spot, letter.data)

    def cut(self) -> None:
        """The drill is over before it is; whoever has heard nothing for so long was not served."""
        waited_s = self._setting.now_s() - self._at_s
        is_hung = not self._first_s and waited_s > HUNG_S and self._asked.traffic.tier != BATCH
        self._done(
            verdict.Verdict(shapes.FAILED, HUNG) if is_hung else verdict.Verdict(shapes.UNFINISHED)
        )

    # lines call these

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """Note what the head tells."""
        self._head = head = _head(status, headers)
        if head.request_id and len(self._ids) < IDS_KEPT:
            self._ids.append(head.request_id)

    def on_body(self, data: bytes) -> None:
        """Take what came."""
        if not self._asked.is_stream or self._head.status >= verdict.ERROR_FROM:
            if self._body_bytes <= BODY_BYTES_MAX:
                self._body.append(data)
                self._body_bytes += len(data)
            return
        pieces = self._answer.feed(data)
        if pieces:
            self._on_words(pieces)

    def on_end(self, why: str) -> None:
        """Judge the try; ask again, or be done."""
        self._request = None
        answer, head = self._answer, self._head
        if head.status >= verdict.ERROR_FROM:
            answer.trouble = trouble_in(b"".join(self._body))
        elif not self._asked.is_stream and head.status and not why:
            answer.whole(b"".join(self._body))
            if answer.pieces:
                self._on_words(1)
        judged = verdict.judge(
            head, answer, self._asked.question.answer, why, is_stream=self._asked.is_stream
        )
        again_s = self._again_s(judged)
        if again_s < math.inf:
            self._later(again_s, self.start)
        else:
            self._done(judged)

    def _begin(self) -> None:
        self._answer = Answer(self._asked.place.dialect)
        self._head = verdict.Head()
        self._body: list[bytes] = []
        self._body_bytes = 0

    def _on_words(self, pieces: int) -> None:
        now_s = self._setting.now_s()
        if not self._first_s:
            self._first_s = now_s
        elif self._last_s:
            self._gaps_s.append(now_s - self._last_s)
        self._gaps_s += [0.0] * (pieces - 1)  # what comes together has no gap
        self._last_s = now_s

    def _again_s(self, judged: verdict.Verdict) -> float:
        if judged.end == shapes.COMPLETE:
            return math.inf
        head = self._head
        error = PenstockError(judged.code)
        error.status = head.status or NO_ANSWER_STATUS
        error.retry_after_s = head.retry_after_s
        error.should_retry = head.should_retry
        again_s = retry_after_s(self._habit, error, self._tries, self._chance)
        if again_s < math.inf:
            self._last_s = 0.0
        return again_s

    def _later(self, in_s: float, then: Callable[[], None]) -> None:
        self._timers.append(self._setting.loop.call_later(in_s, then))

    def _lose_patience(self) -> None:
        if not self._first_s:
            self._done(verdict.Verdict(shapes.LEFT))

    def _done(self, judged: verdict.Verdict) -> None:
        for one in self._timers:
            one.cancel()
        if self._request is not None:
            self._request.leave()
        self._on_done(self, self._call(judged))

    def _call(self, judged: verdict.Verdict) -> Call:
        asked, head, now_s = self._asked, self._head, self._setting.now_s()
        gaps_s = sorted(self._gaps_s)
        return Call(
            arm=self._setting.arm,
            place=asked.traffic.place,
            tier=asked.traffic.tier,
            tenant=asked.place.tenant,
            traffic=asked.traffic.name,
            client=asked.traffic.client,
            user=asked.user,
            session=asked.session,
            turn=asked.turn,
            is_last=asked.is_last,
            route=asked.place.route or asked.traffic.route,
            provider=asked.place.provider,
            dialect=asked.place.dialect,
            is_stream=asked.is_stream,
            at_s=self._at_s,
            tries=self._tries,
            end=judged.end,
            status=head.status,
            code=judged.code,
            retry_after_s=head.retry_after_s,
            ttft_s=self._first_s - self._at_s if self._first_s else 0.0,
            took_s=now_s - self._at_s,
            itl_p50_s=gaps_s[len(gaps_s) // 2] if gaps_s else 0.0,
            itl_max_s=gaps_s[-1] if gaps_s else 0.0,
            input_tokens=asked.question.input_tokens,
            output_tokens=self._answer.output_tokens or len(self._answer.pieces),
            upstream=head.upstream,
            continued=self._answer.seams,
            request_ids=tuple(self._ids),
        )


def _head(status: int, headers: Mapping[str, str]) -> verdict.Head:
    told = headers.get("x-should-retry")
    return verdict.Head(
        status=status,
        retry_after_s=_retry_after_s(headers),
        should_retry=None if told is None else told == "true",
        request_id=headers.get("x-request-id") or headers.get("request-id") or "",
        upstream=headers.get("x-penstock-upstream", ""),
        degraded=headers.get("x-penstock-degraded", ""),
    )


def _retry_after_s(headers: Mapping[str, str]) -> float:
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * factor)
        except (KeyError, ValueError):  # a date: none of ours sends one
            continue
    return 0.0
