"""The site kept up to date: rendered after each change, written, served, and pushed.

touch      something has changed; changes within SETTLE_S of each other are one rendering
each turn  also EVERY_S after the last one: times on the page are told relative to it
order      served from memory first; then written to the folder; then the push command
push       [status] push_command with the folder appended, ended after push_within_s; it is run
           again after the next change, and after a failure RETRY_S later

A database or disk that is away leaves the last site standing; the next turn tries again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from penstock.apps.status import viewing
from penstock.apps.status.parts import Parts
from penstock.apps.status.site import rendering, writing
from penstock.apps.status.site.files import File
from penstock.core.errors import PenstockError, StoreError
from penstock.telemetry import log
from penstock.web.keeping_up import is_set_within, pause

SETTLE_S: Final = 0.2
EVERY_S: Final = 60.0
RETRY_S: Final = 30.0
SITE: Final = "site"
WORDS_MAX: Final = 300  # of a push command's complaint, in our log

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]
Use = Callable[[dict[str, File]], None]


class Publishing:
    """Renders, serves, writes and pushes. Owned by one event loop."""

    def __init__(self, parts: Parts, blocking: Blocking, use: Use) -> None:
        self._parts = parts
        self._blocking = blocking
        self._use = use
        self._touched = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None  # known once we run

    def touch(self) -> None:
        """Ask for a new rendering. May be called from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the process ends
                self._loop.call_soon_threadsafe(self._touched.set)

    async def run(self) -> None:
        """Go on for ever."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._touched.clear()
            is_done = await self.turn()
            await is_set_within(self._touched, EVERY_S if is_done else RETRY_S)
            await pause(SETTLE_S)

    async def turn(self) -> bool:
        """Publish once; tell whether all of it worked."""
        try:
            files = await self._blocking(self._rendered)
            self._use(files)
            await self._blocking(lambda: writing.write(site_of(self._parts), files))
        except PenstockError as error:
            log.warn("site_not_written", reason=error.message)
            return False
        command = self._parts.config.status.push_command
        return await self._push(command) if command else True

    def _rendered(self) -> dict[str, File]:
        now_unix_s = self._parts.now_unix_s()
        with self._parts.store.reading() as connection:
            view = viewing.read(connection, self._parts, now_unix_s)
        return rendering.render(view)

    async def _push(self, command: tuple[str, ...]) -> bool:
        within_s = self._parts.config.status.push_within_s
        try:
            await pushed(command, site_of(self._parts), within_s)
        except StoreError as error:
            log.warn("site_not_pushed", reason=error.message)
            return False
        return True


def site_of(parts: Parts) -> Path:
    """Return where the site lies."""
    named = parts.config.status.site_dir
    return Path(named) if named else parts.state_dir / SITE


async def pushed(command: tuple[str, ...], site: Path, within_s: float) -> None:
    """Run the push command; raises StoreError with what it said last if it does not succeed."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            str(site),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise StoreError(f"{command[0]} cannot be run: {error.strerror}") from error
    try:
        async with asyncio.timeout(within_s):
            _, said = await process.communicate()
    except TimeoutError as error:
        raise StoreError(f"{command[0]} has not ended within {within_s:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = said.decode("utf-8", "replace").strip()[-WORDS_MAX:]
        raise StoreError(f"{command[0]} ended with status {process.returncode}: {words}")
