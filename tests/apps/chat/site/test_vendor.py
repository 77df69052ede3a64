"""What is vendored is what its list says, byte for byte, with its licence, and nothing else."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from penstock.apps.chat.site.files import STATIC
from penstock.apps.chat.site.modules import imports

VENDOR = STATIC / "vendor"
PACKAGES: list[dict[str, Any]] = tomllib.loads((VENDOR / "vendor.toml").read_text())["package"]
FREE = {"MIT", "Apache-2.0", "BSD-3-Clause", "OFL-1.1", "ISC"}


def hashes() -> dict[str, str]:
    return {name: told for package in PACKAGES for name, told in package["sha256"].items()}


def test_every_file_is_the_one_that_was_taken() -> None:
    assert hashes() == {
        name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name in hashes()
    }


def test_nothing_lies_beside_that_the_list_does_not_name() -> None:
    named = {*hashes(), "vendor.toml", *(package["licence_text"] for package in PACKAGES)}
    assert {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.is_file()} == named


def test_every_package_has_a_version_and_a_free_licence_with_its_text() -> None:
    for package in PACKAGES:
        assert package["version"]
        assert package["licence"] in FREE
        assert len((VENDOR / package["licence_text"]).read_text()) > 500
        assert set(package["files"].values()) == set(package["sha256"])


def test_modules_import_only_files_that_are_there() -> None:
    for path in VENDOR.rglob("*.js"):
        for name in imports(path.read_text()):
            assert (path.parent / Path(name)).is_file(), (path.name, name)
