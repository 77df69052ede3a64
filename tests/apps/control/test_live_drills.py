"""Live drills over the operator API: who may, what is refused, what is noted, what is handed on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.apps.control.operator import TABLE, Operator, config, operator

from penstock.config import load
from penstock.core.errors import StoreError
from penstock.ledger.store import Store
from penstock.snapshot import live_drill, plan
from penstock.snapshot.live_drill import LiveDrill, Told
from penstock.snapshot.plan import PlanFile

pytestmark = pytest.mark.slow

FAULT: Final[dict[str, Any]] = {"kind": "http_529", "upstream": "a", "lasts_s": 60}
BODY: Final[dict[str, Any]] = {"faults": [FAULT], "reason": "game day", "blast_radius_ratio": 0.1}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Operator]:
    """An operator's API where live drills are allowed."""
    with operator(tmp_path) as one:
        allow(one)
        yield one


def allow(api: Operator) -> None:
    found, problems = load.convert({**TABLE, "gateway": {"allow_live_drills": True}})
    assert not problems
    plan.write(plan.path_of(api.folder), PlanFile(config=found, origin="a test"))
    api.try_to_publish()


def log(api: Operator) -> list[tuple[str, str]]:
    items = api.done("GET", "/audit", kind="live_drill")["items"]
    return [(one["action"], one["object"]) for one in items]


def test_off_unless_allowed(tmp_path: Path) -> None:
    assert not config().gateway.allow_live_drills
    with operator(tmp_path) as api:
        assert api.done("GET", "/live-drills") == {
            "is_allowed": False, "drill": None, "workers": [],
        }  # fmt: skip
        status, told = api.ask("POST", "/live-drills", BODY)
        assert (status, told["error"]["code"]) == (403, "live_drills_not_allowed")
        assert log(api) == []
    assert not live_drill.path_of(tmp_path).exists()


def test_begun_handed_over_noted_and_stopped(api: Operator) -> None:
    status, made = api.ask("POST", "/live-drills", BODY)
    assert status == 201
    drill = live_drill.read(api.folder)
    assert drill is not None
    assert msgspec.convert(made["drill"], LiveDrill) == drill
    assert (drill.by, drill.reason, drill.blast_radius_ratio) == ("break-glass", "game day", 0.1)
    assert drill.ends_unix_s == drill.began_unix_s + 60
    assert drill.faults[0].tiers == ("standard", "free", "batch")
    assert api.ask("POST", "/live-drills", BODY)[0] == 409
    stopped = api.done("DELETE", "/live-drills")
    assert stopped["drill"] is None
    assert live_drill.read(api.folder) is None
    assert api.done("DELETE", "/live-drills")["drill"] is None
    assert log(api) == [("stop", drill.id), ("begin", drill.id)]


TOO_FAR: Final[list[dict[str, Any]]] = [
    {"faults": []},
    {"faults": [{**FAULT, "lasts_s": 901}]},
    {"faults": [{**FAULT, "lasts_s": 0}]},
    {"faults": [{**FAULT, "starts_s": 880, "lasts_s": 60}]},
    {"faults": [{**FAULT, "kind": "http_400"}]},
    {"faults": [{**FAULT, "kind": "earthquake"}]},
    {"faults": [{**FAULT, "tiers": ["control"]}]},
    {"faults": [{**FAULT, "tiers": []}]},
    {"faults": [{**FAULT, "share_ratio": 1.1}]},
    {"faults": [{**FAULT, "ends_unix_s": 4e9}]},
    {"faults": [FAULT] * 65},
    {"blast_radius_ratio": 0.0},
    {"blast_radius_ratio": 1.5},
    {"reason": ""},
]


@pytest.mark.parametrize("wrong", TOO_FAR)
def test_what_goes_too_far_is_refused(api: Operator, wrong: dict[str, Any]) -> None:
    status, told = api.ask("POST", "/live-drills", {**BODY, **wrong})
    assert status == 422, told
    assert live_drill.read(api.folder) is None
    assert log(api) == []


def test_a_viewer_sees_and_cannot_begin_or_stop(api: Operator) -> None:
    made = api.done("POST", "/tokens", {"name": "v", "role": "viewer"})
    headers = {"authorization": f"Bearer {made['token']}"}
    assert api.raw("GET", "/live-drills", headers=headers).status_code == 200
    for method in ("POST", "DELETE"):
        content = msgspec.json.encode(BODY) if method == "POST" else None
        answer = api.raw(method, "/live-drills", headers=headers, content=content)
        assert answer.status_code == 403


def test_what_workers_say_is_shown(api: Operator) -> None:
    told = Told(
        worker="gateway-1", drill="live-1", state="stopped", why="a contract", at_unix_s=2.0,
        changed_unix_s=1.0, seen=10, struck=1, kinds={"http_529": 1},
    )  # fmt: skip
    live_drill.tell(api.folder, told)
    live_drill.told_path(api.folder, "gateway-2").write_text("nonsense")
    assert api.done("GET", "/live-drills")["workers"] == [msgspec.to_builtins(told)]


def test_what_a_worker_strikes_is_on_whatever_our_clock_says(api: Operator) -> None:
    made = api.done("POST", "/live-drills", BODY)["drill"]
    drill = live_drill.read(api.folder)
    assert drill is not None
    now_unix_s = api.control.parts.now_unix_s()
    past = msgspec.structs.replace(drill.faults[0], ends_unix_s=now_unix_s - 100.0)
    live_drill.write(api.folder, msgspec.structs.replace(drill, faults=(past,)))
    assert api.done("GET", "/live-drills")["drill"] is None
    told = Told(
        worker="gateway", drill=drill.id, state="on", at_unix_s=now_unix_s,
        changed_unix_s=now_unix_s,
    )  # fmt: skip
    live_drill.tell(api.folder, told)
    assert api.done("GET", "/live-drills")["drill"]["id"] == made["id"]
    assert api.ask("POST", "/live-drills", BODY)[0] == 409
    api.done("DELETE", "/live-drills")
    assert log(api) == [("stop", drill.id), ("begin", drill.id)]


def test_the_stop_needs_no_database(api: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    api.done("POST", "/live-drills", BODY)

    def away(*_: object, **__: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(Store, "writing", away)
    assert api.done("DELETE", "/live-drills")["drill"] is None
    assert live_drill.read(api.folder) is None
    assert api.ask("POST", "/live-drills", BODY)[0] == 503
    assert live_drill.read(api.folder) is None, "no audit line, no drill"
