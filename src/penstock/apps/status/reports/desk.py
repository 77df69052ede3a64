"""Which reports count: one vote a person, component and window; a network has only so many.

    voter      a keyed hash of what the person's browser says of itself and its network, or of an
               account's opaque id where a surface of ours files the report. The key is made anew
               each day and never leaves memory and database: who voted yesterday is nobody today
    counted    the first of a voter for a component within WINDOW_S
    repeated   a later one: thanked, and not counted
    crowded    the network has had NETWORK_MAX in the window: noted, and not counted
    full       more than SECOND_MAX in this second, or VOTERS_MAX people: neither noted nor counted

What is noted goes to the watch, which judges networks by itself (``watch/voting.py``). Pure;
bounded by VOTERS_MAX and NETWORKS_MAX.
"""

import enum
import hashlib
import hmac
from collections import OrderedDict
from typing import Final

import msgspec

from penstock.core.calendar import DAY_S
from penstock.web.address import network_of

WINDOW_S: Final = 600.0  # STATUS 5.1: one count in ten minutes
NETWORK_MAX: Final = 60  # votes of one network in the window: an office, not a country
SECOND_MAX: Final = 200  # a real wave at its height has some tens
VOTERS_MAX: Final = 200_000  # people times components that are remembered for the window
NETWORKS_MAX: Final = 50_000
WORD_LENGTH: Final = 24  # of a hash: enough to tell people apart, of no use for more


class Fate(enum.Enum):
    """What becomes of a report."""

    COUNTED = "counted"
    REPEATED = "repeated"
    CROWDED = "crowded"
    FULL = "full"


class Sender(msgspec.Struct, frozen=True):
    """Who sends a report; never kept."""

    address: str
    device: str = ""  # what the browser says of itself
    account: str = ""  # an opaque id, from a surface of ours


class Vote(msgspec.Struct, frozen=True):
    """A report's fate, and the opaque words for who and from where."""

    fate: Fate
    voter: str
    network: str


class Desk:
    """Decides on reports. Owned by one event loop."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._voted: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._networks: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._second = (0, 0)

    def use(self, salt: bytes) -> None:
        """Begin a new day: nobody is known any more."""
        self._salt = salt
        self._voted.clear()
        self._networks.clear()

    def take(self, sender: Sender, component: str, now_unix_s: float) -> Vote:
        """Decide on a report."""
        network = network_of(sender.address)
        who = f"account {sender.account}" if sender.account else f"{network} {sender.device}"
        voter, place = self._word("voter", who), self._word("network", network)
        self._forget(now_unix_s)
        return Vote(self._fate((voter, component), place, now_unix_s), voter, place)

    def _fate(self, key: tuple[str, str], network: str, now_unix_s: float) -> Fate:
        second = int(now_unix_s)
        number = self._second[1] + 1 if self._second[0] == second else 1
        self._second = (second, number)
        if key in self._voted:
            return Fate.REPEATED
        if number > SECOND_MAX or len(self._voted) >= VOTERS_MAX:
            return Fate.FULL
        self._voted[key] = now_unix_s
        since_unix_s, votes = self._networks.get(network, (now_unix_s, 0))
        self._networks[network] = (since_unix_s, votes + 1)
        return Fate.COUNTED if votes < NETWORK_MAX else Fate.CROWDED

    def _forget(self, now_unix_s: float) -> None:
        """Drop what lies before the window; both are in the order in which they came."""
        before_unix_s = now_unix_s - WINDOW_S
        while self._voted and next(iter(self._voted.values())) <= before_unix_s:
            self._voted.popitem(last=False)
        while self._networks:
            since_unix_s, _ = next(iter(self._networks.values()))
            if since_unix_s > before_unix_s and len(self._networks) <= NETWORKS_MAX:
                return
            self._networks.popitem(last=False)

    def _word(self, what: str, text: str) -> str:
        told = hmac.new(self._salt, f"{what}\0{text}".encode(), hashlib.sha256)
        return told.hexdigest()[:WORD_LENGTH]


def day_of(now_unix_s: float) -> int:
    """Return the day whose salt is used: a day of UTC."""
    return int(now_unix_s // DAY_S)
