"""What strikes a request at the front door of chat or console, and how.

place     log-in paths of the chat and all of its identity provider are struck by ``login``, its
          other paths by ``chat``, those of the console by ``console``. Files that any cache holds
          (``static``, ``assets``) and ``/healthz`` are struck by nothing: in the outages that are
          replayed they stayed up
one draw  shares of all strikes of a place at an instant add up, to 1 at most; one draw decides, so
          a request is struck at most once
health    ``/health`` tells of several ways in: a draw for each, by the place that it speaks for

kinds     http_*, elevated_errors   an error in place of the answer; http_5xx: 500, 502 or 503
          auth_error                 403
          connect_error, dns_failure the connection is reset
          hang, slow_ttft            ``stall_s`` of silence, then the answer
          stream_cut                 the answer breaks off in the middle
          login_loop                 one is let in, and the session is lost at once
          challenge_block            403, and a page that nobody gets past
          all others are about answers of a model, and do nothing here: ``NOT_HERE``

Pure: chance is a callable that returns 0 <= x < 1.
"""

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from penstock.sim.drills.shapes import Strike

CHAT: Final = "chat"
LOGIN: Final = "login"
CONSOLE: Final = "console"
PLACES: Final = (CHAT, LOGIN, CONSOLE)

LOG_IN_PATHS: Final = ("/login", "/logout", "/join", "/reset", "/enter", "/signup")
NEVER: Final = ("/static/", "/assets/", "/healthz", "/sw.js", "/manifest.webmanifest")
HEALTH: Final = "/health"
WAYS: Final = {"sessions": CHAT, "password": LOGIN, "oidc": LOGIN, "guests": LOGIN}

STALL_S: Final = {"hang": 60.0, "slow_ttft": 8.0}  # where nobody has published it
STATUSES: Final = {"auth_error": 403, "challenge_block": 403}
SERVER_ERRORS: Final = (500, 502, 503)
NOT_HERE: Final = frozenset(
    {"wrong_content", "corrupt_tokens", "retry_amplification", "http_400", "http_429"}
)


class Way(enum.Enum):
    """What becomes of a request."""

    ERROR = "error"
    RESET = "reset"
    WAIT = "wait"
    CUT = "cut"
    FORGET = "forget"  # the answer, without the session that it gives


WAYS_OF: Final = {
    "connect_error": Way.RESET,
    "dns_failure": Way.RESET,
    "hang": Way.WAIT,
    "slow_ttft": Way.WAIT,
    "stream_cut": Way.CUT,
    "login_loop": Way.FORGET,
}


class Blow(msgspec.Struct, frozen=True):
    """What is done to one request."""

    way: Way
    kind: str
    status: int = 0
    wait_s: float = 0.0


def place_of(door: str, path: str) -> str:
    """Return the place that a path of a door belongs to; empty: it is struck by nothing."""
    if path.startswith(NEVER):
        return ""
    if door == CHAT and any(_is_below(path, one) for one in LOG_IN_PATHS):
        return LOGIN
    return door


def blow(
    strikes: Iterable[Strike], place: str, at_s: float, chance: Callable[[], float]
) -> Blow | None:
    """Return what strikes a request at an instant; None: nothing does."""
    on = standing(strikes, place, at_s)
    drawn = chance()
    reached = 0.0
    for one in on:
        reached += one.share
        if drawn < reached:
            return _as(one, chance)
    return None


def standing(strikes: Iterable[Strike], place: str, at_s: float) -> Sequence[Strike]:
    """Return the strikes of a place that are on at an instant."""
    return [
        one
        for one in strikes
        if one.place == place and one.from_s <= at_s < one.to_s and one.kind not in NOT_HERE
    ]


def failing_ways(
    strikes: Sequence[Strike], at_s: float, chance: Callable[[], float]
) -> frozenset[str]:
    """Return the states of a health document that are failing for who asks now."""
    drawn = {place: blow(strikes, place, at_s, chance) for place in PLACES}
    return frozenset(way for way, place in WAYS.items() if drawn[place] is not None)


def _as(one: Strike, chance: Callable[[], float]) -> Blow:
    way = WAYS_OF.get(one.kind, Way.ERROR)
    if way is Way.WAIT:
        wait_s = STALL_S[one.kind] if one.stall_s is None else one.stall_s
        return Blow(way, one.kind, wait_s=wait_s)
    return Blow(way, one.kind, status=_status(one.kind, chance) if way is Way.ERROR else 0)


def _status(kind: str, chance: Callable[[], float]) -> int:
    if kind in STATUSES:
        return STATUSES[kind]
    number = kind.removeprefix("http_")
    if number.isdigit():
        return int(number)
    return SERVER_ERRORS[int(chance() * len(SERVER_ERRORS))]


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
