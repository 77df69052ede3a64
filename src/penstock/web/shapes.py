"""The shapes of states: each state has a shape, a word and a colour, the same on all pages.

good ● · degraded ◐ · partial ▲ · bad ■ · work ◇ · unknown ○
"""

from typing import Final

from markupsafe import Markup

STATES: Final = ("good", "degraded", "partial", "bad", "work", "unknown")
PATHS: Final = {
    "good": Markup('<circle cx="8" cy="8" r="6.5" stroke="none"/>'),
    "degraded": Markup(
        '<circle cx="8" cy="8" r="6" fill="none" stroke-width="2"/>'
        '<path d="M8 2a6 6 0 0 0 0 12z" stroke="none"/>'
    ),
    "partial": Markup('<path d="M8 1.5 15 14H1z" stroke="none"/>'),
    "bad": Markup('<path d="M2 2h12v12H2z" stroke="none"/>'),
    "work": Markup('<path d="M8 1.8 14.2 8 8 14.2 1.8 8z" fill="none" stroke-width="2"/>'),
    "unknown": Markup('<circle cx="8" cy="8" r="6" fill="none" stroke-width="2"/>'),
}
FRAME: Final = Markup('<svg viewBox="0 0 16 16" aria-hidden="true">{}</svg>')


def shape(state: str) -> Markup:
    """Return a state's shape, which a word must stand beside; unknown if there is no such state."""
    return FRAME.format(PATHS.get(state, PATHS["unknown"]))
