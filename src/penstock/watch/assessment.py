"""What the watch says: a verdict for each component, whose fault it is, and why, in words.

none       nothing that stands out
possible   something does; reports alone never say more
problem    probes or telemetry say so

A verdict is for people first: ``reasons`` can be read out. ``signs`` are the evidence, each with
its weight: score over its threshold, 1 where it alone would say ``problem``.
"""

import enum

import msgspec

from penstock.watch.component import State
from penstock.watch.evidence import Kind


class Verdict(enum.IntEnum):
    """How sure we are that a component has a problem."""

    NONE = 0
    POSSIBLE = 1
    PROBLEM = 2

    @property
    def word(self) -> str:
        """As people and programs are told."""
        return self.name.lower()


class Culprit(enum.Enum):
    """Whose fault it is."""

    NOBODY = "nobody"  # nothing fails
    CLIENT = "client"  # one network, region or version of an app: not us
    US = "us"
    PROVIDER = "provider"
    MODEL = "model"  # one model of a provider
    LOGIN = "login"  # log-in only: who is in stays in
    SHARED = "shared"  # what several providers or surfaces rest on
    UNKNOWN = "unknown"  # something fails, and the evidence does not tell whose it is


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence about one component."""

    kind: Kind
    verdict: Verdict  # that it would give alone
    weight: float  # score over threshold, 0 to 1 and beyond
    words: str  # "9 of 12 probes failed in the last 3 minutes: timeout"
    since_unix_s: float = 0.0  # when it first stood out; 0: it does not
    events: int = 0  # what it rests on, in the window that the words name
    bad: int = 0
    is_silent: bool = False  # the source cannot be reached: it says nothing
    about: str = "failed"  # of probes and telemetry: failed, slow or wrong


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one component at an instant."""

    component: str
    at_unix_s: float
    verdict: Verdict = Verdict.NONE
    state: State = State.UNKNOWN
    failing_ratio: float | None = None  # of its exchanges or probes, lately; None: not known
    culprit: Culprit = Culprit.NOBODY
    culprit_name: str = ""  # the provider, or the family
    reasons: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = ()
    onset_unix_s: float = 0.0  # when it most likely began; 0: nothing has
    detected: dict[str, float] = {}  # kind -> when it first said possible, in this episode
    confirmed_unix_s: float = 0.0  # when it became a problem, in this episode
    carried_by: str = ""  # "gpt-5.2": failover serves it while this component fails
