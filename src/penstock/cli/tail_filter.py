"""Which records ``penstock tail`` shows.

Each filter that is given must hold; of one that is given several times, any value will do.

    --tenant --key --route --id      equal
    --model                          asked for, or answered by an attempt
    --upstream                       of any attempt
    --tier --outcome --status        equal; a status may be a class, as 5xx
    --min-duration                   seconds, at least
    --failed-over                    more than one upstream was tried

A line that stands before a dial (with --json) has no outcome yet: it is shown only where nothing is
asked for that it cannot know.
"""

import argparse
import re
from typing import Final

import msgspec

from penstock.core.tier import WORDS

OUTCOMES: Final = ("complete", "failed", "broken", "refused", "hung_up")
OPENED: Final = "opened"
_STATUS: Final = re.compile(r"[1-5](?:\d\d|xx)")


class Attempt(msgspec.Struct, frozen=True):
    """What filters ask of an attempt."""

    upstream: str = ""
    model: str = ""


class Fields(msgspec.Struct, frozen=True):
    """What filters ask of a line; those of an opened one stand beside it, not in attempts."""

    kind: str = ""
    id: str = ""
    tenant: str = ""
    key: str = ""
    route: str = ""
    model: str = ""
    upstream: str = ""
    tier: str = ""
    outcome: str = ""
    status: int = 0
    duration_s: float = 0.0
    attempts: tuple[Attempt, ...] = ()

    @property
    def upstreams(self) -> frozenset[str]:
        """Where it went."""
        return frozenset({self.upstream, *(one.upstream for one in self.attempts)}) - {""}

    @property
    def models(self) -> frozenset[str]:
        """What was asked for and what answered."""
        return frozenset({self.model, *(one.model for one in self.attempts)}) - {""}


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; empty: all."""

    tenant: frozenset[str] = frozenset()
    key: frozenset[str] = frozenset()
    route: frozenset[str] = frozenset()
    id: frozenset[str] = frozenset()
    upstream: frozenset[str] = frozenset()
    model: frozenset[str] = frozenset()
    tier: frozenset[str] = frozenset()
    outcome: frozenset[str] = frozenset()
    status: frozenset[str] = frozenset()
    duration_min_s: float = 0.0
    is_failed_over: bool = False

    def passes(self, raw: bytes) -> bool:
        """Whether a line is to be shown; one that is no record is not, if anything is asked for."""
        if self == ALL:
            return True
        try:
            found = msgspec.json.decode(raw, type=Fields)
        except msgspec.MsgspecError:
            return False
        return self._is_of(found) and self._went(found)

    def _is_of(self, found: Fields) -> bool:
        pairs = (
            (self.tenant, found.tenant),
            (self.key, found.key),
            (self.route, found.route),
            (self.id, found.id),
        )
        return (
            all(not wanted or one in wanted for wanted, one in pairs)
            and (not self.upstream or not self.upstream.isdisjoint(found.upstreams))
            and (not self.model or not self.model.isdisjoint(found.models))
        )

    def _went(self, found: Fields) -> bool:
        asks = self.tier or self.outcome or self.status or self.duration_min_s
        if found.kind == OPENED:
            return not asks and not self.is_failed_over
        status = str(found.status)
        return (
            (not self.tier or found.tier in self.tier)
            and (not self.outcome or found.outcome in self.outcome)
            and (not self.status or not self.status.isdisjoint((status, status[0] + "xx")))
            and found.duration_s >= self.duration_min_s
            and (not self.is_failed_over or len(found.upstreams) > 1)
        )


ALL: Final = Filter()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the filters to a command line."""
    group = parser.add_argument_group("filters", "all must hold; repeat one for any of several")
    for name in ("tenant", "key", "route", "upstream", "model"):
        group.add_argument(f"--{name}", action="append", default=[], metavar="NAME")
    group.add_argument("--tier", action="append", default=[], choices=WORDS)
    group.add_argument("--outcome", action="append", default=[], choices=OUTCOMES)
    group.add_argument(
        "--status", action="append", default=[], type=_status, help="as told: 429, or 5xx"
    )
    group.add_argument("--min-duration", type=_seconds, default=0.0, metavar="SECONDS")
    group.add_argument("--failed-over", action="store_true", help="tried more than one upstream")
    group.add_argument("--id", action="append", default=[], metavar="ID", help="one exchange")


def filter_of(args: argparse.Namespace) -> Filter:
    """Return what a command line asks for."""
    names = ("tenant", "key", "route", "id", "upstream", "model", "tier", "outcome", "status")
    sets = {name: frozenset[str](getattr(args, name)) for name in names}
    return Filter(**sets, duration_min_s=args.min_duration, is_failed_over=args.failed_over)


def _status(text: str) -> str:
    if not _STATUS.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is no status: write 429, or 5xx")
    return text.lower()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, such as 2.5")
    return seconds
