"""Answers that look real, of any length, from a seed: prose, lists, code, tables, formulas."""

import json
import random
from pathlib import Path

WORDS = (
    "the pipe carries water from a reservoir to the turbine and when demand falls gates close",
    "slowly so that pressure does not rise queue latency retry budget token stream upstream",
)
LINES = (
    "def admit(self, tier: str) -> bool:\n    # one line more\n    return self.left[tier] > 0\n",
    "for (const key of Object.keys(state)) {\n  if (!key) continue;\n  out.push(`${key}`);\n}\n",
    "SELECT tier, count(*) AS n FROM attempts\nWHERE started_unix_s > 17 ORDER BY n DESC;\n",
)
MARKS = ("**{}**", "*{}*", "`{}`", "{}", "{}", "[{}](https://example.com/a)", "~~{}~~", "${}$")
TEX = (r"\frac{a+b}{2}", r"\sum_{i=1}^{n} x_i^2", r"e^{i\pi} + 1 = 0", r"\sqrt{x^2 + y^2}")


def sentence(dice: random.Random) -> str:
    """Return some words, some of them marked."""
    known = " ".join(WORDS).split()
    words = [dice.choice(known) for _ in range(dice.randint(6, 18))]
    place = dice.randrange(len(words))
    mark = dice.choice(MARKS)
    words[place] = mark.format(words[place])
    return " ".join(words).capitalize() + dice.choice(".....!?:")


def block(dice: random.Random) -> str:
    """Return one block."""
    kind = dice.choice("ppppplloctqhmx")
    prose = " ".join(sentence(dice) for _ in range(dice.randint(1, 5)))
    lines = [sentence(dice) for _ in range(dice.randint(2, 6))]
    rows = "\n".join(
        f"| {n} | {dice.random():.3f} | {sentence(dice)} |" for n in range(dice.randint(2, 9))
    )
    return {
        "p": prose,
        "l": "\n".join(f"- {line}" for line in lines) + f"\n  - {prose}",
        "o": "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1)),
        "c": "```"
        + dice.choice(["python", "js", "sql", ""])
        + "\n"
        + dice.choice(LINES) * dice.randint(1, 5)
        + "```",
        "t": f"| name | value | what |\n|:--|--:|---|\n{rows}",
        "q": f"> {prose}\n> - {lines[0]}",
        "h": "#" * dice.randint(1, 4) + " " + " ".join(lines[0].split()[:4]),
        "m": f"$$\n{dice.choice(TEX)}\n$$",
        "x": f"{prose} Here \\({dice.choice(TEX)}\\) holds.",
    }[kind]


def answer(seed: int, units: int) -> str:
    """Return an answer of about so many units."""
    dice = random.Random(seed)
    blocks: list[str] = []
    left = units
    while left > 0:
        blocks.append(block(dice))
        left -= len(blocks[-1]) + 2
    return "\n\n".join(blocks)


def thicket(seed: int, units: int) -> str:
    """Return a text of nothing but marks, which means something else at every place."""
    dice = random.Random(seed)
    pieces: list[str] = json.loads((Path(__file__).parent / "marks.json").read_text())
    text = ""
    while len(text) < units:
        text += dice.choice(pieces)
    return text
