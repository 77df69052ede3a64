"""Programs that people point at Statuspage work with our page, unchanged."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.clients.driver import PYTHON
from tests.clients.roster import NODE, ROOT
from tests.clients.status_page import RunningStatus

WITHIN_S: Final = 60.0
COLOUR: Final = re.compile(r"\x1b\[\d+m|\x1b\]8;;.*?\x1b\\")
pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStatus]:
    """Hand out a page with an open incident."""
    running = RunningStatus(tmp_path_factory.mktemp("status"))
    yield running
    running.stop()


def _python(*command: str, folder: Path | None = None, **environment: str) -> str:
    if not (PYTHON.parents[1] / ".ready").exists():
        pytest.skip("the clients for Python are not installed: `make clients`")
    return _run([str(PYTHON), *command], folder or ROOT, environment)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _driver(name: str, *given: str) -> str:
    return _python("-m", f"tests.clients.drivers.{name}", *given)


def test_statuspage_prometheus_exporter(page: RunningStatus, tmp_path: Path) -> None:
    services = tmp_path / "services.json"
    service = {
        "name": "Penstock",
        "type": "status_page",
        "url": f"{page.url}/api/v2/summary.json",
    }
    services.write_text(json.dumps({"penstock": service}))
    metrics = tmp_path / "metrics.prom"
    _python(
        "-m",
        "statuspage_prometheus_exporter.status_monitoring",
        folder=tmp_path,
        RUN_MODE="once",
        SERVICES_JSON_PATH=str(services),
        METRICS_TEXTFILE_PATH=str(metrics),
    )
    told = metrics.read_text()

    def value(start: str) -> float:
        (line,) = [one for one in told.splitlines() if one.startswith(start)]
        return float(line.rpartition(" ")[2])

    service_name = '{service_name="Penstock"}'
    assert value(f"statuspage_service_status{service_name}") == 0
    assert value(f"statuspage_probe_check{service_name}") == 1
    component = 'statuspage_component_status{component_name="%s",service_name="Penstock"}'
    assert value(component % "Log-in") == 0
    assert value(component % "API") == 1
    (incident,) = [one for one in told.splitlines() if one.startswith("statuspage_incident_info{")]
    assert 'incident_name="Nobody can log in"' in incident
    assert 'impact="critical"' in incident
    assert f"{page.url}/incidents/" in incident
    assert "A draft" not in told


def test_github_status_cli(page: RunningStatus) -> None:
    told = COLOUR.sub("", _driver("github_status_cli", page.url))
    assert "GitHub Status: Partial System Outage (Major Outage)" in told
    assert re.search(r"\| Log-in +\| +major_outage +\|", told)
    assert re.search(r"\| API +\| +operational +\|", told)
    assert re.search(r"\| Nobody can log in +\| +critical +\| +identified", told)
    assert "A draft" not in told


def test_statuspage_io_of_npm(page: RunningStatus) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules" / ".ready").exists():
        pytest.skip("the clients for node are not installed: `make clients`")
    told: dict[str, Any] = json.loads(
        _run(["node", str(NODE / "statuspage.mjs"), page.url], ROOT, {})
    )
    assert told["status"]["status"] == told["summary"]["status"]
    assert told["summary"]["status"]["indicator"] == "major"
    by_name = {one["name"]: one for one in told["components"]["components"]}
    assert by_name["Web chat"]["status"] == "partial_outage"
    group = by_name["Anthropic"]
    assert group["group"] is True
    assert group["components"] == [by_name["claude-opus"]["id"], by_name["claude-haiku"]["id"]]
    assert [one["name"] for one in told["unresolved"]["incidents"]] == ["Nobody can log in"]
    assert [one["name"] for one in told["incidents"]["incidents"]] == [
        "Nobody can log in",
        "Slow answers",
    ]
    # This client asks for what is upcoming in all three.
    for name in ("active", "all", "upcoming"):
        (planned,) = told[name]["scheduled_maintenances"]
        assert (planned["name"], planned["status"]) == ("The database moves", "scheduled")


@pytest.mark.parametrize(
    ("ending", "version", "kind"),
    [("atom", "atom10", "application/atom+xml"), ("rss", "rss20", "application/rss+xml")],
)
def test_feedparser(page: RunningStatus, ending: str, version: str, kind: str) -> None:
    told = json.loads(_driver("feed_reader", f"{page.url}/history.{ending}"))
    assert told["is_broken"] is False
    assert told["version"] == version
    assert told["kind"].startswith(kind)
    titles = [one["title"] for one in told["entries"]]
    assert sorted(titles) == ["Nobody can log in", "Slow answers", "The database moves"]
    entry = told["entries"][titles.index("Nobody can log in")]
    assert re.findall(r"<strong>(\w+)</strong> - (.*?) </p>", entry["content"]) == [
        ("Identified", "It is &lt;log-in&gt;."),
        ("Investigating", "We are looking into it."),
    ]
    assert entry["link"].startswith(f"{page.url}/incidents/")


def test_the_folder_holds_the_same_as_the_process(page: RunningStatus) -> None:
    told = json.loads((page.site / "api" / "v2" / "summary.json").read_text())
    assert [one["name"] for one in told["incidents"]] == ["Nobody can log in"]
