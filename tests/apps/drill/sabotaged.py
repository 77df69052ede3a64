"""Penstock with a part of its gateway spoilt: ``python sabotaged.py HOW COMMAND ...``.

    breaker      never opens: who fails is asked again by every call
    fifo         the gate knows no tiers: all stand in one line
    truncation   what breaks is no more gone on with, and ends as if it were whole

Nothing of this is in the product: a drill must tell, or it could not fail.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from penstock.cli import main, up
from penstock.core.circuit_breaker import CircuitBreaker
from penstock.core.claim import Claim
from penstock.core.tier import Tier
from penstock.exchange.machine import Exchange

OK: Final = 200
ITSELF: Final = (sys.executable, str(Path(__file__)))


def without_breaker() -> None:
    """Let no failure open a breaker."""

    def on_failure(self: Any, verdict: Any, now_s: float) -> None:
        del verdict
        self._on_ignored(now_s)

    spoilt: Any = CircuitBreaker
    spoilt._on_failure = on_failure


def without_tiers() -> None:
    """Let everybody stand in one line."""
    original = Claim.__init__

    def init(self: Any, tenant: str, key: str, tier: Tier, *rest: Any) -> None:
        del tier
        original(self, tenant, key, Tier.FREE, *rest)

    spoilt: Any = Claim
    spoilt.__init__ = init


def silent_truncation() -> None:
    """End what is broken without a word."""

    def broken(self: Any, error: Any, now_s: float) -> None:
        del error
        self._close("complete", OK, "", now_s)
        self.caller.end(b"")

    def never(self: Any, attempt: Any, failure: Any, now_s: float) -> bool:
        self._failover.note(attempt, failure)
        self._exhaust(now_s)
        return False

    spoilt: Any = Exchange
    spoilt._break = broken
    spoilt._may_go_on = never


HOW: Final[dict[str, Callable[[], None]]] = {
    "none": lambda: None,
    "breaker": without_breaker,
    "fifo": without_tiers,
    "truncation": silent_truncation,
}


def run(argv: list[str]) -> int:
    """Run a command of it."""
    how, name, *rest = argv
    HOW[how]()
    if name == "up":
        return main.call(name, lambda args: up.run(args, (*ITSELF, how)), rest)
    return main.main([name, *rest])


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
