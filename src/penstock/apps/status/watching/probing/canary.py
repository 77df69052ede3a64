"""Canaries: a question whose answer is known, so that a wrong answer with 200 is found.

    question   to repeat a few words, drawn anew each time, so that no cache answers for the model
    right      the words stand in the answer in their order; case, marks and what stands around
               them do not matter, for models differ in manners
    nothing    an answer that ended at the limit of tokens before any text: the model has thought
               all of it away, which says nothing against what it knows

The emulated providers answer it as models do. Pure: told its chance.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

WORDS: Final = (
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "island",
    "juniper", "kettle", "lantern", "meadow", "nectar", "orchard", "pebble", "quarry", "ribbon",
    "saddle", "timber", "umbrella", "velvet", "willow", "yonder", "zephyr", "anchor", "beacon",
    "copper", "dagger", "engine", "falcon", "garnet", "hammer", "indigo", "jacket", "kernel",
    "ladder", "marble", "needle", "oyster", "pepper", "quiver", "rocket", "silver", "temple",
    "upland", "violet", "walnut", "yellow", "zipper",
)  # fmt: skip
COUNT: Final = 4
ASKED: Final = "Repeat these {count} words exactly, and write nothing else: {words}"
WORD: Final = re.compile(r"[a-z]+")


class Question(msgspec.Struct, frozen=True):
    """What is asked, and what the answer must hold."""

    text: str
    words: tuple[str, ...]

    def is_answered_by(self, text: str) -> bool:
        """Tell whether the words stand in an answer, in their order."""
        left = iter(WORD.findall(text.lower()))
        return all(word in left for word in self.words)


def question(chance: Callable[[], float]) -> Question:
    """Return a new question."""
    words = tuple(WORDS[int(chance() * len(WORDS))] for _ in range(COUNT))
    return Question(ASKED.format(count=COUNT, words=" ".join(words)), words)
