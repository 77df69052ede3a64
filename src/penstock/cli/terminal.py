"""How the commands speak: short lines, a shape and a word for each state, 80 columns.

Colour says nothing that the shape does not say; rich leaves it out with NO_COLOR and in files.
"""

import io
import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from penstock.core.errors import Problem

WIDTH: Final = 80

# shape, colour: the same in the terminal and on all pages
SHAPES: Final[dict[str, tuple[str, str]]] = {
    "good": ("●", "green"),
    "degraded": ("◐", "yellow"),
    "partial": ("▲", "dark_orange"),
    "bad": ("■", "red"),
    "work": ("◇", "magenta"),
    "unknown": ("○", "bright_black"),
}


class Terminal:
    """Where one command writes to people."""

    def __init__(self, *, is_error: bool = False) -> None:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal without our shapes gets a "?"
        self.console = Console(stderr=is_error, highlight=False, markup=False, soft_wrap=True)

    def line(self, words: str = "", style: str = "") -> None:
        """Write one line as it is."""
        self.console.print(words, style=style or None)

    def state(self, shape: str, words: str) -> None:
        """Write one line that begins with the shape of a state."""
        sign, colour = SHAPES[shape]
        self.console.print(Text.assemble("  ", (sign, colour), " ", words))

    def pair(self, name: str, value: str, style: str = "") -> None:
        """Write a name and its value, in two columns."""
        self.console.print(Text.assemble("  ", (f"{name:<10}", "bright_black"), (value, style)))

    def problems(self, shape: str, problems: Iterable[Problem]) -> None:
        """Write each problem with its place, and the remedy beneath."""
        for problem in problems:
            where = f"line {problem.line}, {problem.place}" if problem.line else problem.place
            self.state(shape, f"{where}: {problem.message}")
            self.console.print(Text(f"    {problem.remedy}", "bright_black"))
