"""What the tier installs is locked by hashes, names no place to get it from, and is pinned."""

import json
from typing import Any

from tests.clients.roster import NODE, ROOT


def test_clients_for_python_are_locked_by_hash() -> None:
    text = (ROOT / "requirements" / "clients.txt").read_text(encoding="utf-8")
    entries = text.replace("\\\n", " ").splitlines()
    locked = [line for line in entries if "==" in line]
    assert locked
    assert [line for line in locked if "--hash=sha256:" not in line] == []
    assert "://" not in text


def test_clients_for_node_are_locked_by_hash() -> None:
    lock: dict[str, Any] = json.loads((NODE / "package-lock.json").read_text(encoding="utf-8"))
    wanted: dict[str, str] = json.loads((NODE / "package.json").read_text(encoding="utf-8"))[
        "dependencies"
    ]
    own = lock["packages"].pop("")
    assert own["dependencies"] == wanted
    for path, entry in lock["packages"].items():
        assert entry["integrity"].startswith("sha512-"), path
        assert "resolved" not in entry, f"{path}: `make lock` leaves the address out"
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
