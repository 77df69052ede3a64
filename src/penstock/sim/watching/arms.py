"""Arms: the watch as it is, and with one part switched off at a time (ablation).

    full            all parts
    no seasonality  the baseline of reports has no hours of the week
    Poisson         counts vary no more than by chance
    no explaining   no spill from the largest wave is taken off, nothing shared is raised
    no diversity    a thousand people of one network are a thousand

Each switch is one field of ``watch.settings.Settings``; what it is worth shows in ``GROUPS``.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.watch.settings import Settings

FULL: Final = "full"
CHANGES: Final[Mapping[str, Mapping[str, bool]]] = {
    FULL: {},
    "no seasonality": {"has_seasonality": False},
    "Poisson": {"has_dispersion": False},
    "no explaining": {"has_explaining": False},
    "no diversity": {"has_diversity": False},
}
ARMS: Final = tuple(CHANGES)
# Where a part can matter: an ablation is not played on what it does not change.
GROUPS: Final = frozenset({"reports", "sympathy", "brigade", "client", "whose"})


def settings(arm: str) -> Settings:
    """Return an arm's settings."""
    return msgspec.structs.replace(Settings(), **CHANGES[arm])
