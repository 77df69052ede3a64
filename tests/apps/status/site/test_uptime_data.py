"""Uptime by day, under the name and in the shape that scripts for Statuspage look for."""

import json
import re

import msgspec
from hypothesis import given
from tests.apps.status.site.views import CHAT, CLOSED, COMPONENTS, GROUP, VIEW, views

from penstock.apps.status.site import uptime_data
from penstock.apps.status.view import Day, View


def test_a_day_has_its_outages_in_seconds_and_what_touched_it() -> None:
    found = json.loads(uptime_data.files(VIEW)["/uptime.json"].body)
    assert GROUP not in found
    assert list(found[CHAT]) == ["component", "days"]
    assert found[CHAT]["component"] == {
        "code": CHAT,
        "name": "Web chat",
        "startDate": "2025-12-02",
    }
    assert found[CHAT]["days"][1] == {
        "date": "2026-03-01",
        "outages": {"p": 600},
        "related_events": [{"name": "Slow answers", "code": CLOSED}],
        "unknown": 0,
        "measured": 86_400,
    }
    assert found[CHAT]["days"][0]["outages"] == {}
    assert found[CHAT]["days"][2]["outages"] == {"m": 1260}


@given(views())
def test_the_script_is_the_same_as_one_variable(view: View) -> None:
    files = uptime_data.files(view)
    script = files["/uptime-data.js"].body.decode()
    found = re.fullmatch(r"var uptimeData = (.*);\n", script, re.DOTALL)
    assert found is not None
    assert json.loads(found[1]) == json.loads(files["/uptime.json"].body)
    assert not re.search("[<\u2028\u2029]", script)


def test_a_name_cannot_end_the_script() -> None:
    one = msgspec.structs.replace(COMPONENTS[0], name="</script>\u2028", days=(Day("2026-03-01"),))
    view = msgspec.structs.replace(VIEW, components=(one,))
    script = uptime_data.files(view)["/uptime-data.js"].body
    assert b"\\u003c/script>\\u2028" in script


def test_scripts_of_any_site_may_load_them() -> None:
    for path, file in uptime_data.files(VIEW).items():
        assert file.is_for_all, path
        assert file.age_s == 30
    assert uptime_data.files(VIEW)["/embed.js"].kind.startswith("text/javascript")
