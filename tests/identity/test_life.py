"""Sessions, links and waits against a model of them, for any order of what people do."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)
from tests.identity.rooms import NOW, TERMS, fresh, person

from penstock.identity import accounts, links, sessions, throttle
from penstock.identity.errors import LinkError, TooOftenError
from penstock.identity.links import Link
from penstock.identity.sessions import SESSIONS_MAX, Visitor
from penstock.identity.throttle import Subject

SUBJECT = Subject("account:x", 3, 64.0)
FOR_S = 500.0


class Life(RuleBasedStateMachine):
    """One account with its browsers, links to it, and somebody who guesses."""

    tokens: Bundle[str] = Bundle("tokens")
    open_links: Bundle[tuple[str, float]] = Bundle("open_links")

    @initialize()
    def begin(self) -> None:
        self.store = fresh()
        self.now = NOW
        with self.store.writing() as connection:
            self.account = person(connection).id
        self.alive: dict[str, tuple[float, float]] = {}  # token -> begun, seen
        self.is_disabled = False
        self.failures = 0
        self.until = 0.0
        self.tried = 0.0
        self.ended: set[str] = set()
        self.current: tuple[str, float] | None = None

    @rule(by=st.sampled_from([0.5, 3.0, 61.0, 599.0, 601.0, 1800.0]))
    def wait(self, by: float) -> None:
        self.now += by

    @rule(target=tokens)
    def log_in(self) -> str:
        with self.store.writing() as connection:
            token = sessions.begin(connection, self.account, Visitor(), TERMS, self.now)
        self._forget_dead()
        if len(self.alive) >= SESSIONS_MAX:
            del self.alive[min(self.alive, key=lambda one: self.alive[one][1])]
        self.alive[token] = (self.now, self.now)
        return token

    @rule(token=tokens)
    def come_back(self, token: str) -> None:
        with self.store.reading() as connection:
            found = sessions.find(connection, token, TERMS, self.now)
        self._forget_dead()
        assert (found is not None) == (token in self.alive and not self.is_disabled)
        if found is not None and sessions.is_stale(found[0], self.now):
            with self.store.writing() as connection:
                sessions.touch(connection, found[0].id, self.now)
            self.alive[token] = (self.alive[token][0], self.now)

    @rule(token=consumes(tokens))
    def log_out(self, token: str) -> None:
        with self.store.writing() as connection:
            sessions.end(connection, token)
        self.alive.pop(token, None)

    @rule()
    def log_out_everywhere(self) -> None:
        with self.store.writing() as connection:
            sessions.end_all(connection, self.account)
        self.alive.clear()

    @rule(is_disabled=st.booleans())
    def disable(self, *, is_disabled: bool) -> None:
        with self.store.writing() as connection:
            if is_disabled:
                accounts.disable(connection, self.account, self.now, keep="nobody")
                self.alive.clear()
            else:
                accounts.enable(connection, self.account)
        self.is_disabled = is_disabled

    @rule(target=open_links)
    def make_link(self) -> tuple[str, float]:
        link = Link(links.INVITATION, "bob@example.org", expires_unix_s=self.now + FOR_S)
        with self.store.writing() as connection:
            token = links.make(connection, link, self.now)
        self.current = (token, self.now + FOR_S)
        return self.current

    @rule(made=open_links, is_looking=st.booleans())
    def use_link(self, made: tuple[str, float], *, is_looking: bool) -> None:
        token, expires = made
        is_good = self.current == made and self.now < expires
        try:
            with self.store.writing() as connection:
                (links.look if is_looking else links.use)(
                    connection, token, links.INVITATION, self.now
                )
        except LinkError:
            assert not is_good
        else:
            assert is_good
            self.current = made if is_looking else None

    @rule(is_right=st.booleans())
    def guess(self, *, is_right: bool) -> None:
        is_forgotten = self.now - self.tried >= throttle.FORGOTTEN_S
        try:
            with self.store.writing() as connection:
                throttle.charge(connection, (SUBJECT,), self.now)
            wait_s = 0.0
        except TooOftenError as error:
            wait_s = error.retry_after_s
        expected_s = 0.0 if is_forgotten else max(0.0, self.until - self.now)
        assert abs(wait_s - expected_s) < 1e-3
        if wait_s:
            return
        self.failures = 1 if is_forgotten else self.failures + 1
        over = self.failures - SUBJECT.free
        self.until = self.now + (0.0 if over < 0 else min(64.0, 2.0**over))
        self.tried = self.now
        if is_right:
            with self.store.writing() as connection:
                throttle.forgive(connection, (SUBJECT,), self.now)
            self.failures, self.until, self.tried = 0, 0.0, 0.0

    @invariant()
    def what_is_listed_is_what_lives(self) -> None:
        if not hasattr(self, "store"):
            return
        self._forget_dead()
        with self.store.reading() as connection:
            found = sessions.listed(connection, self.account, TERMS, self.now)
        assert len(found) == len(self.alive) <= SESSIONS_MAX

    def _forget_dead(self) -> None:
        for token, (begun, seen) in list(self.alive.items()):
            if self.now - begun >= TERMS.whole_s or self.now - seen >= TERMS.idle_s:
                del self.alive[token]

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
