"""What the provider's own status page says at an instant of a drill: nothing until it spoke.

post      covers the episode in which it falls: it stays until that is over, and names what fails
          now, in the words of such pages. An episode in which nobody posted is not on the page
named     the API, or the models that fail; web app, log-in and console: they say nothing of models,
          and whoever reads the page must not take them for any

Pure; posts are in played seconds.
"""

import math
from collections.abc import Sequence
from typing import Final

from penstock.sim.drills import front_door, truth
from penstock.sim.drills.shapes import Strike

NAMES: Final = {
    front_door.CHAT: "Web app",
    front_door.LOGIN: "Login",
    front_door.CONSOLE: "Console",
}
ALL_MODELS: Final = "*"


def named(strikes: Sequence[Strike], posts_s: Sequence[float], at_s: float) -> tuple[str, ...]:
    """Return what the page says that fails; empty: it says that all is well."""
    all_of_them = truth.episodes(strikes, math.inf)
    running = next((one for one in all_of_them if one.from_s <= at_s < one.to_s), None)
    if running is None or not any(running.from_s <= post <= at_s for post in posts_s):
        return ()
    now = [one for one in strikes if one.from_s <= at_s < one.to_s]
    return tuple(dict.fromkeys(_name(one) for one in now))


def _name(strike: Strike) -> str:
    if strike.place in NAMES:
        return NAMES[strike.place]
    if strike.model == ALL_MODELS:
        return "API"
    return f"API {strike.model.replace('*', ' ').replace('-', ' ').strip()}"
