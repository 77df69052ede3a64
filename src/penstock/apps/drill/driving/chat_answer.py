"""An answer at the chat, put together from events as the pages do it, and judged.

    delta     text at its place: what is before it is kept, so nothing can be there twice
    message   the state; once it is none of those under way the answer is over
    place     it waits in the room, and is told where

    done      all words -> complete; fewer, and marked as shortened -> complete;
              fewer -> truncated; others -> failed
    broken    text had come -> broken
    refused   nothing came: -> refused, with the code of its trouble

Marks are what the page shows beside the answer, so its person knows.
"""

from typing import Any, Final

import msgspec

from penstock.apps.drill.driving.chat_browser import Event
from penstock.apps.drill.driving.verdict import NO_END, SHORTENED, Verdict
from penstock.sim.drills import shapes

UNDER_WAY: Final = frozenset({"waiting", "streaming"})
LENGTH: Final = "length"
CONTINUED: Final = "continued"
SHORTER: Final = "shortened"


class ChatAnswer:
    """One answer that somebody waits for."""

    def __init__(self, name: str, now_s: float) -> None:
        self.name = name
        self.text = ""
        self.state = "waiting"
        self.first_s = 0.0
        self.last_s = 0.0
        self.gaps_s: list[float] = []
        self.is_in_line = False
        self.row: dict[str, Any] = {}
        self.asked_s = now_s

    @property
    def is_over(self) -> bool:
        """Whether no more will come."""
        return self.state not in UNDER_WAY

    @property
    def seams(self) -> int:
        """How often somebody else went on."""
        return sum(mark.get("kind") == CONTINUED for mark in self.row.get("marks", ()))

    def take(self, event: Event, now_s: float) -> None:
        """Take one event of the stream; those of others are nothing to us."""
        if event.name not in {"delta", "message", "place"} or self.name.encode() not in event.data:
            return
        told: dict[str, Any] = msgspec.json.decode(event.data)
        if event.name == "delta" and told["message"] == self.name:
            self._grow(told, now_s)
        elif event.name == "message" and told["id"] == self.name:
            self.settle(told, now_s)
        elif event.name == "place" and told["message"] == self.name:
            self.is_in_line = told["position"] > 0

    def settle(self, row: dict[str, Any], now_s: float) -> None:
        """Take the row as it is now."""
        self.row, self.state = row, row["state"]
        if row.get("text"):
            self.text = row["text"]
            self._note(now_s)

    def judge(self, expected: str) -> Verdict:
        """Return how it ended."""
        trouble: dict[str, Any] = self.row.get("error") or {"code": ""}
        code = str(trouble["code"])
        match self.state:
            case "done":
                return self._compared(expected)
            case "broken":
                return Verdict(shapes.BROKEN, code)
            case "refused":
                return Verdict(shapes.REFUSED, code)
            case state:
                return Verdict(shapes.FAILED, state)

    def _compared(self, expected: str) -> Verdict:
        if self.text == expected:
            return Verdict(shapes.COMPLETE)
        if not expected.startswith(self.text):
            return Verdict(shapes.FAILED, shapes.WRONG_WORDS)
        marks = {mark.get("kind") for mark in self.row.get("marks", ())}
        if SHORTER in marks or self.row.get("finish") == LENGTH:
            return Verdict(shapes.COMPLETE, SHORTENED)  # the page says so beside the answer
        return Verdict(shapes.TRUNCATED, NO_END)

    def _grow(self, told: dict[str, Any], now_s: float) -> None:
        self.text = self.text[: told["at"]] + told["text"]  # our words are one unit a letter
        self._note(now_s)

    def _note(self, now_s: float) -> None:
        if not self.first_s:
            self.first_s = now_s
        elif now_s > self.last_s:
            self.gaps_s.append(now_s - self.last_s)
        self.last_s = now_s
