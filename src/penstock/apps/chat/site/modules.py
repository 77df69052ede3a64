"""Which modules a page loads at once: what app.js imports, and what that imports, and so on.

    import { a } from "./b.js"      at once: the page names it beforehand, all are fetched together
    await import("./b.js")          lazy: not counted, fetched when needed

Pure; the texts are handed in.
"""

import posixpath
import re
from collections.abc import Callable
from typing import Final

IMPORTED: Final = re.compile(
    r"""^\s*(?:import|export)\b[^;"'()]*?(?:\bfrom\s*)?["'](\.[^"']+)["']|}from["'](\.[^"']+)["']""",
    re.MULTILINE,
)


def imports(text: str) -> list[str]:
    """Return what a module imports at once, as it says it."""
    return [first or second for first, second in IMPORTED.findall(text)]


def eager(start: str, text_of: Callable[[str], str]) -> list[str]:
    """Return the paths of all modules that ``start`` needs, itself first."""
    found = [start]
    for path in found:
        folder = posixpath.dirname(path)
        for name in imports(text_of(path)):
            there = posixpath.normpath(posixpath.join(folder, name))
            if there not in found:
                found.append(there)
    return found
