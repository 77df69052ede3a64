"""What happens to incidents with time, whoever else is asleep.

every TURN_S   maintenance begins and ends, an announced drill ends; what a silent watch said
               becomes unknown; components that are gone end their history
every LEADS_S  providers' own posts are looked for, charts of ended incidents are kept
every HOUR_S   retention

Each turn is one transaction, and asks for a rendering if something that is shown has changed.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from penstock.apps.status import drilling
from penstock.apps.status.incidents import leads, maintenance, retention, states
from penstock.apps.status.parts import Parts
from penstock.core.errors import PenstockError
from penstock.telemetry import log
from penstock.web.keeping_up import pause

TURN_S: Final = 10.0
LEADS_S: Final = 60.0
HOUR_S: Final = 3_600.0

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Turning:
    """Turns. Owned by one event loop."""

    def __init__(self, parts: Parts, blocking: Blocking) -> None:
        self._parts = parts
        self._blocking = blocking
        self._led_unix_s = 0.0
        self._kept_unix_s = 0.0

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            await self.turn()
            await pause(TURN_S)

    async def turn(self) -> bool:
        """Do what is due; tell whether anything that is shown has changed."""
        try:
            is_changed = bool(await self._blocking(self._due))
        except PenstockError as error:
            log.warn("incidents_not_turned", reason=error.message)
            return False
        if is_changed:
            self._parts.touch()
        return is_changed

    def _due(self) -> bool:
        parts, now_unix_s = self._parts, self._parts.now_unix_s()
        leads_due = _is_due(self._led_unix_s, LEADS_S, now_unix_s)
        retention_due = _is_due(self._kept_unix_s, HOUR_S, now_unix_s)
        with parts.store.writing() as connection:
            is_changed = maintenance.turn(connection, parts, now_unix_s)
            is_changed |= bool(states.silence(connection, parts, now_unix_s))
            states.leave(connection, now_unix_s)
            is_changed |= drilling.turn(connection, now_unix_s)
            if leads_due:
                is_changed |= leads.turn(connection, now_unix_s)
            if retention_due:
                retention.turn(connection, parts.config.status.history_days, now_unix_s)
        self._led_unix_s = now_unix_s if leads_due else self._led_unix_s
        self._kept_unix_s = now_unix_s if retention_due else self._kept_unix_s
        return is_changed


def _is_due(last_unix_s: float, every_s: float, now_unix_s: float) -> bool:
    """Tell whether it is time again; a clock that was set back does not stop it."""
    return not 0.0 <= now_unix_s - last_unix_s < every_s
