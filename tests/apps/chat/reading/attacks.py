"""Texts that a model could be brought to write, to run a script, fetch something or stop a page.

attacks.json has what they are put together from; what is long is made here.
"""

import json
from itertools import product
from pathlib import Path

KNOWN = json.loads((Path(__file__).parent / "attacks.json").read_text(encoding="utf-8"))
LONG = 60_000  # units of what is huge
DEEP_TEX = (
    "{" * 900 + "x",
    "\\frac{" * 300,
    "x^" * 800,
    "\\sqrt{" * 200 + "x" + "}" * 200,
    "\\left(" * 300,
    "\\begin{matrix}" * 100,
    "&" * 900,
    "\\\\" * 900,
    "x_{" * 250 + "y" + "}" * 250,
    "\\not" * 500,
    "%" * 900,
    "\\Huge" * 100 + "x",
)
CODE = ("/*" * 4000, '"' + "\\" * 4001, "((((a" * 3000, "<a " * 3000, KNOWN["markup"][4])
LIES: tuple[str, ...] = tuple(KNOWN["lies"])
HUGE = (
    *(unit * (LONG // len(unit) + 1) for unit in KNOWN["repeated"]),
    "".join("`" * n + "a" for n in range(1, 190)),
    "| a |\n|---|\n" + "| b |\n" * 10_000,
    "|a" * 60 + "\n" + "|-" * 60 + "\n" + ("|b" * 60 + "\n") * 200,
    " " * LONG + "x",
    "# a" + " " * LONG + "#",
    "* * " * 10_000 + "x",
    "```js\n" + "x = [" * 10_000,
    "\n".join(" " * n + "- a" for n in range(300)),
    "\n".join("> " * n + "a" for n in range(300)),
    "\n".join(" " * n + f"{n}. a" for n in range(200)),
    "http://a/" + "(" * LONG,
    "http://a/" + ")" * LONG,
    "http://" + "a." * LONG,
    "[" * 2000 + "a" + "](https://a.example)" * 2000,
    "<http://" + "a" * LONG + ">",
    "[x](" + "(" * LONG,
    "[x](<" + "a" * LONG,
    '[x](y "' + "a" * LONG,
    "a" * 200_000,
)
SMALL: tuple[str, ...] = (
    *(shape.format(scheme) for shape, scheme in product(KNOWN["links"], KNOWN["schemes"])),
    *(place.format(markup) for place, markup in product(KNOWN["places"], KNOWN["markup"])),
    *(
        wrap.format(tex)
        for wrap, tex in product(("${}$", "$$\n{}\n$$", r"\({}\)"), (*KNOWN["tex"], *DEEP_TEX))
    ),
    *(link.format(mark, mark) for link, mark in product(KNOWN["bidi_links"], KNOWN["bidi"])),
    *LIES,
    *KNOWN["unclosed"],
    *(f"```{kind}\n{body}\n```\n" for kind, body in product(KNOWN["languages"], CODE)),
)
