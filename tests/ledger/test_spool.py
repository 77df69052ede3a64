"""What the spool has taken survives kill -9; what it could not take is counted."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.config.model import Spool
from penstock.ledger.spool import SpoolWriter

CHILD = """
import os, sys
from pathlib import Path
from penstock.config.model import Spool
from penstock.ledger.spool import SpoolWriter

spool = SpoolWriter(Path(sys.argv[1]), Spool(segment_bytes=2000), lambda: 1.0)
number = 0
while True:
    line = b'{"n":%d,"padding":"%b"}\\n' % (number, b"x" * (number % 97))
    assert spool.append(line)
    os.write(1, b"%d\\n" % number)
    number += 1
"""


def writer(folder: Path, **limits: int) -> SpoolWriter:
    return SpoolWriter(folder, Spool(**limits), lambda: 1_700_000_000.0)


def segments(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.jsonl"))]


def test_every_line_that_was_taken_survives_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        last = b""
        for _ in range(300):
            last = child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        last = (child.stdout.read().splitlines() or [last])[-1]  # what it said before it died
    found = segments(tmp_path)
    assert len(found) > 3
    numbers = [json.loads(line)["n"] for text in found for line in text.splitlines()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > int(last)
    assert all(text.endswith(b"\n") for text in found)


def test_segments_are_private_sorted_and_full(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spool"
    spool = writer(folder, segment_bytes=100)
    for number in range(10):
        assert spool.append(b"%049d\n" % number)
    spool.close()
    assert spool.lines == 10
    assert [len(text) for text in segments(folder)] == [100] * 5
    assert b"".join(segments(folder)) == b"".join(b"%049d\n" % n for n in range(10))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for number, path in enumerate(sorted(folder.iterdir()), 1):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.name == f"01700000000000-{os.getpid()}-{number:06d}.jsonl"


def test_beyond_the_bound_lines_are_counted_until_a_reader_deletes(tmp_path: Path) -> None:
    spool = writer(tmp_path, segment_bytes=50, bytes_max=200)
    taken = [spool.append(b"x" * 49 + b"\n") for _ in range(7)]
    assert taken == [True] * 4 + [False] * 3
    assert (spool.lines, spool.dropped) == (4, 3)
    assert "bound of 200 bytes" in spool.error
    min(tmp_path.iterdir()).unlink()
    spool.append(b"notices\n")
    assert spool.append(b"x" * 49 + b"\n")
    assert spool.error == ""
    assert sum(len(text) for text in segments(tmp_path)) <= 200


def test_the_segments_of_others_count(tmp_path: Path) -> None:
    (tmp_path / "00000000000001-1-000001.jsonl").write_bytes(b"x" * 190)
    spool = writer(tmp_path, bytes_max=200)
    assert spool.append(b"12345\n")
    assert not spool.append(b"12345\n")


def fill_the_disk(folder: Path) -> None:
    """Runs in a child: a file may grow to 1,000 bytes, as if the disk were full then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool = writer(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    taken = [spool.append(b"%029d\n" % number) for number in range(40)]
    assert taken == [True] * 33 + [False] * 7
    assert spool.dropped == 7
    assert spool.error
    assert sum(len(text) for text in segments(folder)) == 990  # no half line
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert spool.append(b"%029d\n" % 99)
    assert spool.error == ""
    assert segments(folder)[0].endswith(b"%029d\n%029d\n" % (32, 99))


def test_a_full_disk_takes_whole_lines_or_none(tmp_path: Path) -> None:
    in_a_child(tmp_path, "fill_the_disk")


def in_a_child(folder: Path, name: str) -> None:
    """Call a function of this file in a process of its own, whose limits are its own."""
    code = (
        "import runpy, pathlib, sys\n"
        "runpy.run_path(sys.argv[1])[sys.argv[2]](pathlib.Path(sys.argv[3]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, __file__, name, str(folder)],
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_half_a_line_that_cannot_be_taken_back_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = writer(tmp_path)
    assert spool.append(b"good\n")

    def half(*_: object) -> int:
        return 2

    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", fails)
        assert not spool.append(b"bad\n")
    assert spool.dropped == 1
    assert spool.error == "Input/output error"
    assert spool.append(b"good\n")


def test_a_folder_that_cannot_be_made_is_counted_and_comes_back(tmp_path: Path) -> None:
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    spool = writer(blocked)
    assert not spool.append(b"lost\n")
    assert spool.dropped == 1
    assert "cannot be created" in spool.error
    blocked.unlink()
    assert spool.append(b"kept\n")
    assert spool.error == ""
    assert segments(blocked) == [b"kept\n"]


def test_two_writers_never_share_a_segment(tmp_path: Path) -> None:
    first, second = writer(tmp_path), writer(tmp_path)
    assert first.append(b"one\n")
    assert not second.append(b"two\n")  # the same process, the same millisecond
    assert second.append(b"three\n")
    assert segments(tmp_path) == [b"one\n", b"three\n"]


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.close()
    assert spool.append(b"one\n")
    spool.close()
    spool.close()
    assert segments(tmp_path) == [b"one\n"]
