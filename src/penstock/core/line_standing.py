"""Where one stands in a line, why, and whether that is news to who was told before. Pure."""

import enum
import math
from typing import Final, NamedTuple

from penstock.core.errors import NO_NEW_SESSIONS, USER_STREAMS

NEWS_S: Final = (1.0, 20.0)  # between two words to one who waits, at least and at most
NEWS_ETA_RATIO: Final = 0.05  # of its wait
NEWS_PLACES_PER_S: Final = 20.0  # where the wait is not known
NEAR: Final = 20  # from here on every place counts
PLACE_CHANGE_RATIO: Final = 0.1  # of its place
ETA_CHANGE_RATIO: Final = 0.15  # of its wait, beside what has passed of it
ETA_CHANGE_S: Final = 2.0
TENTH: Final = 1.2816  # of a normal distribution: a tenth lies above it


class Why(enum.Enum):
    """Why it was refused."""

    CAPACITY = "capacity"
    SESSION = "session"  # there is room for those inside only
    PERSON = "person"  # a limit of its person, as the number of streams
    GATEWAY = "gateway"  # it cannot be reached, or fails


class Standing(NamedTuple):
    """Where one stands."""

    position: int  # 1 is next; 0: it is being asked for the first time, or does not wait
    eta_s: float  # until it is let in; -1: cannot be said
    reason: str  # capacity, gateway, person (others of the same person first, or its limit)
    least_s: float = -1.0  # eight waits in ten end between these
    most_s: float = -1.0


NOWHERE: Final = Standing(0, -1.0, "")


def why_of(code: str) -> Why:
    """Return why the gateway has refused with this code."""
    if code == USER_STREAMS:
        return Why.PERSON
    return Why.SESSION if code == NO_NEW_SESSIONS else Why.CAPACITY


def within_s(eta_s: float, doubt: float) -> tuple[float, float]:
    """Return between what times a wait ends, eight times in ten, if ``doubt`` is its variance.

    The wait for some who are let in by chance is gamma distributed; its tenths by the cube of
    Wilson and Hilferty.
    """
    if eta_s < 0.0:
        return -1.0, -1.0
    middle, spread = 1.0 - doubt / 9.0, TENTH * math.sqrt(doubt) / 3.0
    return eta_s * max(0.0, middle - spread) ** 3, eta_s * (middle + spread) ** 3


def is_news(now: Standing, told: Standing, passed_s: float) -> bool:
    """Tell whether who was told something so long ago should be told again."""
    if now.reason != told.reason or (now.position == 0) != (told.position == 0):
        return True
    moved = abs(now.position - told.position)
    if moved > PLACE_CHANGE_RATIO * told.position or (moved and told.position <= NEAR):
        return True
    if (now.eta_s < 0.0) != (told.eta_s < 0.0):
        return True
    off_s = abs(now.eta_s - max(0.0, told.eta_s - passed_s))
    return now.eta_s >= 0.0 and off_s > max(ETA_CHANGE_S, ETA_CHANGE_RATIO * told.eta_s)


def pause_s(standing: Standing) -> float:
    """Return when to look at it again, in seconds."""
    least, most = NEWS_S
    if standing.eta_s >= 0.0:
        return min(most, max(least, NEWS_ETA_RATIO * standing.eta_s))
    return min(most, max(least, standing.position / NEWS_PLACES_PER_S))
