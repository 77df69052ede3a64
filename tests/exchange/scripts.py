"""What an upstream can answer, step by step and cut anywhere, and what must come of it."""

import random
from dataclasses import dataclass, field
from typing import Final

from tests.exchange.world import (
    DONE,
    PING,
    Line,
    error,
    problem,
    role,
    stop,
    text,
    usage,
    whole,
)

from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Inquiry


@dataclass(frozen=True)
class Piece:
    """One event as it comes, and as it goes on."""

    raw: bytes
    out: bytes
    is_finish: bool = False
    is_break: bool = False


@dataclass
class Script:
    """What one attempt will be answered, step by step."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    pieces: list[Piece] = field(default_factory=list[Piece])
    ending: str = "complete"  # or silence, or a kind of failure
    cuts: random.Random = field(default_factory=random.Random)
    sent_head: bool = False
    offset: int = 0
    finish_at_s: float = 0.0

    @property
    def raw(self) -> bytes:
        return b"".join(piece.raw for piece in self.pieces)

    @property
    def finish_ends_at(self) -> int:
        """Where the event ends that completes the answer; beyond all bytes if none does."""
        end = 0
        for piece in self.pieces:
            end += len(piece.raw)
            if piece.is_finish:
                return end
            if piece.is_break:
                break
        return 1 << 60

    @property
    def is_complete(self) -> bool:
        """Whether the model has said why it stopped, as far as it has come through."""
        return self.offset >= self.finish_ends_at

    def out(self) -> bytes:
        """Return what must have gone on so far: every event that is whole, as it comes."""
        passed, end = b"", 0
        for piece in self.pieces:
            end += len(piece.raw)
            if end > self.offset or piece.is_break:
                break
            passed += piece.out
        return passed

    def step(self, line: Line, now_s: float) -> None:
        """Answer a little more."""
        if line.is_over or line.is_paused:
            return
        if not line.is_sent and self.ending != "unreachable":
            line.sent()
        elif self.status and not self.sent_head:
            self.sent_head = True
            line.head(self.status, **self.headers)
        elif self.offset < len(self.raw):
            size = self.cuts.choice([1, 3, 20, 100, 400, 5000])
            data = self.raw[self.offset : self.offset + size]
            was_complete = self.is_complete
            self.offset += len(data)
            if self.is_complete and not was_complete:
                self.finish_at_s = now_s
            line.chunk(data)
        elif self.ending == "complete":
            line.complete()
        elif self.ending != "silence":
            line.fail(FailureKind(self.ending))


def same(raw: bytes) -> Piece:
    return Piece(raw, raw)


def words(mark: str, count: int) -> list[Piece]:
    return [same(text(f"{mark}.{at} ")) for at in range(count)]


SSE: Final = {"content_type": "text/event-stream"}
FINISHED: Final = Piece(stop(), stop(), is_finish=True)
JUNK: Final = Piece(b"not a field\n\n", b"")
TORN: Final = Piece(b"data: {torn\n\n", b"")
TORN_CONTENT: Final = Piece(b'data: {"choices":[{"delta": {torn\n\n', b"", is_break=True)
SICK: Final = Piece(error(), b"", is_break=True)
TOO_LATE: Final = (Piece(SICK.raw, b""), Piece(TORN_CONTENT.raw, b""))


def streams(mark: str, count: int, *, wants_usage: bool) -> dict[str, tuple[list[Piece], str]]:
    """Return all the ways in which a stream can go, each with how its connection ends."""
    some = [same(role()), *words(mark, count)]
    counted = usage(7, count)
    tail = [Piece(counted, counted if wants_usage else b""), same(DONE)]
    good = [*some, FINISHED, *tail]
    return {
        "good": (good, "complete"),
        "kept_alive": ([same(PING), *some[:2], same(PING), *some[2:], FINISHED, *tail], "complete"),
        "junk": ([*some, JUNK, TORN, *words(mark + "b", 1), FINISHED, *tail], "complete"),
        "no_done": ([*some, FINISHED, tail[0]], "complete"),
        "no_usage": ([*some, FINISHED, same(DONE)], "complete"),
        "no_end": ([*some, FINISHED], "silence"),
        "reset_after_finish": ([*some, FINISHED], "reset"),
        "error_after_finish": ([*some, FINISHED, *TOO_LATE], "complete"),
        "pings_after_finish": ([*some, FINISHED, *[same(PING)] * 9], "silence"),
        "stall": (some, "silence"),
        "slow": ([same(role()), *[same(PING)] * 4], "silence"),
        "cut": (some, "complete"),
        "broken": (some, "broken_stream"),
        "error_early": ([same(role()), SICK, *words(mark, 2)], "complete"),
        "error_late": ([*some, SICK, *words(mark, 2), FINISHED], "complete"),
        "done_too_soon": ([*some, Piece(DONE, b"", is_break=True)], "complete"),
        "torn": ([*some, TORN_CONTENT, *words(mark, 2)], "complete"),
    }


STREAMS: Final = sorted(streams("", 1, wants_usage=True))
ERRORS: Final[dict[str, tuple[int, bytes, dict[str, str]]]] = {
    "quota": (429, problem("slow down", "rate_limit_exceeded"), {"retry_after": "3"}),
    "quota_long": (429, problem("slow down", "rate_limit_exceeded"), {"retry_after": "90"}),
    "quota_untold": (429, problem("slow down", "rate_limit_exceeded"), {}),
    "server": (500, problem("oops"), {}),
    "overloaded": (503, b"<html>", {"content_type": "text/html"}),
    "provider": (529, problem("overloaded"), {"retry_after": "1"}),
    "key": (401, problem("bad key", "invalid_api_key"), {}),
    "model": (404, problem("no such model", "model_not_found"), {}),
    "rejected": (400, problem("bad request"), {}),
    "too_long": (400, problem("too long", "context_length_exceeded"), {}),
    "conflict": (409, problem("again"), {}),
}
DEATHS: Final = ("reset", "stale", "unreachable", "silence")
UNARY: Final = ("good", "good_untold", "error_inside", "malformed", "cut", "stall", "reset_within")
ANSWERS: Final = (*STREAMS, "good", "good", *ERRORS, *DEATHS, "stale", "stale", *UNARY)


def script_of(answer: str, mark: str, inquiry: Inquiry, cuts: random.Random) -> Script:
    """Return what an answer's name means for this exchange."""
    script = Script(cuts=cuts)
    if answer in ERRORS:
        script.status, body, script.headers = ERRORS[answer]
        script.pieces = [Piece(body, body)]
    elif answer in DEATHS:
        script.ending = answer
    elif inquiry.is_stream:
        ways = streams(mark, 1 + cuts.randrange(4), wants_usage=inquiry.wants_usage)
        script.status, script.headers = 200, SSE
        script.pieces, script.ending = ways.get(answer, ways["good"])
    else:
        script.status, script.headers = 200, {"content_type": "application/json"}
        body, script.ending = {
            "error_inside": (error()[6:-2], "complete"),
            "malformed": (b"{torn", "complete"),
            "cut": (whole(mark)[:-9], "complete"),
            "stall": (whole(mark)[:-9], "silence"),
            "reset_within": (whole(mark)[:-9], "broken_stream"),
            "good_untold": (whole(mark), "complete"),
        }.get(answer, (whole(mark, 7, 9), "complete"))
        is_good = answer not in UNARY[2:]
        script.pieces = [Piece(body, body, is_finish=is_good)]
    return script
