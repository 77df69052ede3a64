"""Following the spool: every whole line once, whatever happens to the segments."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.tail import Spool


def test_what_comes_is_read_once_over_segments_and_half_lines(tmp_path: Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_text('{"a":1}\n{"a":2}\n{"a":')
    spool = Spool(tmp_path)
    assert spool.last(1, opened=True) == [b'{"a":2}\n']
    assert list(spool.more()) == []
    with first.open("a") as writer:
        writer.write("3}\n")
    second.write_text('{"a":4}\n')
    assert list(spool.more()) == [b'{"a":3}\n', b'{"a":4}\n']
    first.unlink()
    assert list(spool.more()) == []
    with second.open("a") as writer:
        writer.write('{"a":5}\n')
    assert list(spool.more()) == [b'{"a":5}\n']


@given(st.lists(st.integers(0, 30), max_size=20))
def test_any_cut_of_the_stream_gives_the_same_lines(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    text = b"".join(b'{"n":%d}\n' % at for at in range(20))
    path = tmp_path_factory.mktemp("spool") / "1.jsonl"
    path.touch()
    spool = Spool(path.parent)
    found = spool.last(100, opened=True)
    at = 0
    for size in [*cuts, len(text)]:
        with path.open("ab") as writer:
            writer.write(text[at : at + size])
        at += size
        found += spool.more()
    assert b"".join(found) == text


def test_opened_lines_do_not_count_as_records(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text('{"kind":"closed"}\n{"kind":"opened"}\n')
    assert Spool(tmp_path).last(1, opened=False) == [b'{"kind":"closed"}\n']
    assert Spool(tmp_path).last(1, opened=True) == [b'{"kind":"opened"}\n']
    assert Spool(tmp_path).last(0, opened=True) == []
