"""What the parts of the chat process work with.

Handlers run in threads; answers and the log live on the event loop. What a handler may call of them
says so: ``tell``, ``begin``, ``stop`` and ``said`` may be called from any thread.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from penstock.apps.chat.rates import Rates
from penstock.apps.chat.shapes import Notice, ReportAnswer, ReportBody
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.ledger.store import Store

FILES: Final = "chat-files"  # in the state directory


class Said(msgspec.Struct, frozen=True):
    """How far a running answer is."""

    text: str
    reasoning: str
    seq: int  # the event that this is as of


class Answers(Protocol):
    """Answers that are under way. Every method may be called from any thread."""

    def begin(self, message: str) -> None:
        """Look at the row of ``jobs`` that has just been committed for this answer."""
        ...

    def stop(self, message: str) -> None:
        """End an answer, and what is spent on it; what has come stays."""
        ...

    def said(self, message: str) -> Said | None:
        """Return how far it is; None if it is not under way."""
        ...


class Log(Protocol):
    """What browsers are told."""

    @property
    def seq(self) -> int:
        """The last event that there was. May be read from any thread."""
        ...

    def tell(self, account: str, kind: str, data: msgspec.Struct, message: str = "") -> None:
        """Tell all browsers of an account, and keep it. May be called from any thread.

        Call it after the change that it tells of has been committed.
        """
        ...

    def tell_passing(self, account: str, kind: str, data: msgspec.Struct) -> None:
        """Tell the browsers that are there now; nothing is kept. May be called from any thread."""
        ...

    def end_streams(self, account: str) -> None:
        """End the streams of an account; who may still listen comes back by itself."""
        ...

    def tell_all_passing(self, kind: str, data: msgspec.Struct) -> None:
        """Tell all browsers of everybody; nothing is kept. May be called from any thread."""
        ...


class Room(Protocol):
    """What is known of load, of neighbours and of models, and who is to be told."""

    def on_load(self, level: int, degraded: tuple[str, ...]) -> None:
        """Take what an answer says of the ladder; 5 also where new sessions are refused."""
        ...

    def on_gateway_failed(self) -> None:
        """Take note that an answer could not be asked for."""
        ...

    def on_logins(self, failing: tuple[str, ...]) -> None:
        """Take which ways to log in fail, as people know them: "single sign-on"."""
        ...

    def model_state(self, model: str) -> str:
        """Return a model's state, as the status page calls it. May be called from any thread."""
        ...

    def status_url(self) -> str:
        """Return where the status page is, or nothing. May be called from any thread."""
        ...

    def report(self, body: ReportBody, person: str, address: str) -> ReportAnswer:
        """File a person's report; blocks. May be called from any thread."""
        ...


def _nobody_erases(account: str) -> None:
    raise StoreError(f"nothing here can delete {account}")


class Parts(msgspec.Struct):
    """Put together once, at the start; ``config`` changes with a reload."""

    store: Store
    state_dir: Path
    now_unix_s: Callable[[], float]
    config: Config
    log: Log
    answers: Answers
    notices: Callable[[], tuple[Notice, ...]]  # the banners of now
    rates: Rates = msgspec.field(default_factory=Rates)
    room: Room | None = None  # set at the start, before anything is served
    is_emulated: bool = False  # providers are stand-ins
    erase: Callable[[str], None] = _nobody_erases  # an account and all of it; blocks
    own_url: str = ""  # where this process listens, once it does
    origin: Callable[[], str] = str  # where people should go, for links
    has_up: bool = False  # ``up`` has started it
