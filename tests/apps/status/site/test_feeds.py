"""Feeds read like Statuspage's: an entry of a real one, taken apart, is rendered as it was."""

import datetime as dt
import html
import re
import xml.etree.ElementTree as ET
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import example, given
from tests.apps.status.site.views import CHAT, CLOSED, GROUP, INCIDENTS, MODEL, OPEN, VIEW, views

from penstock.apps.status.site import feeds
from penstock.apps.status.view import IncidentView, UpdateView, View

REAL: Final = Path(__file__).parents[3] / "data" / "github-status-history" / "history.atom"
ATOM: Final = "{http://www.w3.org/2005/Atom}"
LATE: Final = msgspec.structs.replace(INCIDENTS[0], updated_unix_s=1_772_453_100.9999999)
UPDATE: Final = re.compile(
    r"<p> <small>(\w+) <var data-var='date'>([ \d]\d)</var>, <var data-var='time'>(\d\d:\d\d)"
    r"</var> UTC</small><br> <strong>(\w+)</strong> - (.*?) </p>",
    re.DOTALL,
)


def _entries(text: str) -> list[ET.Element]:
    return ET.fromstring(text).findall(f"{ATOM}entry")


def _child(element: ET.Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}") or ""


def _real() -> list[ET.Element]:
    return _entries(REAL.read_text(encoding="utf-8"))


def _taken_apart(entry: ET.Element) -> IncidentView:
    """Return the incident that an entry of a real feed tells of."""
    found = UPDATE.findall(_child(entry, "content"))
    told: list[UpdateView] = []
    status = ""
    for month, day, time, word, body in reversed(found):
        when = dt.datetime.strptime(f"2026 {month} {day} {time} +0000", "%Y %b %d %H:%M %z")
        status = status if word == "Update" else word.lower()
        lines = html.unescape(body.replace("<br />", "\n"))
        told.insert(0, UpdateView(
            id="", incident="", status=status, body=lines, display_unix_s=when.timestamp()
        ))  # fmt: skip
    return msgspec.structs.replace(INCIDENTS[0], updates=tuple(told))


@pytest.mark.parametrize("number", range(4))
def test_an_entry_of_a_real_feed_is_rendered_as_it_was(number: int) -> None:
    entry = _real()[number]
    incident = _taken_apart(entry)
    assert incident.updates
    assert feeds.content(incident) == _child(entry, "content")


def test_a_feed_has_what_a_real_one_has_in_the_same_order() -> None:
    def shape(element: ET.Element) -> list[tuple[str, list[str]]]:
        return [(one.tag, sorted(one.attrib)) for one in element]

    real = ET.fromstring(REAL.read_text(encoding="utf-8"))
    ours = ET.fromstring(feeds.files(VIEW)["/history.atom"].body)
    assert ours.attrib == real.attrib
    assert shape(ours)[:6] == shape(real)[:6]
    assert shape(ours[6]) == shape(real[6])
    assert [one.attrib["type"] for one in ours[6] if one.tag == f"{ATOM}content"] == ["html"]


def test_an_incident_is_one_entry_whose_id_outlives_every_revision() -> None:
    later = msgspec.structs.replace(
        VIEW.incidents[0],
        name="Nobody could log in",
        status="resolved",
        updated_unix_s=VIEW.incidents[0].updated_unix_s + 600,
    )
    revised = msgspec.structs.replace(VIEW, incidents=(later, *VIEW.incidents[1:]))
    before, after = (
        {
            _child(one, "id"): one
            for one in _entries(feeds.files(view)["/history.atom"].body.decode())
        }
        for view in (VIEW, revised)
    )
    assert list(before) == list(after)
    name = "tag:status.example,2005:Incident/7"
    assert _child(before[name], "published") == _child(after[name], "published")
    assert _child(before[name], "updated") == "2026-03-02T12:00:00Z"
    assert _child(after[name], "updated") == "2026-03-02T12:10:00Z"


def test_an_update_of_the_same_status_is_told_as_update() -> None:
    one = INCIDENTS[0].updates[0]
    more = msgspec.structs.replace(one, body="Still the log-in.")
    told = msgspec.structs.replace(INCIDENTS[0], updates=(more, *INCIDENTS[0].updates))
    assert re.findall(r"<strong>(\w+)</strong> - (\w+)", feeds.content(told)) == [
        ("Update", "Still"),
        ("Identified", "It"),
        ("Investigating", "We"),
    ]


def test_what_people_write_is_text() -> None:
    assert "It is &lt;log-in&gt; &amp; web chat,<br />not the API." in feeds.content(INCIDENTS[0])


def test_a_maintenance_says_from_when_to_when() -> None:
    found = feeds.content(VIEW.maintenances[0])
    assert found.startswith("<p> <small>Mar <var data-var='date'> 3</var>, ")
    assert "<strong>Scheduled</strong> - An hour at night." in found


def test_a_component_has_a_feed_of_its_own_and_a_group_one_of_its_members() -> None:
    files = feeds.files(VIEW)

    def links(path: str) -> list[str]:
        found = [one.find(f"{ATOM}link") for one in _entries(files[path].body.decode())]
        return [one.attrib["href"].rpartition("/")[2] for one in found if one is not None]

    assert links(f"/components/{CHAT}.atom") == [OPEN]
    assert links(f"/components/{MODEL}.atom") == [CLOSED]
    assert CLOSED in links(f"/components/{GROUP}.atom")
    assert OPEN not in links(f"/components/{GROUP}.atom")


@given(views())
@example(msgspec.structs.replace(VIEW, incidents=(LATE,)))
def test_any_page_has_feeds_that_are_xml_and_say_the_same(view: View) -> None:
    files = feeds.files(view)
    assert files == feeds.files(view)
    assert files["/history.atom"].is_for_all
    told = len(view.incidents) + len(view.maintenances)
    channel = ET.fromstring(files["/history.rss"].body)[0]
    items = channel.findall("item")
    entries = _entries(files["/history.atom"].body.decode())
    assert len(items) == len(entries) == told
    for item, entry in zip(items, entries, strict=True):
        assert item.findtext("description") == entry.findtext(f"{ATOM}content")
        assert item.findtext("guid") == _child(entry, "id")
        revised = parsedate_to_datetime(item.findtext("pubDate") or "")
        assert f"{revised:%Y-%m-%dT%H:%M:%SZ}" == _child(entry, "updated")
    for path, file in files.items():
        assert ET.fromstring(file.body) is not None, path


def test_a_feed_is_as_new_as_its_newest_entry() -> None:
    root = ET.fromstring(feeds.files(VIEW)["/history.atom"].body)
    assert _child(root, "updated") == max(_child(one, "updated") for one in root[6:])
    empty = msgspec.structs.replace(VIEW, incidents=(), maintenances=(), rendered_unix_s=9e9)
    root = ET.fromstring(feeds.files(empty)["/history.atom"].body)
    assert _child(root, "updated") == "2025-12-02T12:05:00Z"
