"""How property tests run.

No bound on the time of an example, which a busy machine would break. ``make test`` tries fewer
examples than Hypothesis would by itself, so that it stays short; ``make fuzz`` tries many more.

What is there for all tests: the browser of ``tests/browsing.py`` (``browser``), and the databases
of ``tests/postgres.py`` (``store``, ``postgres``).

What a failed test shared with others (a running process, a filled store) is taken down after it, so
that its second run, and the tests behind it, begin anew. ``--fresh`` does so after every test: a
test that leans on one before it then fails.

With several workers, the plugin that runs tests again asks and tells the first process over a
socket before each test. Without Nagle's algorithm, as here, that takes no 40 ms.
"""

import socket
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings
from tests.browsing import browser
from tests.postgres import postgres, store

__all__ = ["browser", "postgres", "store"]

FAILED = pytest.StashKey[bool]()

settings.register_profile("fast", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("fast")


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "take down what tests share after each of them"
    parser.addoption("--fresh", action="store_true", help=told)


def pytest_sessionstart(session: pytest.Session) -> None:
    connection = getattr(getattr(session.config, "failures_db", None), "sock", None)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.when != "teardown":
        item.stash[FAILED] = True
    return report


@pytest.hookimpl(tryfirst=True)  # before the plugin that runs it again keeps all that is shared
def pytest_runtest_teardown(item: pytest.Item) -> None:
    if item.stash.get(FAILED, False) or item.config.getoption("--fresh"):
        item.stash[FAILED] = False
        session: Any = item.session
        session._setupstate.teardown_exact(None)
