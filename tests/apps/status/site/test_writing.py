"""The folder holds one whole version at a time, packed forms beside what is worth it."""

import gzip
from pathlib import Path

import pytest

from penstock.apps.status.site import writing
from penstock.apps.status.site.files import JSON, PAGE, File, place_of
from penstock.core.errors import StoreError

LONG = b"a page that is long enough to be packed. " * 40
FILES = {"/": File(LONG, PAGE), "/a/b.json": File(b"{}", JSON), "/x": File(LONG * 2, PAGE)}


def _seen(site: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(site)): one.read_bytes() for one in site.rglob("*") if one.is_file()
    }


def test_every_path_has_its_file_and_long_ones_a_packed_form(tmp_path: Path) -> None:
    site = tmp_path / "site"
    writing.write(site, FILES)
    seen = _seen(site)
    packed = {name: body for name, body in seen.items() if name.endswith(".gz")}
    assert set(packed) == {"index.html.gz", "x/index.html.gz"}
    assert {name: body for name, body in seen.items() if name not in packed} == {
        place_of(path): file.body for path, file in FILES.items()
    }
    for name, body in packed.items():
        assert gzip.decompress(body) == seen[name.removesuffix(".gz")]


def test_a_change_changes_the_packed_form_too_and_the_rest_is_the_same_file(tmp_path: Path) -> None:
    site = tmp_path / "site"
    first = writing.write(site, FILES)
    second = writing.write(site, FILES | {"/": File(LONG + b"new", PAGE)})
    assert gzip.decompress((site / "index.html.gz").read_bytes()) == LONG + b"new"
    assert gzip.decompress((first / "index.html.gz").read_bytes()) == LONG
    for name in ("x/index.html", "x/index.html.gz", "a/b.json"):
        assert (first / name).samefile(second / name)


def test_what_is_no_longer_there_is_gone_and_few_versions_stay(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for number in range(6):
        writing.write(site, {"/": File(LONG + bytes([number]), PAGE)})
    assert set(_seen(site)) == {"index.html", "index.html.gz"}
    versions = [one for one in (tmp_path / ".site.versions").iterdir() if one.is_dir()]
    assert len(versions) == writing.KEPT


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "mine").write_text("mine")
    with pytest.raises(StoreError):
        writing.write(site, FILES)
    assert _seen(site) == {"mine": b"mine"}
