"""How often one may send and upload: a bucket for each person and each network, in bounded tables.

    what       person: at once, then each     network: at once, then each
    sends      30, 2 s                        300, 0.2 s
    uploads    40, 2 s                        400, 0.2 s

A network is a host (``web/address.py``): many people can be behind one. Who is
refused is told when the next may come, and nothing is taken from the other bucket. The table holds
the ``SUBJECTS_MAX`` that were there last; who has fallen out begins anew. May be called from any
thread.
"""

import threading
from collections import OrderedDict
from typing import Final

import msgspec

from penstock.core.errors import PenstockError
from penstock.web.address import host_of

SUBJECTS_MAX: Final = 20_000  # two megabytes


class TooFastError(PenstockError):
    """One came too often; ``retry_after_s`` says when the next may be."""

    status = 429
    code = "too_fast"
    remedy = "Wait, then send it again; nothing is lost."

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"that was too much at once: wait {max(1, round(wait_s))} s")
        self.retry_after_s = wait_s


class Rate(msgspec.Struct, frozen=True):
    """How often."""

    name: str
    person_burst: float
    person_each_s: float
    network_burst: float
    network_each_s: float


SENDS: Final = Rate("send", 30.0, 2.0, 300.0, 0.2)
UPLOADS: Final = Rate("upload", 40.0, 2.0, 400.0, 0.2)


class Rates:
    """Counts in buckets."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._spent: OrderedDict[str, float] = OrderedDict()  # subject: when its bucket is full

    def __len__(self) -> int:
        """Return how many subjects are known."""
        return len(self._spent)

    def charge(self, rate: Rate, account: str, address: str, now_unix_s: float) -> None:
        """Count one, or raise TooFastError and count none."""
        buckets = (
            (f"{rate.name}:person:{account}", rate.person_burst, rate.person_each_s),
            (f"{rate.name}:network:{host_of(address)}", rate.network_burst, rate.network_each_s),
        )
        with self._guard:
            full_at: dict[str, float] = {}
            for subject, burst, each_s in buckets:
                full_unix_s = max(self._spent.get(subject, 0.0), now_unix_s) + each_s
                over_s = full_unix_s - now_unix_s - burst * each_s
                if over_s > each_s * 1e-6:  # what is lost by floating point
                    raise TooFastError(over_s)
                full_at[subject] = full_unix_s
            for subject, full_unix_s in full_at.items():
                self._spent[subject] = full_unix_s
                self._spent.move_to_end(subject)
            while len(self._spent) > SUBJECTS_MAX:
                self._spent.popitem(last=False)
