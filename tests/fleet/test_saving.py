"""What was learned comes back, and a file that cannot be read costs only what was in it."""

from pathlib import Path
from typing import Any

import pytest

from penstock.fleet.address import PATH_BYTES_MAX, address
from penstock.fleet.salt import SALT_BYTES, salt_of
from penstock.fleet.saving import Kept, Saving


class Memory:
    """A part that keeps one number."""

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def state(self, now_s: float) -> dict[str, Any]:
        del now_s
        return {"number": self.number}

    def restore(self, state: dict[str, Any], now_s: float) -> None:
        del now_s
        self.number = state["number"]


def saving(path: Path, told: list[str], **parts: Memory) -> Saving:
    kept = {name: Kept(part, 100.0) for name, part in parts.items()}
    return Saving(path, kept, told.append)


def save(path: Path, **parts: Memory) -> None:
    made = saving(path, [], **parts)
    made.write(made.content(5.0, 1000.0))


def test_every_part_gets_its_own_back(tmp_path: Path) -> None:
    path = tmp_path / "limiter.json"
    save(path, one=Memory(1), two=Memory(2))
    assert path.stat().st_mode & 0o777 == 0o600
    one, two, three = Memory(), Memory(), Memory()
    told: list[str] = []
    saving(path, told, one=one, two=two, three=three).restore(9.0, 1099.0)
    assert (one.number, two.number, three.number) == (1, 2, 0)
    assert not told


def test_what_is_too_old_is_left(tmp_path: Path) -> None:
    path = tmp_path / "limiter.json"
    save(path, one=Memory(1))
    one = Memory()
    saving(path, [], one=one).restore(9.0, 1101.0)
    assert one.number == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "cannot be read"),
        (b'{"format":1,"at_unix_s":1000,"parts":{"one":{}}}', "begins anew"),
        (b'{"format":1,"at_unix_s":1000,"parts":{"one":7}}', "begins anew"),
    ],
)
def test_a_damaged_file_is_as_none_and_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "limiter.json"
    path.write_bytes(content)
    told: list[str] = []
    saving(path, told, one=Memory()).restore(9.0, 1000.0)
    assert len(told) == 1
    assert words in told[0]


def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    made = saving(tmp_path / "none" / "limiter.json", told, one=Memory())
    for _ in range(3):
        made.write(made.content(5.0, 1000.0))
    assert len(told) == 1


def test_the_salt_is_the_same_for_all(tmp_path: Path) -> None:
    salt = salt_of(tmp_path)
    assert len(salt) == SALT_BYTES
    assert salt_of(tmp_path) == salt
    assert salt_of(tmp_path / "other") != salt
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["salt"]


def test_a_long_path_gets_a_short_address(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    (folder / "limiter.sock").write_text("here")
    found = address(folder / "limiter.sock")
    assert len(found) <= PATH_BYTES_MAX
    assert Path(found).read_text() == "here"
    assert address(Path("/run/a.sock")) == "/run/a.sock"
