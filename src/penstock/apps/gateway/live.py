"""Live drills at one worker: taken from a file, ended here, and told.

    at the start    a drill that lies there was begun before us: stopped for all, for what we lost
                    when we ended nobody can know. What we said of it last is put right
    each LOOK_S     is there a drill, another one, or none any more? None: stopped, at once
    on taking it    refused if ``allow_live_drills`` is off, or if it is too long, too wide or wrong
    each exchange   the guard looks how it ended; a contract in danger stops the drill of all
    at its end      over, by our own clock, whoever gave it and whether they still live
    stop            at the admin port: this worker at once, the others at their next look
    told to end     stopped for all, too: a drill lives no longer than those who count for it

Its end is an instant of the monotonic clock from the moment it is taken: whoever sets the clock
makes it neither longer nor shorter, and nobody takes it a second time.
Stopping takes the file away, so a full disk does not keep anybody from it; and if the file cannot
be taken away, this worker strikes nothing of that drill again all the same.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from penstock.config.model import Config
from penstock.config.operations import Sli
from penstock.core.errors import StoreError
from penstock.core.live_faults import LiveFaults
from penstock.core.live_guard import Ended, Goal, LiveGuard
from penstock.exchange.live_dialer import LiveDialer
from penstock.exchange.record import Record
from penstock.ledger.verdict import fate_of
from penstock.snapshot import live_drill
from penstock.snapshot.file import stamp
from penstock.snapshot.live_drill import (
    ON,
    OVER,
    REFUSED,
    STOPPED,
    TAKEN_AWAY,
    LiveDrill,
    Told,
)
from penstock.telemetry import log

STARTED: Final = "was started in the middle of it"
LEFT: Final = "was told to end in the middle of it"
NOT_ALLOWED: Final = "[gateway] allow_live_drills is off"
ALMOST_S: Final = 1.0  # another worker's clock may be so much ahead: it was its end, and no stop


class Clock(msgspec.Struct, frozen=True):
    """What time it is."""

    now_s: Callable[[], float]
    now_unix_s: Callable[[], float]


class LiveDrills:
    """The drill of one worker, if there is one. Owned by one event loop."""

    def __init__(self, state_dir: Path, worker: str, dialer: LiveDialer, clock: Clock) -> None:
        self._state_dir = state_dir
        self._worker = worker
        self._dialer = dialer
        self._clock = clock
        self._config = Config()
        self._seen: tuple[int, int] | None = None
        self._drill: LiveDrill | None = None  # that is on
        self._faults: LiveFaults | None = None
        self._guard = LiveGuard(())
        self._ended = ""  # the last drill that was stopped, or is over
        self.told: Told | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything may be struck here now."""
        return self._drill is not None

    def start(self) -> None:
        """Put right what was left behind; called once, before callers come."""
        before = self.told = live_drill.told_by(self._state_dir, self._worker)
        found = self._lying()
        if before is not None and before.state == ON:
            self._ended = before.drill
            why, at_unix_s = f"{self._worker} {STARTED}", before.at_unix_s
            self._say(replace(before, state=STOPPED, why=why, changed_unix_s=at_unix_s))
        if found is not None:
            self._end_left_behind(found, before)

    def use(self, config: Config) -> None:
        """Obey other settings; a drill that they no longer allow is stopped."""
        self._config = config
        if self.is_on and not config.gateway.allow_live_drills:
            self.stop(NOT_ALLOWED)

    def look(self) -> None:
        """See what is to be done now; called a few times a second."""
        drill = self._drill
        if drill is not None and not self._is_lasting():
            self._end(OVER, "")
            self._take_away(drill.id)
        found = stamp(live_drill.path_of(self._state_dir))
        if found == self._seen:
            return
        self._seen = found
        if found is None:
            if self.is_on:
                is_over = not self._is_lasting(ALMOST_S)
                self._end(OVER if is_over else STOPPED, "" if is_over else TAKEN_AWAY)
            return
        self._take()

    def tick(self) -> None:
        """Tell how far it is; called once a second."""
        if self.is_on:
            self._tell(ON, "")

    def stop(self, why: str) -> bool:
        """Strike nothing from now on, here at once and elsewhere soon; was there a drill?"""
        drill = self._drill
        if drill is not None:
            self._end(STOPPED, why)
        was_there = self._take_away(drill.id if drill is not None else "")
        return was_there or drill is not None

    def leave(self) -> None:
        """Stop what is on, for all: this worker will look no more."""
        if self.is_on:
            self.stop(f"{self._worker} {LEFT}")

    def on_closed(self, record: Record) -> None:
        """See whether the end of an exchange says that it must stop."""
        if not self.is_on:
            return
        fate = fate_of(record, self._config.timeouts.hang_s)
        ended = Ended(record.tenant, record.tier, record.route, fate)
        if why := self._guard.on_ended(ended, self._clock.now_s()):
            self.stop(why)

    def _take(self) -> None:
        try:
            drill = live_drill.read(self._state_dir)
        except StoreError as error:
            if self.is_on:
                self._end(STOPPED, error.message)
            log.warn("live_drill_refused", reason=error.message)
            return
        if drill is None or drill.id == self._ended:
            return
        if self.is_on:
            self._end(STOPPED, "another drill has taken its place")
        doubt = live_drill.doubt(drill, self._clock.now_unix_s())
        if not self._config.gateway.allow_live_drills:
            doubt = NOT_ALLOWED
        if doubt:
            log.warn("live_drill_refused", drill=drill.id, reason=doubt)
            self._drill = drill
            self._end(REFUSED, doubt)
            return
        self._begin(drill)

    def _begin(self, drill: LiveDrill) -> None:
        now_s = self._clock.now_s()
        found = live_drill.faults_of(drill, now_s, self._clock.now_unix_s())
        self._drill = drill
        self._faults = LiveFaults(found, drill.blast_radius_ratio, now_s)
        self._guard = LiveGuard(goals_of(self._config))
        self._dialer.use(drill.id, self._faults)
        log.warn("live_drill_begun", drill=drill.id, by=drill.by, until_unix_s=drill.ends_unix_s)
        self._tell(ON, "")

    def _is_lasting(self, ahead_s: float = 0.0) -> bool:
        return self._faults is not None and self._faults.is_on(self._clock.now_s() + ahead_s)

    def _end(self, state: str, why: str) -> None:
        drill = self._drill
        assert drill is not None
        self._dialer.stop(self._clock.now_s())
        self._tell(state, why)
        self._ended = drill.id
        self._drill = self._faults = None
        log.warn(f"live_drill_{state}", drill=drill.id, reason=why)

    def _take_away(self, drill: str) -> bool:
        """Take the file away, if it still holds this drill, or whichever it holds."""
        try:
            found = live_drill.read(self._state_dir) if drill else None
            if found is not None and found.id != drill:
                return False
            return live_drill.take_away(self._state_dir)
        except StoreError as error:
            log.warn("live_drill_stays", reason=error.message)
            return False

    def _lying(self) -> LiveDrill | None:
        try:
            return live_drill.read(self._state_dir)
        except StoreError:  # refused at the first look
            return None

    def _end_left_behind(self, found: LiveDrill, before: Told | None) -> None:
        """End a drill that was begun before us, for all."""
        self._ended = found.id
        is_known = before is not None and before.drill == found.id
        if not is_known:
            is_over = self._clock.now_unix_s() >= found.ends_unix_s
            self._drill = found
            self._tell(*((OVER, "") if is_over else (STOPPED, f"{self._worker} {STARTED}")))
            self._drill = None
        if self.told is None or self.told.state != REFUSED:  # others may be allowed what we are not
            log.warn("live_drill_left_behind", drill=found.id)
            self._take_away(found.id)

    def _tell(self, state: str, why: str) -> None:
        drill, faults, now_unix_s = self._drill, self._faults, self._clock.now_unix_s()
        assert drill is not None
        before = self.told
        is_same = before is not None and (before.drill, before.state) == (drill.id, state)
        told = Told(
            worker=self._worker,
            drill=drill.id,
            state=state,
            why=why,
            at_unix_s=now_unix_s,
            changed_unix_s=before.changed_unix_s if before and is_same else now_unix_s,
            seen=faults.seen if faults is not None else 0,
            struck=faults.struck if faults is not None else 0,
            spared=faults.spared if faults is not None else 0,
            kinds=dict(faults.kinds) if faults is not None else {},
        )
        self._say(told)

    def _say(self, told: Told) -> None:
        self.told = told
        try:
            live_drill.tell(self._state_dir, told)
        except StoreError as error:  # a full disk: it is told at the admin port all the same
            log.warn("live_drill_not_told", reason=error.message)


def goals_of(config: Config) -> list[Goal]:
    """Return what the guard looks after: the objectives of availability."""
    return [
        Goal(one.name, one.target_ratio, one.events_min, one.tenant, one.tier, one.route)
        for one in config.objectives
        if one.sli is Sli.AVAILABILITY and not one.upstream
    ]
