"""The answers that are kept, in memory only, bounded in number, bytes and time.

    a request that is to be kept    a place for window_s after its end; no place free: not kept,
                                    and told so
    its bytes                       the oldest answers that have ended make room; if that is not
                                    enough, or it is larger than its own bound, it is not replayed
    the same key again              the same answer; another body 422; no bytes any more 409
    nobody reads                    for orphan_s: the exchange ends
    cancelled by its caller         ended at once; the same key again: what had come, or 409
    window_s after the end          forgotten

What holds for the whole window is the promise that no second exchange is begun. What may go
earlier is the replay: then who asks again is refused, never charged again in silence.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from penstock.apps.gateway.kept import CONFLICT, KeptAnswer, Phase, cancelled
from penstock.config.model import Keep
from penstock.core.errors import CallerError, PenstockError, ShedError
from penstock.dialects.contract import Dialect
from penstock.dialects.openai_responses import stored

RESPONSES: Final = "openai_responses"
AT_ONCE: Final = float("-inf")
REUSED: Final = 422


class Owner(NamedTuple):
    """Who may come back."""

    tenant: str
    key: str


class Scope(NamedTuple):
    """What a request that comes again has in common with the first."""

    owner: Owner
    route: str
    dialect: str
    name: str  # the Idempotency-Key


class Name(NamedTuple):
    """An Idempotency-Key as its owner knows it: a request to cancel says no more."""

    owner: Owner
    dialect: str
    name: str


class Wish(NamedTuple):
    """A request that is to be kept; without a scope it is found by its response's id alone."""

    owner: Owner
    scope: Scope | None
    digest: bytes


class _Place:
    """What is known of one kept answer beside the answer."""

    __slots__ = ("response_id", "until_s", "wish")

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.response_id = ""
        self.until_s = 0.0


