"""The pages of objectives: empty, measured, burning; and what may be done there."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient
from tests.apps.control.console import NOW, client_of
from tests.apps.control.sums import put_all

from penstock.apps.control import alerting
from penstock.apps.control.console import objectives as page
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.apps.control.queries.standing import History, Point
from penstock.config.model import Config
from penstock.config.operations import Alerts, Objective, Receiver, ReceiverKind, Sli
from penstock.core import slo
from penstock.ledger.store import migrate, open_store
from penstock.ledger.tables import alerts, traffic
from penstock.web.endpoint import Role

UP = Objective(name="up", tier="enterprise")
QUICK = Objective(name="quick", sli=Sli.TTFT, threshold_s=1.9, target_ratio=0.9)
HOOK = Receiver(name="hook", kind=ReceiverKind.WEBHOOK, url_env="NO_SUCH_URL")
CONFIG = Config(objectives=(QUICK, UP), alerts=Alerts(receivers=(HOOK,)))


class Plan(msgspec.Struct, frozen=True):
    """What is read of a plan."""

    config: Config


class Planned(Publisher):
    """A publisher whose plan is given."""

    config = Config()

    def plan(self) -> Any:
        return Plan(self.config)


class Place:
    """A console with a configuration and a ledger."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.store = open_store("", folder)
        migrate(self.store)
        publisher = Planned(folder, self.store)
        publisher.config = config
        self.parts = Parts(self.store, publisher, folder, lambda: NOW)

    def client(self, role: Role = Role.OPERATOR) -> TestClient:
        return client_of(self.parts, role, page.PAGES)

    def text(self, path: str = "/objectives") -> str:
        answer = self.client().get(path)
        assert answer.status_code == 200
        return answer.text

    def hour(self, **values: Any) -> None:
        instants = [NOW - 60.0 * at for at in range(60)]
        put_all(self.store, traffic, instants, tier="enterprise", **values)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, CONFIG)


def test_an_empty_page_teaches_what_to_write(tmp_path: Path) -> None:
    text = Place(tmp_path, Config()).text()
    assert "There are no objectives yet" in text
    assert "[[objectives]]" in text
    assert "[[alerts.receivers]]" in text


def test_what_was_not_measured_is_said(place: Place) -> None:
    text = place.text()
    assert "Nothing was measured yet" in text
    assert "not measured" in text
    assert "Nothing was measured in this window" in place.text("/objectives/up")


def test_objectives_that_are_kept_are_said_in_the_first_line(place: Place) -> None:
    place.hour(served=1000, ttft_05=1000)
    assert "All objectives are kept" in place.text()
    text = place.text("/objectives/quick")
    assert "had no first token within 1.5 s" in text
    assert "the next stricter bound" in text


def test_what_burns_stands_first_with_its_alert(place: Place) -> None:
    place.hour(served=50, failed=50, ttft_05=100)
    alerting.evaluate(place.store, CONFIG, NOW)
    text = place.text()
    assert "up: the error budget burns or is spent" in text
    assert text.index('href="/objectives/up"') < text.index('href="/objectives/quick"')
    assert "50.0 % failed in the last 1 h" in text
    one = place.text("/objectives/up")
    assert "burning" in one
    assert "The alert began" in one


def test_an_alert_is_acknowledged_from_the_page(place: Place) -> None:
    place.hour(served=50, failed=50)
    (alert,) = alerting.evaluate(place.store, CONFIG, NOW)
    path = f"/objectives/alerts/{alert.id}"
    assert path in place.text()
    answer = place.client().post(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/objectives")
    assert "olga looks after it" in place.text()
    assert place.client(Role.VIEWER).post(path).status_code == 403
    assert "Acknowledge" not in place.client(Role.VIEWER).get("/objectives").text


@pytest.mark.parametrize(
    "document",
    [
        "{}",
        "[]",
        "not JSON",
        '{"objective":{"name":"up","was_called":"old"},"acknowledged_by":"olga","events":[{}]}',
        '{"objective":{"name":"up"},"held_unix_s":"long ago","acknowledged_by":"olga"}',
    ],
)
def test_an_alert_that_another_version_wrote_is_shown_as_far_as_it_goes(
    place: Place, document: str
) -> None:
    place.hour(served=50, failed=50)
    (alert,) = alerting.evaluate(place.store, CONFIG, NOW)
    with place.store.writing() as connection:
        connection.execute(update(alerts).values(document=document))
    text = place.text()
    assert "What became of it was not noted" in text
    assert ("olga looks after it" in text) is ("olga" in document)
    assert "burning" in place.text("/objectives/up")
    put_all(place.store, traffic, [NOW + 60.0], tier="enterprise", served=10**6)
    over = alerting.evaluate(place.store, CONFIG, NOW + 2 * slo.CALM_S_MAX)
    assert [(one.id, one.state) for one in over] == [(alert.id, alerting.RESOLVED)]
    assert "is over" in place.text("/objectives/up")


def test_a_test_message_tells_what_became_of_it(place: Place) -> None:
    answer = place.client().post("/objectives/receivers/hook")
    assert answer.status_code == 303
    assert "NO_SUCH_URL" in answer.headers["set-cookie"]
    assert place.client().post("/objectives/receivers/nobody").status_code == 404
    assert place.client().get("/objectives/nothing").status_code == 404


@pytest.mark.parametrize(
    ("left", "path"),
    [
        ((1.0, 0.5), "M0 0.0 L500.0 0.0 L1000.0 50.0"),
        ((0.0, -1.0), "M0 0.0 L500.0 50.0 L1000.0 100.0"),
        ((), ""),
    ],
)
def test_the_budget_burns_down_inside_its_plane(left: tuple[float, ...], path: str) -> None:
    points = [Point(at, 0, 1, ratio) for at, ratio in enumerate(left)]
    past = History(objective=UP, step_s=3600, coverage_ratio=1.0, points=points)
    assert page.burn_down(past) == path
