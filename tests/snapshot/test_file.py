"""A snapshot is read whole and as it was written, or refused with a reason."""

import hashlib
import stat
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.model import Config, DialectName, Route, Target, Upstream
from penstock.core.errors import StoreError
from penstock.snapshot import file
from penstock.snapshot.build import build
from penstock.snapshot.model import FORMAT, Key, Snapshot

CONFIG = Config(
    upstreams=(Upstream(name="up", dialect=DialectName.OPENAI_CHAT, base_url="http://h/v1"),),
    routes=(Route(name="m", targets=(Target(upstream="up"),)),),
)
KEY = Key(id="local", tenant="local", sha256="ab" * 32, routes=("m",))


def snapshot(version: int = 7, keys: int = 1) -> Snapshot:
    return build(CONFIG, [KEY] * keys, version=version, now_unix_s=1.5, is_emulated=True)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    file.write(path, snapshot())
    assert file.read(path) == snapshot()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["snapshot"]


def test_a_larger_one_is_replaced_by_a_smaller_one(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    file.write(path, snapshot(1, keys=100))
    file.write(path, snapshot(2))
    assert file.read(path) == snapshot(2)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a place for files that are written and read at once."""
    return tmp_path_factory.mktemp("snapshots") / "snapshot"


@given(data=st.data())
def test_one_cut_short_or_changed_in_one_bit_is_refused(scratch: Path, data: st.DataObject) -> None:
    file.write(scratch, snapshot())
    raw = scratch.read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        bad = raw[:at]
    else:
        bad = raw[:at] + bytes([raw[at] ^ (1 << data.draw(st.integers(0, 7)))]) + raw[at + 1 :]
    scratch.write_bytes(bad)
    with pytest.raises(StoreError, match=r"is not a snapshot|is damaged|has format"):
        file.read(scratch)


def refused(path: Path, raw: bytes) -> str:
    path.write_bytes(raw)
    with pytest.raises(StoreError) as caught:
        file.read(path)
    assert str(path) in caught.value.message
    return caught.value.message


def signed(body: bytes, form: int = FORMAT) -> bytes:
    return f"penstock-snapshot {form} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def test_each_refusal_says_why(scratch: Path) -> None:
    good = msgspec.json.encode(snapshot())
    assert "format 2; this version reads 1" in refused(scratch, signed(good, 2))
    assert "damaged" in refused(scratch, signed(good)[:-1])
    assert "not a snapshot" in refused(scratch, b"")
    assert "not a snapshot" in refused(scratch, b"\xff" * 100)
    assert "cannot be understood" in refused(scratch, signed(b'{"version":1}'))
    assert "cannot be understood" in refused(scratch, signed(b"nonsense"))
    unknown = msgspec.json.decode(good) | {"config": {"gatewya": {}}}
    assert "gatewya" in refused(scratch, signed(msgspec.json.encode(unknown)))
    scratch.unlink()
    with pytest.raises(StoreError, match="No such file"):
        file.read(scratch)
    with pytest.raises(StoreError, match="cannot be written"):
        file.write(scratch / "no" / "folder", snapshot())


def test_a_reader_sees_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    file.write(path, snapshot(0))
    is_over = threading.Event()
    seen: list[int] = []
    errors: list[Exception] = []

    def read_on() -> None:
        while not is_over.is_set():
            try:
                seen.append(file.read(path).version)
            except StoreError as error:
                errors.append(error)

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 100):
        file.write(path, snapshot(version, keys=version % 7 * 50))
    is_over.set()
    for reader in readers:
        reader.join(10)
    assert errors == []
    assert len(set(seen)) > 1
