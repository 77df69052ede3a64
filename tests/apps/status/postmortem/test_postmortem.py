"""Post-mortems from the record: what they say, when they are made, and who may change them."""

import asyncio
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select, update
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import tables
from penstock.apps.status.incidents import incidents
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.parts import Parts
from penstock.apps.status.postmortem import turning, writing
from penstock.apps.status.postmortem.drafting import ENTRIES_MAX
from penstock.apps.status.postmortem.facts import Impact, Substitute, Tier
from penstock.apps.status.postmortem.turning import PostMortems
from penstock.apps.status.queries import document
from penstock.config import private_file
from penstock.core.errors import PenstockError
from penstock.watch.assessment import Assessment, Verdict
from penstock.watch.component import State

BY_TIER = (
    Substitute(route="auto", model="gpt", served=5, substituted=2),
    Substitute(route="auto", model="gpt", served=3, substituted=1),
)
COST = Impact(
    tiers=(Tier(tier="free", exchanges=10, served=7, failed=3, affected_minutes=4),),
    substitutes=BY_TIER,
)


class Told(http.server.BaseHTTPRequestHandler):
    """A control that knows what an incident cost."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Control)
        self.server.asked.append(self.path + " " + self.headers["authorization"])
        body = msgspec.json.encode(COST)
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""
        del code, size


class Control(http.server.ThreadingHTTPServer):
    """A control, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Told)
        self.asked: list[str] = []


