"""Changing keys and tenants: one at a time, checked, written whole, told to what is running.

another command is at it        -> StoreError
what would result is wrong      -> ConfigError; the file stays as it was
written                         -> doubts are told; a running ``up`` takes it at once
"""

from collections.abc import Callable

from penstock.cli import publish, reload, state
from penstock.cli.terminal import Terminal
from penstock.config.model import Config
from penstock.core.errors import ConfigError, StoreError
from penstock.snapshot import build, file, keys, prices, soundness
from penstock.snapshot.keys import Book
from penstock.snapshot.model import Snapshot
from penstock.wire import clock


def change(
    home: state.State, edit: Callable[[Book], Book], *, is_promise: bool = False
) -> Snapshot:
    """Change the file; returns what would be served with it.

    A promise is refused if contracts must hold and would not.
    """
    with state.locked(home.run / "keys.lock") as is_free:
        if not is_free:
            raise StoreError("another command is changing keys or tenants: try again")
        book = edit(keys.read_book(home.keys))
        snapshot = _resulting(home, book)
        problems = soundness.wrongs(snapshot) + (soundness.broken(snapshot) if is_promise else [])
        if problems:
            raise ConfigError(problems)
        keys.write_book(home.keys, book)
    return snapshot


def announce(home: state.State, snapshot: Snapshot) -> int:
    """Tell doubts, and have a running ``up`` take the change; returns the exit status.

    Without one running, the next start takes it.
    """
    terminal = Terminal(is_error=True)
    if snapshot.config.upstreams:
        terminal.problems("degraded", soundness.doubts(snapshot))
    pid = state.up_pid(home)
    if not pid:
        return 0
    outcome = reload.ask(home, pid)
    if outcome is None or outcome.error:
        reason = outcome.words() if outcome else "no answer from the running 'penstock up'"
        terminal.state("bad", reason)
        terminal.problems("bad", outcome.problems if outcome else [])
        return 1
    terminal.state("good", "in use now")
    return 0


def _resulting(home: state.State, book: Book) -> Snapshot:
    """Return what would be served: with the configuration that was last, if there was one."""
    try:
        config = file.read(home.snapshot).config
    except StoreError:
        config = Config()
    return build.build(
        config,
        book.keys,
        version=publish.next_version(home),
        now_unix_s=clock.now_unix_s(),
        tenancy=build.Tenancy(book.tenants, prices.read(home.prices)),
    )
