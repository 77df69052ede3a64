"""Secrets are whole, and for their owner alone."""

from pathlib import Path

import pytest

from penstock.config import private_file
from penstock.core.errors import StoreError


def test_what_is_written_is_read_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    private_file.write(path, "eins\n")
    private_file.write(path, "zwei é\n")
    assert private_file.read(path) == "zwei é\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    private_file.write(path, "x")
    path.chmod(0o644)
    with pytest.raises(StoreError, match=r"0644.*chmod 600"):
        private_file.read(path)


def test_what_cannot_be_read_or_written_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        private_file.read(tmp_path / "none")
    with pytest.raises(StoreError, match="cannot be written"):
        private_file.write(tmp_path / "none" / "x", "x")
    binary = tmp_path / "binary"
    binary.touch(mode=0o600)
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="not text"):
        private_file.read(binary)
    binary.write_bytes(b"x" * (private_file.BYTES_MAX + 1))
    with pytest.raises(StoreError, match="larger"):
        private_file.read(binary)
