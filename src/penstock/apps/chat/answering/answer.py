"""One answer as it is made: what has been said of it, by whom, and what is still to be told. Pure.

The gateway's words come in (``hearing``), in whatever portions; a ``Step`` comes out: the new text
with its place, whether anything else has changed, and the end. What a replay says again changes
nothing, marks included. The steps' texts, put together, are the text, however the words were cut.
"""

from collections.abc import Iterable

import msgspec

from penstock.apps.chat.answering.growing import Growing, Joined
from penstock.apps.chat.answering.hearing import (
    Done,
    Failed,
    Finish,
    Heard,
    Note,
    Queued,
    Reasoning,
    Text,
    Usage,
)
from penstock.apps.chat.answering.jobs import Job
from penstock.apps.chat.shapes import AnswerState, Mark, Message, Trouble

LENGTH = "length"  # why a model ends that had more to say
FIRST_ATTEMPT = 1


class Step(msgspec.Struct):
    """What some words have changed."""

    at: int = 0
    text: str = ""
    reasoning_at: int = 0
    reasoning: str = ""
    is_changed: bool = False  # state, marks, who answers
    queued: Queued | None = None
    load: Note | None = None  # how busy the gateway is
    failed: Failed | None = None
    is_done: bool = False
    is_other: bool = False  # another answer than the one that is there: not to be gone on with


class Answer:
    """One answer. Owned by one event loop; ``text`` and ``reasoning`` may be read anywhere."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.state = AnswerState.WAITING
        self.error: Trouble | None = None
        self.finish = ""
        self.upstream = job.upstream
        self.answered_model = job.answered_model
        self.marks: list[Mark] = list(job.marks)
        self.input_tokens = job.input_tokens
        self.output_tokens = job.output_tokens
        self.first_unix_s = job.first_unix_s
        self.ended_unix_s = 0.0
        self._text = Growing(job.text)
        self._reasoning = Growing(job.reasoning)
        self._has_reasoning = True
        self._tokens_before = (job.input_tokens, job.output_tokens)
        self._degraded: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All of its text so far."""
        return self._text.text

    @property
    def reasoning(self) -> str:
        """All of its reasoning so far."""
        return self._reasoning.text

    @property
    def units(self) -> int:
        """How long its text is."""
        return self._text.units

    def rewind(self, base_units: int, seam: Joined | None) -> None:
        """Expect a stream that begins at this place of the text."""
        self._text.rewind(base_units, seam)
        self._reasoning.rewind(0)
        self._has_reasoning = base_units == 0  # a second train of thought is not shown
        self._tokens_before = (self.input_tokens, self.output_tokens) if base_units else (0, 0)
        self.finish = ""

    def mark(self, mark: Mark) -> bool:
        """Add a mark; False if it is there."""
        same = [n for n, one in enumerate(self.marks) if (one.kind, one.at) == (mark.kind, mark.at)]
        if not same:
            self.marks.append(mark)
            return True
        had = self.marks[same[0]]
        if had == mark or not mark.because:
            return False
        self.marks[same[0]] = mark
        return True

    def answered_by(self, upstream: str, model: str, attempts: int, because: str = "") -> bool:
        """Note who answers; False if that is nothing new."""
        before = (self.upstream, self.answered_model)
        self.upstream, self.answered_model = upstream or self.upstream, model or self.answered_model
        is_new = before != (self.upstream, self.answered_model)
        if attempts > FIRST_ATTEMPT:
            at = self._text.place
            is_new = self.mark(Mark("failover", at, model, upstream, because)) or is_new
        return is_new

    def hear(self, words: Iterable[Heard], now_unix_s: float) -> Step:
        """Take words in; return what they have changed."""
        step = Step(at=self._text.units, reasoning_at=self._reasoning.units)
        for word in words:
            self._take(word, step, now_unix_s)
        step.is_other = self._text.is_other or self._reasoning.is_other
        return step

    def end(self, state: AnswerState, now_unix_s: float, error: Trouble | None = None) -> None:
        """It ends like this."""
        self.state = state
        self.error = error
        self.ended_unix_s = now_unix_s
        if self.finish == LENGTH and "max_tokens" in self._degraded:
            self.mark(Mark("shortened", self.units))

    def message(self, *, is_whole: bool) -> Message:
        """Return it as browsers know it."""
        job = self.job
        return Message(
            id=job.message,
            conversation=job.conversation,
            parent=job.parent,
            role="assistant",
            state=self.state,
            text=self.text if is_whole else None,
            text_units=self.units,
            reasoning=self.reasoning if is_whole else None,
            model=job.model,
            answered_model=self.answered_model,
            upstream=self.upstream,
            marks=tuple(self.marks),
            error=self.error,
            finish=self.finish,
            created_unix_s=job.message_unix_s,
            first_unix_s=self.first_unix_s,
            ended_unix_s=self.ended_unix_s,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
        )

    def _take(self, word: Heard, step: Step, now_unix_s: float) -> None:
        match word:
            case Text(text=text):
                self._add(self._text.feed(text), step, now_unix_s)
            case Reasoning(text=text):
                self._think(text, step, now_unix_s)
            case Finish(reason=reason):
                self.finish = reason
            case Usage(input_tokens=used, output_tokens=made):
                self.input_tokens = self._tokens_before[0] + used
                self.output_tokens = self._tokens_before[1] + made
            case Queued():
                step.queued = word
            case Note():
                step.load = word if word.kind == "load" else step.load
                step.is_changed = self._note(word) or step.is_changed
            case Failed() | Done():
                self._add(self._text.finish(), step, now_unix_s)
                step.failed = word if isinstance(word, Failed) else None
                step.is_done = step.failed is None

    def _add(self, fresh: str, step: Step, now_unix_s: float) -> None:
        if fresh:
            step.text += fresh
            self._begin(step, now_unix_s)

    def _think(self, text: str, step: Step, now_unix_s: float) -> None:
        fresh = self._reasoning.feed(text) if self._has_reasoning else ""
        if fresh:
            step.reasoning += fresh
            self._begin(step, now_unix_s)

    def _begin(self, step: Step, now_unix_s: float) -> None:
        if self.state is AnswerState.STREAMING:
            return
        self.state = AnswerState.STREAMING
        self.first_unix_s = self.first_unix_s or now_unix_s
        step.is_changed = True

    def _note(self, note: Note) -> bool:
        if note.kind == "answered":
            return self.answered_by(note.upstream, note.model, note.attempts, note.because)
        if note.kind == "continued":
            before = (self.upstream, self.answered_model)
            self.upstream, self.answered_model = note.upstream, note.model
            mark = Mark("continued", self._text.place, note.model, note.upstream, note.because)
            return self.mark(mark) or before != (self.upstream, self.answered_model)
        self._degraded = note.degraded
        return "model" in note.degraded and self.mark(Mark("smaller", self._text.place))
