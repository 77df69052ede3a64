"""Rows and bytes of files. Blocks.

A file belongs to whoever sent it. Its bytes lie in ``chat-files/`` under its id; what is coming has
a name that begins with ``.``, and is there under its id once its row is. Each account has a quota.
What has not been sent within a day, and bytes without a row that are as old, is removed.
"""

import errno
import hashlib
import mmap
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from penstock.apps.chat.files.looking import KindError, Looked, look
from penstock.apps.chat.parts import FILES
from penstock.apps.chat.queries import rows
from penstock.apps.chat.shapes import File
from penstock.apps.chat.tables import files
from penstock.core.errors import PenstockError, StoreError
from penstock.identity.rows import new_id
from penstock.ledger.store import Store
from penstock.web.endpoint import MissingError

UNSENT_S: Final = 86_400.0
NAME_MAX: Final = 120  # characters
COMING: Final = ".coming-"
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
FILES_MAX: Final = 5_000  # of one account; bytes are not the only thing that costs


class DiskFullError(PenstockError):
    """The machine has no room for it."""

    status = 507
    code = "disk_full"
    remedy = "Send your message without the file; whoever runs this chat has to make room."


class QuotaError(PenstockError):
    """The account's room is used up."""

    status = 413
    code = "quota_reached"
    remedy = "Delete conversations with files that you do not need any more."


class TooLargeError(PenstockError):
    """The file is larger than files may be."""

    status = 413
    code = "file_too_large"
    remedy = "Send a smaller one."


class Coming:
    """A file that is coming: its bytes go to the disk as they come.

    It may be closed while a thread still writes: whoever is last lets go of it.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.id = name
        self.path = path
        self.bytes = 0
        self.guard = threading.Lock()
        self._file = FileIO(path, "x")
        self._sha256 = hashlib.sha256()
        self._is_over = False

    @property
    def sha256(self) -> str:
        """What its bytes are, in hex."""
        return self._sha256.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add bytes; raises DiskFullError."""
        with self._held():
            try:
                view = memoryview(chunk)
                while view:
                    view = view[self._file.write(view) :]
            except OSError as error:
                raise disk_error(error) from error
            self._sha256.update(chunk)
            self.bytes += len(chunk)

    def finish(self) -> None:
        """Give it its name; raises DiskFullError."""
        with self._held():
            try:
                os.fsync(self._file.fileno())
                self.path.rename(self.path.with_name(self.id))
            except OSError as error:
                raise disk_error(error) from error

    def close(self) -> None:
        """Let go of it; if it has not got its name, nothing of it stays."""
        self._is_over = True
        if self.guard.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self.guard.release()

    @contextmanager
    def _held(self) -> Generator[None]:
        try:
            with self.guard:
                if self._is_over:
                    raise StoreError("the file was given up")
                yield
        finally:
            if self._is_over:
                self.close()

    def _let_go(self) -> None:
        self._file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def disk_error(error: OSError) -> PenstockError:
    """Return what is told of an error of the disk."""
    if error.errno in FULL:
        return DiskFullError("there is no room left for files on this machine")
    return StoreError(f"the file cannot be kept: {error.strerror}")


def begin(state_dir: Path) -> Coming:
    """Begin to take a file; raises DiskFullError or StoreError."""
    folder = state_dir / FILES
    name = new_id("fi-")
    path = folder / f"{COMING}{name}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        return Coming(name, path)
    except OSError as error:
        raise disk_error(error) from error


def keep(store: Store, coming: Coming, owner: tuple[str, str, int], now_unix_s: float) -> File:
    """Look into what has come, and make it the account's; ``owner``: account, name, quota."""
    account, name, quota_bytes = owner
    looked = _looked(coming)
    row = {
        "id": coming.id,
        "account": account,
        "name": name,
        "sha256": coming.sha256,
        "bytes": coming.bytes,
        "created_unix_s": now_unix_s,
        **msgspec.structs.asdict(looked),
    }
    with store.writing(is_durable=True) as connection:
        check_quota(connection, account, coming.bytes, quota_bytes)
        connection.execute(insert(files).values(**row))
        coming.finish()
        found = connection.execute(select(files).where(files.c.id == coming.id)).one()
    return rows.file(found)


def check_quota(connection: Connection, account: str, more_bytes: int, quota_bytes: int) -> None:
    """Raise QuotaError if an account has no room for so many bytes more."""
    which = select(func.coalesce(func.sum(files.c.bytes), 0), func.count())
    used, count = connection.execute(which.where(files.c.account == account)).one()
    if used + more_bytes > quota_bytes or count >= FILES_MAX:
        raise QuotaError(f"your files have {used} bytes; {quota_bytes} are kept for you")


def own(store: Store, account: str, name: str) -> Any:
    """Return the row of an account's file; raises MissingError."""
    which = select(files).where(files.c.id == name, files.c.account == account)
    with store.reading() as connection:
        row = connection.execute(which).one_or_none()
    if row is None:
        raise MissingError("there is no such file of yours")
    return row


def remove(store: Store, state_dir: Path, account: str, name: str) -> str:
    """Remove an account's file; return the message that had it. Raises MissingError."""
    row = own(store, account, name)
    mine = (files.c.id == name, files.c.account == account)
    with store.writing(is_durable=True) as connection:
        connection.execute(delete(files).where(*mine))
    with suppress(OSError):  # the daily look finds it again
        (state_dir / FILES / name).unlink(missing_ok=True)
    return row.message


def sweep(store: Store, state_dir: Path, now_unix_s: float) -> int:
    """Remove what has not been sent within a day, and bytes of nobody; return how many."""
    old_unix_s = now_unix_s - UNSENT_S
    unsent = (files.c.message == "", files.c.created_unix_s < old_unix_s)
    with store.writing() as connection:
        connection.execute(delete(files).where(*unsent))
    folder = state_dir / FILES
    if not folder.is_dir():
        return 0
    with os.scandir(folder) as found:
        old = [one.name for one in found if _is_older(one, old_unix_s)]
    kept: set[str] = set()
    with store.reading() as connection:
        for some in rows.chunks(old):
            which = select(files.c.id).where(files.c.id.in_(some))
            kept.update(connection.execute(which).scalars())
    lost = [name for name in old if name not in kept]
    for name in lost:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
    return len(lost)


def name_of(text: str) -> str:
    """Return a file's name: its last part, one line, bounded."""
    last = text.replace("\\", "/").rpartition("/")[2]
    plain = "".join(one for one in last if one.isprintable()).strip(" .")
    stem, dot, kind = plain.rpartition(".")
    if len(plain) <= NAME_MAX or len(kind) > NAME_MAX // 4:
        return plain[:NAME_MAX] or "file"
    return stem[: NAME_MAX - len(kind) - 1] + dot + kind


def _is_older(entry: os.DirEntry[str], unix_s: float) -> bool:
    try:
        return entry.stat(follow_symlinks=False).st_mtime < unix_s
    except OSError:
        return False


def _looked(coming: Coming) -> Looked:
    if not coming.bytes:
        raise KindError("this file is empty")
    try:
        with (
            coming.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as raw,
        ):
            return look(raw)
    except OSError as error:
        raise disk_error(error) from error
