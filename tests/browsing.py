"""The browser in which pages are tried: one for all tests of a module.

No longer than that: while it runs, its thread has an event loop, and other tests want their own.
"""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM: Final = shutil.which("chromium") or ""
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")


@contextmanager
def chromium() -> Generator[Browser]:
    """Run a Chromium, or skip the test."""
    if not CHROMIUM:
        pytest.skip("there is no chromium on the path: install it to look at pages")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Run a Chromium for the tests of a module."""
    with chromium() as started:
        yield started
