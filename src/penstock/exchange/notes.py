"""Notes: what a stream tells beside its answer, as comments that every client's reader skips.

    load       at the start, while the ladder takes something from this caller; again with the
               first content, and at a seam, where that is something else by then
    answered   with the first content: by whom, at which try, and because of what
    continued  at a seam: by whom, and because of what

``because`` says why those before did not answer: ``claude: overloaded, gpt: timeout``. Who was
tried is told with the kind of its last failure; who stands before in an ordered route and was not
even asked, as ``failing`` (its breaker is open) or ``cooling`` (it has asked to be left alone). It
is empty where the first choice has answered.

Told only to whoever asks for it, and in no dialect whose clients bear no comments. Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from penstock.core.claim import Claim
from penstock.core.outcome import Failure
from penstock.dialects.contract import Dialect
from penstock.exchange.attempt import Attempt
from penstock.exchange.target import Readiness, Target

LEFT_OUT: Final = {Readiness.BROKEN: "failing", Readiness.COOLING: "cooling"}


class Notes:
    """What one stream has been told. Owned by one event loop; not thread-safe."""

    __slots__ = ("_dialect", "_load", "_passed")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._load = b""  # as it was told last
        self._passed: dict[str, str] = {}  # upstreams that were not asked, and why

    def on_granted(self, able: Sequence[Target], chosen: Target, claim: Claim, at_s: float) -> None:
        """Note who stands before the one that is asked, and cannot be asked."""
        for target in able:
            if target is chosen:
                return
            why = LEFT_OUT.get(target.readiness(claim, at_s))
            if why is not None:
                self._passed[target.upstream.name] = why

    def load(self, claim: Claim) -> bytes:
        """Return what is taken from this caller, if it has not been told so."""
        told: dict[str, object] = {"level": claim.load_level, "degraded": claim.degraded}
        note = self._note("load", told) if claim.load_level or claim.degraded else b""
        if note == self._load or not (note or self._load):
            return b""
        self._load = note
        return note or self._note("load", told)

    def who(self, attempts: Sequence[Attempt]) -> bytes:
        """Return who answers, or goes on with an answer, and why: the last of these attempts."""
        target = attempts[-1].target
        told: dict[str, object] = {"upstream": target.upstream.name, "model": target.model}
        begun = [at for at, one in enumerate(attempts[:-1]) if one.first_token_at_s]
        if begun:
            told["because"] = self._because(attempts[begun[-1] : -1])
            return self._note("continued", told)
        told["attempts"] = len(attempts)
        told["because"] = self._because(attempts[:-1])
        return self._note("answered", told)

    def _because(self, before: Iterable[Attempt]) -> str:
        why = self._passed
        self._passed = {}
        for one in before:
            if isinstance(one.outcome, Failure):
                why[one.target.upstream.name] = one.outcome.kind.value
        return ", ".join(f"{name}: {word}" for name, word in why.items())

    def _note(self, name: str, told: dict[str, object]) -> bytes:
        line = self._dialect.comment(b"%b %b" % (name.encode(), msgspec.json.encode(told)))
        return b"" if line == self._dialect.keep_alive else line  # it bears no words
