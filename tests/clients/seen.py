"""What the users of each client see when a route has one upstream and that fails: measured.

``seen.json`` is written by ``make clients-measure`` and holds what was measured; ``make clients``
compares with it, and ``docs/reference/clients.md`` is generated from it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.clients.roster import Case, Client

FILE: Final = Path(__file__).with_name("seen.json")
MEASURE: Final = "PENSTOCK_CLIENTS_MEASURE"


def row(client: Client, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return what does not depend on any fault."""
    library = client.library
    return {
        "title": library.title,
        "versions": dict(versions),
        "setting": library.setting,
        "base": client.base,
        "prefixed": client.prefixed,
        "dialect": client.dialect,
        "is_stream": client.is_stream,
        "way": client.call,
    }


class Seen:
    """The table as it was measured; or, while it is measured, as far as that has come."""

    def __init__(self) -> None:
        self._is_measuring = bool(os.environ.get(MEASURE))
        text = "{}" if self._is_measuring else FILE.read_text(encoding="utf-8")
        self._rows: dict[str, dict[str, Any]] = json.loads(text)

    def check(self, case: Case, heard: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Compare with the table what the user of a client saw."""
        sight = {name: heard[name] for name in ("error", "status", "code") if heard[name]}
        if heard["error_events"]:
            sight["events"] = heard["error_events"]
        fixed = row(case.client, versions)
        if self._is_measuring:
            mine = self._rows.setdefault(case.client.name, {**fixed, "sees": {}})
            mine["sees"].setdefault(case.trouble.name, sight)
        told = "measure anew: make clients-measure"
        found = self._rows.get(case.client.name, {})
        assert {name: found.get(name) for name in fixed} == fixed, told
        assert found["sees"].get(case.trouble.name) == sight, told

    def close(self) -> None:
        """Write what was measured, if that was asked for."""
        if self._is_measuring:
            text = json.dumps(self._rows, indent=1, sort_keys=True)
            FILE.write_text(text + "\n", encoding="utf-8")
