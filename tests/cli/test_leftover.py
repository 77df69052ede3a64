"""Logs stay within their bound."""

from pathlib import Path

from penstock.cli import leftover


def test_a_log_within_its_bound_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    leftover.trim(log, 8)
    assert log.read_text() == "one\ntwo\n"


def test_a_log_beyond_its_bound_keeps_its_last_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    lines = [f"line {at:06}\n" for at in range(20_000)]
    with log.open("a") as writer:  # as a process holds it
        writer.write("".join(lines))
        writer.flush()
        leftover.trim(log, 100_000)
        writer.write("after\n")
    kept = log.read_text().splitlines(keepends=True)
    assert kept[:-1] == lines[-len(kept) + 1 :]
    assert kept[-1] == "after\n"
    assert log.stat().st_size <= leftover.LOG_KEEP_BYTES + 10


def test_a_log_that_is_not_there_is_no_trouble(tmp_path: Path) -> None:
    leftover.trim(tmp_path / "none", 1)
