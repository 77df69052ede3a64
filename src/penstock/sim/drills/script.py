"""A timetable as the emulator's script of faults.

at an emulated provider   the kinds of ``AT_PROVIDER``, by the emulator's own names
a 429                     is the provider's shared capacity, not the caller's quota
hang, slow_ttft           end after the phase's ``stall_s``; a hang without one has no end, a
                          late first token without one is ``SLOW_S`` late
time                      seconds since the script was set: ``from_s`` is where the play stands
"""

from collections.abc import Mapping
from typing import Final

from penstock.core.errors import ConfigError, Problem
from penstock.core.fault import FaultKind, Flavour
from penstock.core.fault_script import RULES_MAX
from penstock.sim.drills.shapes import Strike, Timetable
from penstock.sim.drills.surfaces import API

SLOW_S: Final = 10.0  # later than most people wait, sooner than most clients give up

AT_PROVIDER: Final[Mapping[str, FaultKind]] = {
    "http_400": FaultKind.HTTP_400,
    "http_429": FaultKind.HTTP_429,
    "http_500": FaultKind.HTTP_500,
    "http_503": FaultKind.HTTP_503,
    "http_529": FaultKind.HTTP_529,
    "http_530": FaultKind.HTTP_530,
    "http_5xx": FaultKind.HTTP_5XX,
    "elevated_errors": FaultKind.HTTP_5XX,
    "auth_error": FaultKind.HTTP_401,
    "connect_error": FaultKind.RESET,
    "dns_failure": FaultKind.RESET,  # of a name that others look up, nothing is here to break
    "hang": FaultKind.HANG,
    "slow_ttft": FaultKind.SLOW_TTFT,
    "stream_cut": FaultKind.STREAM_CUT,
    "wrong_content": FaultKind.WRONG_CONTENT,
    "corrupt_tokens": FaultKind.CORRUPT_TOKENS,
}


def rules(timetable: Timetable, from_s: float = 0.0) -> dict[str, object]:
    """Return what ``PUT /control/faults`` takes when the play stands at ``from_s``.

    Raises ConfigError where the emulator would not take so many.
    """
    strikes = [one for one in timetable.strikes if one.place == API and one.to_s > from_s]
    if len(strikes) > RULES_MAX:
        told = f"{len(strikes)} steps are more than the emulator takes"
        raise ConfigError([Problem("drill", told, "play shorter windows, or fewer phases")])
    return {"rules": [_rule(one, from_s) for one in strikes]}


def _rule(strike: Strike, from_s: float) -> dict[str, object]:
    kind = AT_PROVIDER[strike.kind]
    rule: dict[str, object] = {
        "kind": kind.value,
        "provider": strike.provider,
        "model": strike.model,
        "share_ratio": strike.share,
        "start_s": max(0.0, strike.from_s - from_s),
        "end_s": strike.to_s - from_s,
    }
    if kind is FaultKind.HTTP_429:
        rule["flavour"] = Flavour.SHARED_CAPACITY.value
    if kind is FaultKind.SLOW_TTFT:
        rule["delay_s"] = strike.stall_s or SLOW_S
    if kind is FaultKind.HANG and strike.stall_s:
        rule["delay_s"] = strike.stall_s
    return rule