class Case:
    """An installation in which an incident of the log-in was and is over."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.parts: Parts = installed(folder, self.clock)
        self.login = next(one.id for one in self.parts.plan if one.watched.surface == "login")
        self.post = PostMortems(self.parts, self.blocking)

    async def blocking(self, work: Callable[[], Any]) -> Any:
        return work()

    def outage(self, minutes: int = 30) -> str:
        store, parts = self.parts.store, self.parts
        started = self.clock()
        with store.writing() as connection:
            said = Said(
                status="investigating", body="Log-in fails.", components={self.login: State.MAJOR}
            )
            found = incidents.open_(
                connection, parts, Opening(name="Log-in fails", said=said), started
            )
            seen = Assessment(
                component=self.login,
                at_unix_s=started,
                verdict=Verdict.PROBLEM,
                reasons=("9 of 12 probes failed: timeout",),
            )
            for after_s in range(minutes):
                connection.execute(
                    insert(tables.verdicts).values(
                        component=self.login,
                        verdict="problem",
                        state=f"{after_s // 2}",  # each second row has new figures only
                        at_unix_s=started + after_s,
                        document=msgspec.json.encode(seen).decode(),
                    )
                )
            self.clock.now_unix_s += minutes * 60.0
            incidents.resolve(connection, parts, found, ("It works again.", "ada"), self.clock())
        return found

    def turn(self, after_s: float = 120.0) -> None:
        self.clock.now_unix_s += after_s
        asyncio.run(self.post.turn())

    def text(self, incident: str) -> str:
        with self.parts.store.reading() as connection:
            return turning.text_of(connection, incident)

    def edit(self, incident: str, text: str) -> None:
        with self.parts.store.writing() as connection:
            mine = tables.incidents.c.id == incident
            raw = connection.execute(select(tables.incidents.c.document).where(mine)).scalar_one()
            found = msgspec.structs.replace(document.read(raw), postmortem=text)
            document.write(connection, incident, found)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    found = Case(tmp_path)
    yield found
    found.parts.store.close()


@pytest.fixture
def control(case: Case) -> Iterator[Control]:
    server = Control()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    private_file.write_json(case.parts.state_dir / "run" / "control.ready.json", {"url": url})
    yield server
    server.shutdown()
    server.server_close()


def test_it_is_drafted_when_an_incident_ends_and_says_what_is_not_known(case: Case) -> None:
    found = case.outage()
    assert case.text(found) == ""
    case.turn()
    text = case.text(found)
    assert "Not available yet: control has not answered." in text
    assert "| Log-in | Major outage | 00:00:00 | 00:30:00 | 30 min |" in text
    assert "| Operator |" not in text
    assert "| Watch | Log-in: problem; 9 of 12 probes failed: timeout |" in text
    assert "| Our page | resolved: It works again. |" in text
    assert "## Causes" in text
    with case.parts.store.reading() as connection:
        kept = turning.kept(connection, found)
    assert kept is not None
    assert len(kept.facts.evidence_sha256) == 64


def test_it_is_filled_in_when_control_answers_and_asked_no_more(
    case: Case, control: Control
) -> None:
    found = case.outage()
    case.turn(1.0)
    assert control.asked == []  # control reads its spool a little later
    case.turn()
    text = case.text(found)
    assert "| free | 10 | 7 | 3 | 0 | 4 | $0 |" in text
    assert "Not available yet" not in text
    (asked,) = control.asked
    token = private_file.read(case.parts.state_dir / "control.token").strip()
    assert asked.endswith(f" Bearer {token}")
    case.turn()
    assert len(control.asked) == 1


def test_what_people_wrote_stays_and_facts_go_on(case: Case, control: Control) -> None:
    del control
    found = case.outage()
    case.turn(1.0)
    case.edit(found, "# Ours\n")
    case.turn()
    assert case.text(found) == "# Ours\n"
    with case.parts.store.reading() as connection:
        kept = turning.kept(connection, found)
    assert kept is not None
    assert kept.facts.impact == COST


def test_a_long_timeline_keeps_what_was_said_and_says_what_it_leaves_out(case: Case) -> None:
    found = case.outage(2 * (ENTRIES_MAX + 50))
    case.turn()
    with case.parts.store.reading() as connection:
        kept = turning.kept(connection, found)
    assert kept is not None
    assert len(kept.facts.timeline) == ENTRIES_MAX
    assert kept.facts.timeline_left_out == 52
    assert [one.words for one in kept.facts.timeline if one.who == "page"] == [
        "investigating: Log-in fails.",
        "resolved: It works again.",
    ]


def test_one_that_is_not_over_has_none(case: Case) -> None:
    with case.parts.store.writing() as connection:
        said = Said(status="investigating", body="x", components={case.login: State.PARTIAL})
        opening = Opening(name="x", said=said)
        found = incidents.open_(connection, case.parts, opening, case.clock())
        with pytest.raises(PenstockError, match="not over"):
            turning.redraft(connection, found, None, case.clock())
        with pytest.raises(PenstockError, match="there is no incident"):
            turning.redraft(connection, "nothing", None, case.clock())
    case.turn()
    assert case.text(found) == ""


def test_the_page_and_the_json_say_the_same(case: Case) -> None:
    found = case.outage()
    case.turn()
    with case.parts.store.reading() as connection:
        kept = turning.kept(connection, found)
    assert kept is not None
    hostile = case.text(found) + "\n<script>alert(1)</script> | x\n"
    html = writing.page(kept.facts, hostile)
    assert "<script>" not in html
    assert "Over after 30 min" in html
    decoded = msgspec.json.decode(writing.json(kept.facts, "text"))
    assert decoded["facts"]["id"] == found
    assert decoded["text"] == "text"


def test_time_of_outage_is_what_uptime_counts_not_how_long_the_incident_was_open(
    case: Case,
) -> None:
    found = case.outage(30)
    until = case.clock() - 20 * 60.0
    with case.parts.store.writing() as connection:
        mine = tables.intervals.c.component == case.login
        out = mine & (tables.intervals.c.state == "major_outage")
        connection.execute(update(tables.intervals).where(out).values(to_unix_s=until))
    case.turn()
    assert "| Log-in | Major outage | 00:00:00 | 00:30:00 | 10 min |" in case.text(found)


def test_a_model_that_answers_for_several_tiers_has_one_line(case: Case, control: Control) -> None:
    found = case.outage()
    case.turn()
    assert control.asked
    lines = [line for line in case.text(found).splitlines() if line.startswith("| auto |")]
    assert lines == ["| auto | gpt | 3 | 8 |"]
