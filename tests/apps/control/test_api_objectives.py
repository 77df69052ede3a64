"""Objectives and alerts over the operator API."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.apps.control.sums import put, put_all

from penstock.apps.control import alerting
from penstock.apps.control.api import alerts as alerts_api
from penstock.apps.control.api import objectives as objectives_api
from penstock.apps.control.call import Call
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.config.model import Config
from penstock.config.operations import Alerts, Objective, Receiver, ReceiverKind, Sli
from penstock.ledger.store import Store, migrate
from penstock.ledger.tables import attempts, traffic
from penstock.web.endpoint import Actor, Role
from penstock.web.http import Caller

NOW = 1_800_000_000.0
FAST = Objective(name="fast", sli=Sli.TTFT, threshold_s=1.9, target_ratio=0.9)
UP = Objective(name="up", target_ratio=0.99, window_days=7)
HOOK = Receiver(name="hook", kind=ReceiverKind.WEBHOOK, url_env="NO_SUCH_URL")
CONFIG = Config(objectives=(UP, FAST), alerts=Alerts(receivers=(HOOK,)))


class Planned(Publisher):
    """A publisher whose plan is given."""

    def plan(self) -> Any:
        return msgspec.json.decode(msgspec.json.encode({"config": CONFIG}), type=Plan)


class Plan(msgspec.Struct, frozen=True):
    """What is read of a plan."""

    config: Config


class Api:
    """The endpoints over one store, for an actor of any role."""

    def __init__(self, store: Store, folder: Path) -> None:
        migrate(store)
        self.store = store
        self.role = Role.OPERATOR
        parts = Parts(store, Planned(folder, store), folder, lambda: NOW)
        endpoints = (*objectives_api.ENDPOINTS, *alerts_api.ENDPOINTS)
        routes = Caller(parts, self.who, Call).routes(endpoints)
        self._client = TestClient(Starlette(routes=routes), base_url="http://127.0.0.1")

    async def who(self, request: Request) -> Actor:
        del request
        return Actor("olga", self.role)

    def call(self, path: str, method: str = "GET", status: int = 200) -> Any:
        answer = self._client.request(method, f"/api/v1{path}")
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Api:
    return Api(store, tmp_path)


def hour(api: Api, **values: Any) -> None:
    put_all(api.store, traffic, [NOW - 60.0 * at for at in range(60)], **values)


def test_without_traffic_nothing_is_known_and_the_budget_is_whole(api: Api) -> None:
    up, fast = api.call("/objectives")
    assert (up["sli_ratio"], up["coverage_ratio"], up["budget_left_ratio"]) == (None, 0.0, 1.0)
    assert {one["long_burn"] for one in up["burns"]} == {None}
    assert all(one["is_thin"] and not one["is_burning"] for one in up["burns"])
    assert fast["threshold_used"] == 1.5


def test_an_objective_shows_sli_budget_burn_and_coverage(api: Api) -> None:
    hour(api, served=99, failed=1, ttft_05=80, ttft_20=20)
    up, fast = api.call("/objectives")
    assert up["sli_ratio"] == pytest.approx(0.99)
    assert up["budget_left_ratio"] == pytest.approx(0.0)
    assert up["budget_spent_events"] == 60
    assert up["coverage_ratio"] == pytest.approx(2 / 169)
    assert [one["burn_threshold"] for one in up["burns"]] == pytest.approx([3.36, 2.0, 1.0])
    assert up["burns"][0]["long_burn"] == pytest.approx(1.0)
    assert fast["sli_ratio"] == pytest.approx(0.8)
    assert fast["budget_left_ratio"] == pytest.approx(-1.0)


def test_a_history_burns_down_to_what_is_left(api: Api) -> None:
    put(api.store, traffic, NOW - 100 * 3600, served=990, failed=2)
    put(api.store, traffic, NOW - 50 * 3600, served=1002, failed=6)
    found = api.call("/objectives/up/history")
    points = found["points"]
    assert found["step_s"] == 3600
    assert len(points) == 169
    assert points[0]["budget_left_ratio"] == 1.0
    left = [one["budget_left_ratio"] for one in points]
    assert left == sorted(left, reverse=True)
    assert left[-1] == pytest.approx(api.call("/objectives")[0]["budget_left_ratio"])
    assert left[-1] == pytest.approx(1 - 8 / 20)
    assert sum(one["total"] for one in points) == 2000
    month = api.call("/objectives/fast/history")
    assert len(month["points"]) <= 240
    assert month["step_s"] % 3600 == 0


def test_indicators_need_no_objective(api: Api) -> None:
    hour(api, tenant="a", tier="free", served=9, failed=1, ttft_05=9, speed_06=9)
    hour(api, tenant="b", tier="free", served=1, limited=5)
    put(api.store, attempts, NOW - 1, upstream="claude", outcome="success", attempts=3)
    put(api.store, attempts, NOW - 1, upstream="claude", outcome="timed_out", attempts=1)
    put(api.store, attempts, NOW - 1, upstream="claude", outcome="rejected", attempts=9)
    first, second = api.call("/slis?by=tenant&hours=1")
    assert (first["name"], first["availability_ratio"]) == ("a", 0.9)
    assert first["ttft_s"]["values"] == 59 * 9
    assert 0.25 < first["ttft_s"]["p50"] <= 0.3
    assert 30 < first["speed_per_s"]["p50"] <= 40
    assert (second["name"], second["availability_ratio"]) == ("b", 1.0)
    assert second["ttft_s"]["p50"] is None
    (upstream,) = api.call("/slis?by=upstream")
    assert (upstream["good"], upstream["total"]) == (3, 4)
    assert 0 < upstream["coverage_ratio"] < 1
    (tier,) = api.call("/slis?by=tier&hours=1")
    assert tier["coverage_ratio"] == pytest.approx(60 / 61, abs=0.02)
    for bad in ("by=colour", "hours=0", "hours=nan", "hours=99999"):
        api.call(f"/slis?{bad}", status=422)


def test_an_alert_is_listed_and_acknowledged_once(api: Api) -> None:
    hour(api, served=50, failed=50)
    alerting.evaluate(api.store, CONFIG, NOW)
    found = api.call("/alerts")
    (alert,) = found["alerts"]
    assert (alert["objective"], alert["severity"], alert["state"]) == ("up", "page", "firing")
    assert found["outbox"] == {"waiting": 1, "sent": 0, "given_up": 0}
    path = f"/alerts/{alert['id']}/acknowledge"
    assert api.call(path, "POST")["detail"]["acknowledged_by"] == "olga"
    assert api.call("/alerts?state=firing")["alerts"][0]["detail"]["acknowledged_by"] == "olga"
    assert api.call("/alerts?state=resolved")["alerts"] == []
    api.call("/alerts/unknown/acknowledge", "POST", 404)
    api.role = Role.VIEWER
    api.call(path, "POST", 403)


def test_a_receiver_that_cannot_be_told_says_why(api: Api) -> None:
    told = api.call("/receivers/hook/test", "POST")
    assert not told["is_sent"]
    assert "NO_SUCH_URL" in told["error"]
    api.call("/receivers/nobody/test", "POST", 404)
    api.call("/objectives/nothing/history", status=404)
