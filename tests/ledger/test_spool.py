"""What the spool has taken survives kill -9; what it could not take is counted."""

import json
import mmap
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.config.model import Spool
from penstock.ledger import spool as spool_module
from penstock.ledger.spool import AHEAD_BYTES, SpoolWriter, lines, written_bytes

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


PAGE = mmap.PAGESIZE


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.unix_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.unix_s


def writer(folder: Path, clock: Clock | None = None, **limits: int) -> SpoolWriter:
    return SpoolWriter(folder, Spool(**limits), clock or Clock())


def segments(folder: Path) -> list[list[bytes]]:
    return [lines(path) for path in sorted(folder.glob("*.jsonl"))]


def without_told(found: list[list[bytes]]) -> list[list[bytes]]:
    """Return the lines without those that tell what is missing."""
    return [[line for line in some if b'"dropped"' not in line] for some in found]


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
    numbers = [json.loads(line)["n"] for segment in found for line in segment]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > int(last)


def test_segments_are_private_sorted_and_end_where_their_lines_end(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spool"
    spool = writer(folder, segment_bytes=PAGE)
    line = b"x" * (PAGE // 2 - 1) + b"\n"
    for _ in range(5):
        assert spool.append(line)
    spool.close()
    assert spool.lines == 5
    assert [len(found) for found in segments(folder)] == [2, 2, 1]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for number, path in enumerate(sorted(folder.glob("*.jsonl")), 1):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.name == f"01700000000000-{os.getpid()}-{number:06d}.jsonl"
        assert path.stat().st_size == written_bytes(path) == len(line) * (2 if number < 3 else 1)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 3 * PAGE), max_size=20))
def test_a_reader_finds_the_end_of_an_open_segment(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = writer(folder, segment_bytes=2 * PAGE)
    written = [b"x" * (size - 1) + b"\n" for size in sizes]
    for line in written:
        assert spool.append(line)
    found = [line + b"\n" for segment in segments(folder) for line in segment]
    assert found == written
    paths = sorted(folder.glob("*.jsonl"))
    assert sum(written_bytes(path) for path in paths) == sum(sizes)
    spool.close()


@pytest.mark.parametrize("advice", [spool_module.POPULATE_WRITE, 9999])
def test_a_kernel_that_gives_no_pages_ahead_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, advice: int
) -> None:
    monkeypatch.setattr(spool_module, "POPULATE_WRITE", advice)
    spool = writer(tmp_path, segment_bytes=4 * AHEAD_BYTES)
    written = [bytes([97 + n % 26]) * (n * 997 % (2 * AHEAD_BYTES)) + b"\n" for n in range(40)]
    for line in written:
        assert spool.append(line)
    spool.close()
    found = segments(tmp_path)
    assert len(found) > 3
    assert [line + b"\n" for segment in found for line in segment] == written


def test_beyond_the_bound_lines_are_counted_until_a_reader_deletes(tmp_path: Path) -> None:
    clock = Clock()
    spool = writer(tmp_path, clock, segment_bytes=PAGE, bytes_max=2 * PAGE)
    line = b"x" * (PAGE - 200) + b"\n"
    taken = [spool.append(line) for _ in range(4)]
    assert taken == [True] * 2 + [False] * 2
    assert (spool.lines, spool.dropped) == (2, 2)
    assert "bound" in spool.error
    min(tmp_path.glob("*.jsonl")).unlink()
    assert not spool.append(line), "a full disk is not asked again for every line"
    clock.unix_s += 1.0
    assert spool.append(line)
    assert spool.error == ""
    told = json.loads(segments(tmp_path)[-1][0])
    assert told["kind"] == "dropped"
    assert (told["lines"], told["number"], told["writer"]) == (
        3,
        1,
        f"01700000000000-{os.getpid()}",
    )


def test_the_segments_of_others_count(tmp_path: Path) -> None:
    (tmp_path / "00000000000001-1-000001.jsonl").write_bytes(b"x" * PAGE)
    spool = writer(tmp_path, segment_bytes=PAGE, bytes_max=2 * PAGE - 1)
    assert not spool.append(b"12345\n")


def fill_the_disk(folder: Path) -> None:
    """Runs in a child: a file may not grow beyond one page, as if the disk were full then."""
    clock = Clock()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool = writer(folder, clock, segment_bytes=2 * PAGE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, hard))
    assert not spool.append(b"lost\n")
    assert spool.dropped == 1
    assert "cannot be made" in spool.error
    assert list(folder.glob("*.jsonl")) == []
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert not spool.append(b"lost\n")
    clock.unix_s += 1.0
    assert spool.append(b"kept\n")
    assert spool.error == ""
    assert without_told(segments(folder)) == [[b"kept"]]


def test_a_full_disk_is_met_before_a_segment_is_begun(tmp_path: Path) -> None:
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


def test_a_folder_that_cannot_be_made_is_counted_and_comes_back(tmp_path: Path) -> None:
    clock = Clock()
    blocked = tmp_path / "spool"
    blocked.write_text("a file where the folder should be")
    spool = writer(blocked, clock)
    assert not spool.append(b"lost\n")
    assert spool.dropped == 1
    assert "cannot be made" in spool.error
    blocked.unlink()
    clock.unix_s += 1.0
    assert spool.append(b"kept\n")
    assert spool.error == ""
    assert without_told(segments(blocked)) == [[b"kept"]]


def test_two_writers_never_share_a_segment(tmp_path: Path) -> None:
    clock = Clock()
    first, second = writer(tmp_path, clock), writer(tmp_path, clock)
    assert first.append(b"one\n")
    assert not second.append(b"two\n")  # the same process, the same millisecond
    clock.unix_s += 1.0
    assert second.append(b"three\n")
    assert without_told(segments(tmp_path)) == [[b"one"], [b"three"]]


def test_what_is_missing_is_said_at_the_end_though_there_is_no_room(tmp_path: Path) -> None:
    spool = writer(tmp_path, segment_bytes=PAGE, bytes_max=PAGE)
    assert spool.append(b"x" * (PAGE - 200) + b"\n")
    assert [spool.append(b"y" * 300 + b"\n") for _ in range(3)] == [False] * 3
    spool.dropped_exchanges = 2
    spool.close()
    spool.close()
    first, last = segments(tmp_path)
    assert len(first) == len(last) == 1
    told = json.loads(last[0])
    assert (told["kind"], told["lines"], told["exchanges"]) == ("dropped", 3, 2)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.close()
    assert spool.append(b"one\n")
    spool.close()
    spool.close()
    assert segments(tmp_path) == [[b"one"]]
