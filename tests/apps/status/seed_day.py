"""What a good watch would say of 2 March 2026, minute by minute: a script for the policy.

Faults as drills.json has them; each is seen some seconds after it begins, and seen to end some
seconds after it has ended.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tests.apps.status.ground import MODELS, id_of

from penstock.watch.assessment import Assessment, Culprit, Sign, Verdict
from penstock.watch.component import State
from penstock.watch.evidence import Kind

MIDNIGHT_S = 1_772_409_600.0  # 2026-03-02 00:00 UTC
SEEN_S = 40.0  # after the onset
ENDED_S = 60.0  # after the end
NAMES = ("Web chat", "Log-in", "API", *MODELS, "Network")


class Fault(NamedTuple):
    """One component fails for a while."""

    name: str
    from_s: float  # since midnight
    to_s: float
    state: State
    ratio: float
    culprit: Culprit
    culprit_name: str = ""


def clock(text: str) -> float:
    """Return the seconds since midnight of "13:37"."""
    hours, minutes = text.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _waves() -> Iterable[Fault]:
    """Yield the second wave: 20 minutes on, 10 off."""
    at_s = clock("17:15")
    while at_s < clock("21:16"):
        to_s = min(at_s + 1200, clock("21:16"))
        for name in ("Web chat", "opus-4.6", "haiku-4.5"):
            yield Fault(name, at_s, to_s, State.PARTIAL, 0.3, Culprit.PROVIDER, "anthropic")
        at_s += 1800


FAULTS = (
    Fault("Web chat", clock("11:37"), clock("15:47"), State.MAJOR, 0.5, Culprit.LOGIN),
    Fault("Log-in", clock("11:37"), clock("15:47"), State.MAJOR, 0.8, Culprit.LOGIN),
    Fault("API", clock("13:37"), clock("15:47"), State.DEGRADED, 0.1, Culprit.US),
    Fault(
        "opus-4.6",
        clock("14:35"),
        clock("15:50"),
        State.PARTIAL,
        0.3,
        Culprit.MODEL,
        "opus-4.6",
    ),
    *_waves(),
)


def said(since_midnight_s: float) -> list[Assessment]:
    """Return what the watch says at an instant of the day."""
    failing = {
        one.name: one
        for one in FAULTS
        if one.from_s + SEEN_S <= since_midnight_s < one.to_s + ENDED_S
    }
    return [_assessed(name, failing.get(name), since_midnight_s) for name in NAMES]


def _assessed(name: str, fault: Fault | None, since_midnight_s: float) -> Assessment:
    at_unix_s = MIDNIGHT_S + since_midnight_s
    if fault is None:
        return Assessment(component=id_of(name), at_unix_s=at_unix_s, state=State.OPERATIONAL)
    percent = round(100 * fault.ratio)
    words = f"{percent} of 100 probes failed in the last 3 minutes"
    seen_unix_s = MIDNIGHT_S + fault.from_s + SEEN_S
    sign = Sign(kind=Kind.PROBES, verdict=Verdict.PROBLEM, weight=1.5, words=words)
    return Assessment(
        component=id_of(name),
        at_unix_s=at_unix_s,
        verdict=Verdict.PROBLEM,
        state=fault.state,
        failing_ratio=fault.ratio,
        culprit=fault.culprit,
        culprit_name=fault.culprit_name,
        reasons=(words,),
        signs=(sign,),
        onset_unix_s=MIDNIGHT_S + fault.from_s,
        detected={"probes": seen_unix_s, "reports": seen_unix_s + 90},
        confirmed_unix_s=seen_unix_s,
    )
