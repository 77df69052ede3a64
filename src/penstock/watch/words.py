"""Reasons in plain words, to be read out by people.

Each says how many of how many, in which time, and what is usual. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final

MINUTE_S: Final = 60.0
KINDS: Final[Mapping[str, str]] = {
    "timeout": "time-outs",
    "connect": "no connection",
    "dns": "names not found",
    "tls": "no secure connection",
    "auth": "valid keys refused",
    "overloaded": "overload",
    "server_error": "server errors",
    "unreachable": "no connection",
    "quota": "quota refusals",
    "stall": "stalls",
    "hang": "hangs",
}
BAD: Final[Mapping[str, str]] = {
    "failed": "failed",
    "slow": "were late",
    "wrong": "had a wrong answer",
}


def span(span_s: float) -> str:
    """'1 minute', '5 minutes', '3 hours'."""
    minutes = max(1, round(span_s / MINUTE_S))
    if minutes < 2 * 60:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{round(minutes / 60)} hours"


def share(ratio: float) -> str:
    """'4 %', '0.3 %'."""
    per_cent = 100.0 * ratio
    return f"{per_cent:.0f} %" if per_cent >= 1.0 or per_cent == 0.0 else f"{per_cent:.1f} %"


def kind(kinds: Mapping[str, float]) -> str:
    """The most frequent kind of failure, in words; empty: none is known."""
    if not kinds:
        return ""
    name = max(kinds, key=lambda one: (kinds[one], one))
    return KINDS.get(name, name.replace("_", " "))


def probes(about: str, counts: tuple[int, int], window_s: float, most: str) -> str:
    """'9 of 12 probes failed in the last 5 minutes: time-outs'."""
    events, bad = counts
    if not bad:
        return f"all {events} probes were good in the last {span(window_s)}"
    told = f"{bad} of {events} probes {BAD[about]} in the last {span(window_s)}"
    return f"{told}: {most}" if most else told


def telemetry(about: str, counts: tuple[int, int], usual_ratio: float, most: str) -> str:
    """'31 % of 240 requests failed in the last 5 minutes (1 % is usual): overload'."""
    events, bad = counts
    ratio = bad / events if events else 0.0
    told = (
        f"{share(ratio)} of {events} requests {BAD[about]} lately ({share(usual_ratio)} is usual)"
    )
    return f"{told}: {most}" if most and bad else told


def reports(people: int, networks: int, usual: float, window_s: float) -> str:
    """'57 people on 31 networks report trouble in the last 10 minutes (2 is usual)'."""
    who = "1 person" if people == 1 else f"{people} people"
    where = "1 network" if networks == 1 else f"{networks} networks"
    told = f"{who} on {where} reported trouble in the last {span(window_s)}"
    return f"{told} ({usual:.0f} is usual)"


def page(words: str) -> str:
    """What the provider says itself."""
    return f"the provider's own page says: {words}" if words else "the provider's own page says so"


def silent(source: str, gone_s: float | None) -> str:
    """A source that says nothing."""
    return f"no {source} yet" if gone_s is None else f"no {source} for {span(gone_s)}"


def holding(gone_s: float, hold_s: float) -> str:
    """Why it is not over yet."""
    return f"nothing bad for {span(gone_s)}; it counts as over after {span(hold_s)}"


def rests_on(names: Sequence[str]) -> str:
    """What fails beneath it."""
    return f"what it rests on fails: {', '.join(names)}"


def clients(few: str) -> str:
    """Reports, from few, while all else is well."""
    return f"reports come from {few}; probes and requests are well: it is on their side"


def carried(by: str) -> str:
    """Failover serves it."""
    return f"{by} answers in its place"
