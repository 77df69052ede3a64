"""The console's page of live drills: the red button, the form, and the word on every page."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of, parts_in

from penstock.apps.control.parts import Parts
from penstock.config import load
from penstock.core.fault import FaultKind
from penstock.snapshot import live_drill, plan
from penstock.snapshot.live_drill import FaultEntry, LiveDrill, Told
from penstock.snapshot.plan import PlanFile
from penstock.web.endpoint import Role

FORM: dict[str, str] = {
    "kind": "stream_cut", "upstream": "a", "model": "gpt-*", "tenant": "acme", "share": "50",
    "radius": "2.5", "minutes": "3", "delay_s": "5", "reason": "game day", "tier_free": "1",
}  # fmt: skip
TABLE: dict[str, Any] = {
    "upstreams": [{"name": "a", "dialect": "openai_chat", "base_url": "http://127.0.0.1:1/v1"}],
    "routes": [{"name": "auto", "targets": [{"upstream": "a", "model": "gpt-5.6"}]}],
    "gateway": {"allow_live_drills": True},
}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """Return parts where live drills are allowed."""
    found, problems = load.convert(TABLE)
    assert not problems
    (tmp_path / "run").mkdir()
    plan.write(plan.path_of(tmp_path), PlanFile(config=found, origin="a test"))
    return parts_in(tmp_path)


def put(parts: Parts, client: TestClient) -> LiveDrill:
    """Begin one by the form."""
    answer = client.post("/live-drills", data=FORM)
    assert answer.status_code == 303, answer.text
    found = live_drill.read(parts.state_dir)
    assert found is not None
    return found


def test_a_form_begins_it_and_the_red_button_stops_it(parts: Parts) -> None:
    client = client_of(parts)
    assert "red-button" not in client.get("/live-drills").text
    drill = put(parts, client)
    assert (drill.by, drill.reason, drill.blast_radius_ratio) == ("olga", "game day", 0.025)
    (fault,) = drill.faults
    assert fault == FaultEntry(
        kind=FaultKind.STREAM_CUT,
        share_ratio=0.5,
        tenant="acme",
        tiers=("free",),
        upstream="a",
        model="gpt-*",
        starts_unix_s=NOW,
        ends_unix_s=NOW + 180,
    )
    page = client.get("/live-drills").text
    assert "red-button" in page
    assert "Begin a drill" not in page
    assert "A live drill is on" in client.get("/audit").text
    assert client.post("/live-drills/stop").status_code == 303
    assert live_drill.read(parts.state_dir) is None
    assert "A live drill is on" not in client.get("/audit").text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"minutes": "16"}, "is no number above 0 and up to 15"),
        ({"radius": ""}, "Give a number above 0"),
        ({"radius": "101"}, "is no number above 0 and up to 100"),
        ({"reason": " "}, "Say why"),
        ({"kind": "earthquake"}, "Invalid enum value"),
        ({"tier_free": ""}, "tiers must be some of"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    parts: Parts, more: dict[str, str], words: str
) -> None:
    answer = client_of(parts).post("/live-drills", data={**FORM, **more})
    assert answer.status_code == 422
    assert "Nothing was begun" in answer.text
    assert words in answer.text
    assert 'value="game day"' in answer.text or "reason" in more
    assert live_drill.read(parts.state_dir) is None


def test_what_workers_say(parts: Parts) -> None:
    client = client_of(parts)
    drill = put(parts, client)
    told = Told(
        worker="gateway-1", drill=drill.id, state="stopped", why="an exchange under a contract",
        at_unix_s=NOW, changed_unix_s=NOW, seen=1000, struck=25, spared=7,
        kinds={"stream_cut": 25},
    )  # fmt: skip
    live_drill.tell(parts.state_dir, told)
    live_drill.take_away(parts.state_dir)
    for path in ("/live-drills", "/live-drills/now"):
        page = client.get(path).text
        assert "stopped before its end" in page
        assert "an exchange under a contract" in page
        assert "2.5" in page


def test_off_it_teaches_the_next_step(tmp_path: Path) -> None:
    page = client_of(parts_in(tmp_path)).get("/live-drills").text
    assert "allow_live_drills = true" in page


def test_a_viewer_looks_on(parts: Parts) -> None:
    put(parts, client_of(parts))
    client = client_of(parts, Role.VIEWER)
    page = client.get("/live-drills").text
    assert "red-button" not in page
    assert "A live drill is on" in page
    assert client.post("/live-drills/stop").status_code == 403
    assert client.post("/live-drills", data=FORM).status_code == 403
