"""The board: all banners that there are now, the gravest first, in words for people.

    gateway     it does not answer: what still works, and what becomes of messages
    login       a way to log in that fails; who is in stays in
    incidents   what the status page says, in its own words (``seen.py``)
    load        what the ladder takes from free accounts, by its level, for as long as answers say
                so: ``LOAD_S`` after the last one

Whoever finds something out says so here, on the event loop; browsers are told when the banners
have changed, and only then. ``notices`` may be read from any thread.

Pure but for telling: the time is handed in.
"""

from collections.abc import Callable, Mapping
from typing import Final

from penstock.apps.chat.shapes import Notice, Notices
from penstock.apps.chat.waiting import seen
from penstock.core.claim import MAX_TOKENS, MODEL

LOAD_S: Final = 30.0  # the ladder goes down a level in ten at the soonest
SHORTER: Final = 2
ONE_EACH: Final = 3
QUEUED: Final = 4
CLOSED: Final = 5
LEVELS: Final = {"bad": 0, "degraded": 1, "info": 2}
UNKNOWN: Final = "unknown"
GATEWAY_TEXT: Final = (
    "Answers cannot be had just now. Everything that you have is here, and what you send is kept"
    " and goes out as soon as it is possible."
)


class Board:
    """What is not as it should be. Owned by one event loop."""

    def __init__(self, tell: Callable[[Notices], None]) -> None:
        self._tell = tell
        self._notices: tuple[Notice, ...] = ()
        self._is_down = False
        self._logins: tuple[str, ...] = ()
        self._document: seen.Document | None = None
        self._load_at_s: dict[tuple[int, frozenset[str]], float] = {}
        self._states: Mapping[str, str] = {}

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The banners, the gravest first."""
        return self._notices

    @property
    def document(self) -> seen.Document | None:
        """What the status page says; None: not known."""
        return self._document

    @property
    def is_gateway_down(self) -> bool:
        """Whether answers cannot be had."""
        return self._is_down

    def state_of(self, route: str) -> str:
        """Return the state of a model of the picker, in the status page's words."""
        return self._states.get(route, UNKNOWN) or UNKNOWN

    def on_gateway(self, *, is_down: bool, now_s: float) -> None:
        """Take note whether the gateway answers."""
        self._is_down = is_down
        self.look(now_s)

    def on_load(self, level: int, degraded: tuple[str, ...], now_s: float) -> None:
        """Take note of what an answer said of the ladder."""
        if level >= SHORTER:
            self._load_at_s[min(level, CLOSED), frozenset(degraded) & {MAX_TOKENS, MODEL}] = now_s
        self.look(now_s)

    def on_status(self, document: seen.Document | None, now_s: float) -> None:
        """Take what the status page says; None: it cannot be read, so nothing is known."""
        self._document = document
        self._states = {} if document is None else seen.states(document)
        self.look(now_s)

    def on_logins(self, failing: tuple[str, ...], now_s: float) -> None:
        """Take which ways to log in fail, as people know them: "single sign-on"."""
        self._logins = failing
        self.look(now_s)

    def look(self, now_s: float) -> None:
        """Find out what there is now; tell if it has changed."""
        found: list[Notice] = []
        if self._is_down:
            found.append(Notice("gateway", "bad", GATEWAY_TEXT, self._href, "api"))
        found.extend(self._login_notices())
        if self._document is not None:
            found.extend(seen.notices(self._document))
        if not self._is_down:
            found.extend(self._load_notices(now_s))
        found.sort(key=lambda one: LEVELS.get(one.level, len(LEVELS)))
        now = tuple(found)
        if now != self._notices:
            self._notices = now
            self._tell(Notices(now))

    @property
    def _href(self) -> str:
        return self._document.page.url if self._document is not None else ""

    def _login_notices(self) -> list[Notice]:
        if not self._logins:
            return []
        ways = " and ".join(self._logins)
        fails = "fails" if len(self._logins) == 1 else "fail"
        text = f"Logging in by {ways} {fails} just now. Whoever is logged in stays so."
        return [Notice("login", "degraded", text, self._href, "login")]

    def _load_notices(self, now_s: float) -> list[Notice]:
        table = self._load_at_s
        for key in [key for key, at_s in table.items() if now_s - at_s > LOAD_S]:
            del table[key]
        if not table:
            return []
        level = max(level for level, _ in table)
        taken = frozenset[str]().union(*(words for at, words in table if at == level))
        return [Notice(f"load-{level}", "degraded", _load_text(level, taken), self._href)]


def _load_text(level: int, taken: frozenset[str]) -> str:
    """Say what is taken from free accounts, and no more than is."""
    parts: list[str] = []
    if MAX_TOKENS in taken:
        parts.append("answers are shorter")
    if MODEL in taken:
        parts.append("a smaller model may answer")
    if level >= ONE_EACH:
        parts.append("one answer at a time is written for each person")
    if level == QUEUED:
        parts.append("answers may take a few seconds to begin")
    if level >= CLOSED:
        parts.append("new conversations wait in line")
    if not parts:
        return "Many people are here just now."
    *first, last = parts
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"Many people are here just now. For free accounts, {listed}."
