"""An arm's ledger beside the providers' own counts.

    missing    exchanges whose head a caller saw, and that are neither in the ledger nor counted
               as dropped. One whose last line was dropped is in it as begun, until its worker ends
    twice      exchanges that stand in it more than once
    exact      attempts whose final usage reached us: equal to the provider's count, to the token
    estimated  others that had begun: as many as the provider has
    differing  that should be equal and are not, and those that no provider has seen
    probes     of the status page go past the gateway, and are told by a header that a gateway never
               sends; what else the provider saw and the ledger does not name, beyond the attempts
               of which no head came and the lines that are counted as dropped, is differing

Attempts are matched by the provider's id of the request; one provider names none, and there by
model and figures.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.apps.drill import joining
from penstock.apps.drill.ledgers import Ledger
from penstock.exchange.record import AttemptRecord
from penstock.sim.drills.shapes import Call, Reckoning

SUCCESS: Final = "success"
LOST: Final = "lost"
NAMELESS: Final = "gemini"  # the provider whose answers bear no id
PROBES: Final = "connection"


class Matching:
    """Attempts of a ledger, looked up among those of the emulated providers."""

    def __init__(self, theirs: Iterable[Mapping[str, Any]]) -> None:
        everything = list(theirs)
        self._named = {one["request_id"]: one for one in everything}
        self._nameless = Counter(
            (one["model"], one["input_tokens"], one["output_tokens"])
            for one in everything
            if one["provider"] == NAMELESS
        )
        self.probes = sum(PROBES in one["header_names"] for one in everything)
        self._left = len(everything) - self.probes
        self.exact = 0
        self.estimated = 0
        self.differing = 0
        self.headless = 0  # ended before any head came: nothing to match by

    def add(self, ours: AttemptRecord) -> None:
        """Match one."""
        self._left -= 1
        is_told = ours.outcome == SUCCESS and not ours.is_estimated
        if ours.outcome == LOST or not ours.status:
            self.headless += 1
        elif ours.request_id:
            self._compare(ours, self._named.pop(ours.request_id, None), is_told=is_told)
        else:
            self._compare_nameless(ours, is_told=is_told)

    @property
    def unnamed(self) -> int:
        """How many the gateway made that the ledger does not have."""
        return max(0, self._left)

    def _compare(
        self, ours: AttemptRecord, theirs: Mapping[str, Any] | None, *, is_told: bool
    ) -> None:
        if theirs is None or theirs["status"] != ours.status:
            self.differing += 1
        elif not is_told:
            self.estimated += 1
        elif (ours.input_tokens, ours.output_tokens) == (
            theirs["input_tokens"],
            theirs["output_tokens"],
        ):
            self.exact += 1
        else:
            self.differing += 1

    def _compare_nameless(self, ours: AttemptRecord, *, is_told: bool) -> None:
        key = (ours.model, ours.input_tokens, ours.output_tokens)
        if not is_told:
            self.estimated += 1
        elif self._nameless[key] > 0:
            self._nameless[key] -= 1
            self.exact += 1
        else:
            self.differing += 1


def reckoned(
    arm: str, ledger: Ledger, theirs: Iterable[Mapping[str, Any]], calls: Iterable[Call]
) -> Reckoning:
    """Compare one arm's ledger with its providers' counts."""
    mine = [call for call in calls if call.arm == arm]
    matching = Matching(theirs)
    attempts = [one for known in ledger.known.values() for one in known.record.attempts]
    for one in attempts:
        matching.add(one)
    known_of = ledger.dropped_lines + len(ledger.waiting)
    differing = matching.differing + max(0, matching.unnamed - known_of)
    unknown = joining.missing(mine, ledger.known) - set(ledger.waiting)
    missing = max(0, len(unknown) - ledger.dropped)
    return Reckoning(
        arm=arm,
        exchanges=len(ledger.known),
        dropped=ledger.dropped,
        seen=len({one for call in mine for one in call.request_ids}),
        missing=missing,
        twice=ledger.twice,
        attempts=len(attempts),
        exact=matching.exact,
        estimated=matching.estimated,
        differing=differing,
        words=tuple(_words(matching, ledger)),
        is_equal=not (missing or ledger.twice or differing),
    )


def _words(matching: Matching, ledger: Ledger) -> Iterable[str]:
    if ledger.waiting:
        told = f"{len(set(ledger.waiting))} exchanges have begun in the ledger and not ended"
        yield f"{told}: they are closed as lost once their worker ends"
    if matching.headless:
        yield f"{matching.headless} attempts ended before the provider said anything"
    if matching.unnamed:
        yield f"{matching.unnamed} requests at the providers are not in the ledger"
    if matching.probes:
        yield f"{matching.probes} requests at the providers are the status page's own probes"