class Keeper:
    """All kept answers of one worker. Owned by one event loop; not thread-safe."""

    def __init__(self, now: Callable[[], float], miss: Callable[[str], None]) -> None:
        self._now = now
        self.miss = miss  # counts an answer that is not kept, or not any more, by why
        self.settings = Keep()
        self.bytes = 0
        self._places: dict[KeptAnswer, _Place] = {}
        self._by_scope: dict[Scope, KeptAnswer] = {}
        self._by_name: dict[Name, dict[KeptAnswer, None]] = {}  # of all routes
        self._by_id: dict[tuple[Owner, str], KeptAnswer] = {}
        self._ended: dict[KeptAnswer, None] = {}  # the oldest first
        self._whole: dict[KeptAnswer, None] = {}  # of these, those whose bytes are here
        self._orphans: dict[KeptAnswer, float] = {}

    @property
    def count(self) -> int:
        """How many answers have a place."""
        return len(self._places)

    def find(self, wish: Wish) -> KeptAnswer | None:
        """Return what whoever asks again gets; raises CallerError if that can be nothing."""
        kept = self._by_scope.get(wish.scope) if wish.scope is not None else None
        if kept is None:
            return None
        if self._places[kept].wish.digest != wish.digest:
            message = "This Idempotency-Key was used for another request."
            error = CallerError(message, status=REUSED, code="idempotency_key_reused")
            error.remedy = "Send the same body again, or take a new key."
        elif not kept.is_held:
            error = cancelled() if kept.is_cancelled else not_held()
        else:
            return kept
        error.should_retry = False
        raise error

    def cancel(self, name: Name) -> list[KeptAnswer]:
        """End what this owner has kept under a name; return it, ended now or before."""
        found = list(self._by_name.get(name, ()))
        for kept in found:
            kept.cancel(self._now())
        return found

    def find_response(self, owner: Owner, response_id: str) -> KeptAnswer | None:
        """Return what this owner has kept under a response's id."""
        return self._by_id.get((owner, response_id))

    def begin(
        self, wish: Wish, dialect: Dialect, request_id: str, mark: bytes
    ) -> KeptAnswer | None:
        """Give an answer a place; None if there is none."""
        if len(self._places) >= self.settings.exchanges_max:
            self.miss("full")
            return None
        kept = KeptAnswer(self, dialect, request_id, mark)
        self._places[kept] = _Place(wish)
        if wish.scope is not None:
            self._by_scope[wish.scope] = kept
            self._by_name.setdefault(name_of(wish.scope), {})[kept] = None
        return kept

    def forget(self, kept: KeptAnswer) -> None:
        """Take an answer's place away; who reads it now may go on."""
        place = self._places.pop(kept, None)
        if place is None:
            return
        self._ended.pop(kept, None)
        self._whole.pop(kept, None)
        if place.wish.scope is not None:
            del self._by_scope[place.wish.scope]
            self._forget_name(name_of(place.wish.scope), kept)
        name = (place.wish.owner, place.response_id)
        if self._by_id.get(name) is kept:
            del self._by_id[name]
        kept.forget()

    def sweep(self, now_s: float) -> None:
        """End what nobody reads, and forget what is past its window."""
        limit_s = now_s - self.settings.orphan_s
        for kept in [kept for kept, since_s in self._orphans.items() if since_s <= limit_s]:
            waited = f"Nobody read this answer for {self.settings.orphan_s:g} s, so it was ended."
            error = CallerError(waited, status=CONFLICT, code="nobody_reads")
            error.remedy = "Take a new Idempotency-Key to ask again."
            kept.hang_up(error, now_s)
        while self._ended:
            oldest = next(iter(self._ended))
            if self._places[oldest].until_s > now_s:
                break
            self.forget(oldest)

    def close(self) -> None:
        """End what nobody reads: the process goes down, and nobody can come back."""
        now_s = self._now()
        for kept in list(self._orphans):
            kept.hang_up(going_down(), now_s)

    # --- kept answers call these

    def take(self, kept: KeptAnswer, size: int) -> bool:
        """Make room for so many bytes more, if need be by dropping the oldest answers' bytes."""
        settings = self.settings
        if kept.taken_bytes + size > settings.exchange_bytes_max:
            self.miss("outgrown")
            return False
        if self.bytes + size > settings.bytes_max:
            self._make_room(size)
            if self.bytes + size > settings.bytes_max:
                self.miss("no_room")
                return False
        kept.taken_bytes += size
        self.bytes += size
        return True

    def on_trimmed(self, kept: KeptAnswer, size: int) -> None:
        """Give back what an answer has let go."""
        left = min(kept.taken_bytes, size)
        self.bytes -= kept.taken_bytes - left
        kept.taken_bytes = left

    def on_readers(self, kept: KeptAnswer) -> None:
        """Begin to count, or cease, how long nobody has been reading."""
        if kept.has_readers or not kept.is_running:
            self._orphans.pop(kept, None)
        elif kept.phase is Phase.PASSING:
            self._orphans[kept] = AT_ONCE
        else:
            self._orphans.setdefault(kept, self._now())

    def on_start(self, kept: KeptAnswer) -> None:
        """Remember a response by its id."""
        place = self._places.get(kept)
        if place is None or kept.dialect.name != RESPONSES:
            return
        place.response_id = stored.response_id(kept.data, is_stream=kept.is_stream)
        if place.response_id:
            self._by_id[place.wish.owner, place.response_id] = kept

    def on_end(self, kept: KeptAnswer) -> None:
        """Let the window begin; what never had content is forgotten, so that a retry may be.

        What was cancelled is not: a retry that has crossed the cancel on its way asks for nothing.
        """
        self._orphans.pop(kept, None)
        place = self._places.get(kept)
        if place is None:
            return
        if not kept.has_answered and not kept.is_cancelled:
            self.forget(kept)
            return
        place.until_s = self._now() + self.settings.window_s
        self._ended[kept] = None
        if kept.is_held:
            self._whole[kept] = None

    def _forget_name(self, name: Name, kept: KeptAnswer) -> None:
        same = self._by_name[name]
        del same[kept]
        if not same:
            del self._by_name[name]

    def _make_room(self, size: int) -> None:
        while self._whole and self.bytes + size > self.settings.bytes_max:
            oldest = next(iter(self._whole))
            del self._whole[oldest]
            oldest.forget()
            self.miss("pushed_out")


def name_of(scope: Scope) -> Name:
    """Return the name under which its owner may cancel it."""
    return Name(scope.owner, scope.dialect, scope.name)


def not_held() -> CallerError:
    """Return the error for an answer that was too large, or had to make room."""
    message = "This answer cannot be given out again: it is not held any more."
    error = CallerError(message, status=CONFLICT, code="answer_not_kept")
    error.remedy = "Take a new Idempotency-Key to ask again; that is a second exchange."
    return error


def going_down() -> PenstockError:
    """Return what is told while the process ends."""
    return ShedError("The gateway is going down.", retry_after_s=1.0)
