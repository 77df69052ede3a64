"""Providers' pages are read in the shape of each kind; what is not one is unreadable, no more."""

import json
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.apps.status.site.views import VIEW, views
from tests.apps.status.watching.pages.documents import (
    BAD_SUMMARY,
    BETTER_STACK,
    ENDPOINTS,
    GOOD_SUMMARY,
    GOOGLE,
    INCIDENT,
    INCIDENT_IO,
    INCIDENT_IO_OPEN,
    INSTATUS,
    NOW,
    ROOTLY,
    as_bytes,
    atom,
    rss,
)

from penstock.apps.status.site import feeds, statuspage_api
from penstock.apps.status.view import View
from penstock.apps.status.watching.pages import reader, reading
from penstock.apps.status.watching.pages.reader import Answer
from penstock.apps.status.watching.pages.reading import Reading
from penstock.config.watching import PageKind
from penstock.watch.evidence import PageState

REAL: Final = Path(__file__).parents[4] / "data" / "github-status-history" / "history.atom"
JSON: Final = "application/json; charset=utf-8"
GOOD, TROUBLE, UNREADABLE = PageState.GOOD, PageState.TROUBLE, PageState.UNREADABLE
SHAPES: Final = {
    PageKind.STATUSPAGE: BAD_SUMMARY,
    PageKind.GOOGLE: GOOGLE,
    PageKind.BETTER_STACK: BETTER_STACK,
    PageKind.INSTATUS: INSTATUS,
    PageKind.ONLINE_OR_NOT: ENDPOINTS,
}


def _read(kind: PageKind, document: Any, now_unix_s: float = NOW) -> Reading:
    return reader.read(kind, Answer(status=200, kind=JSON, body=as_bytes(document)), now_unix_s)


def _feed(text: str, now_unix_s: float = NOW, kind: str = "application/atom+xml") -> Reading:
    answer = Answer(status=200, kind=kind, body=text.encode())
    return reader.read(PageKind.FEED, answer, now_unix_s)


def _titles(found: Reading) -> list[str]:
    return [one.title for one in found.lines]


def test_a_summary_that_is_well_is_good_and_its_groups_do_not_count() -> None:
    assert _read(PageKind.STATUSPAGE, GOOD_SUMMARY) == Reading(state=GOOD)


def test_an_incident_of_a_summary_is_a_line() -> None:
    found = _read(PageKind.STATUSPAGE, BAD_SUMMARY)
    assert found.state is TROUBLE
    (line,) = found.lines
    assert line.title == "Elevated errors on Claude Opus 4.5"
    assert line.components == ("Claude API",)
    assert line.posted_unix_s == NOW - 16 * 60
    assert line.link == "https://stspg.example/abc"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"status": "monitoring"}, TROUBLE),
        ({"status": "monitoring", "impact": "none"}, GOOD),
        ({"status": "resolved"}, GOOD),
        ({"status": "scheduled", "impact": "maintenance"}, GOOD),
        ({"status": "something new"}, GOOD),
        ({"impact": None}, TROUBLE),
    ],
)
def test_what_is_over_or_planned_is_no_trouble(change: dict[str, Any], state: PageState) -> None:
    document = GOOD_SUMMARY | {"incidents": [INCIDENT | change]}
    assert _read(PageKind.STATUSPAGE, document).state is state


def test_what_incident_io_leaves_out_is_not_missed() -> None:
    found = _read(PageKind.STATUSPAGE, INCIDENT_IO)
    assert _titles(found) == ["Chat Completions API: degraded performance"]
    found = _read(PageKind.STATUSPAGE, INCIDENT_IO_OPEN)
    assert _titles(found) == ["Increased latency", "Chat Completions API: degraded performance"]
    assert found.lines[0].components == ()
    assert found.lines[0].link.endswith("/incidents/01JMDK9XYNY6RXSED6SDWW50W9")
    bare = {"page": INCIDENT_IO["page"], "status": INCIDENT_IO["status"]}
    assert _titles(_read(PageKind.STATUSPAGE, bare)) == ["Partial System Degradation"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        "operational",
        {"page": {}},
        {"page": {"id": "x"}, "components": []},
        {"page": {"id": "x"}, "status": {"indicator": "splendid"}},
        {"page": {"id": "x"}, "components": [{"name": "API", "status": "hm"}]},
        {"error": "not found"},
    ],
)
@pytest.mark.parametrize("kind", list(SHAPES))
def test_a_document_that_says_nothing_is_neither_good_nor_trouble(
    kind: PageKind, document: Any
) -> None:
    assert _read(kind, document).state is UNREADABLE


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html; charset=utf-8", b"<html>All fine</html>"),
        (200, "", b"<!doctype html><html></html>"),
        (200, "text/html", as_bytes(GOOD_SUMMARY)),
        (405, JSON, as_bytes(GOOD_SUMMARY)),
        (301, JSON, as_bytes(GOOD_SUMMARY)),
        (500, JSON, as_bytes(GOOD_SUMMARY)),
        (200, JSON, b""),
        (200, JSON, as_bytes(GOOD_SUMMARY)[:-2]),
        (200, JSON, b"[" * 100_000),
        (200, JSON, b"\xff\xfe"),
    ],
)
def test_a_page_that_has_moved_or_challenges_is_unreadable(
    status: int, kind: str, body: bytes
) -> None:
    for page_kind in PageKind:
        found = reader.read(page_kind, Answer(status=status, kind=kind, body=body), NOW)
        assert found.state is UNREADABLE
        assert found.why


def test_a_plain_type_is_judged_by_what_is_in_it() -> None:
    answer = Answer(status=200, kind="text/plain", body=b"\xef\xbb\xbf" + as_bytes(GOOD_SUMMARY))
    assert reader.read(PageKind.STATUSPAGE, answer, NOW).state is GOOD


def test_instatus_and_rootly() -> None:
    found = _read(PageKind.INSTATUS, INSTATUS)
    assert _titles(found) == ["API is slow"]
    assert found.lines[0].posted_unix_s == NOW - 15 * 60
    up: dict[str, Any] = INSTATUS | {"page": {"status": "UP"}, "activeIncidents": []}
    assert _read(PageKind.INSTATUS, up).state is GOOD
    alone = {"page": {"status": "HASISSUES"}}
    assert _read(PageKind.INSTATUS, alone).state is TROUBLE
    assert _titles(_read(PageKind.INSTATUS, ROOTLY)) == ["API down"]
    well: dict[str, Any] = ROOTLY | {"status": {"indicator": "none"}, "incidents": []}
    assert _read(PageKind.INSTATUS, well).state is GOOD


def test_google() -> None:
    found = _read(PageKind.GOOGLE, GOOGLE)
    assert _titles(found) == ["Vertex Gemini API has elevated errors"]
    assert found.lines[0].components == ("Vertex Gemini API",)
    assert found.lines[0].link == "https://status.cloud.google.com/incidents/g1"
    assert found.lines[0].posted_unix_s == NOW - 10 * 60
    assert _read(PageKind.GOOGLE, GOOGLE[1:]).state is GOOD
    assert _read(PageKind.GOOGLE, []).state is UNREADABLE


def test_better_stack() -> None:
    found = _read(PageKind.BETTER_STACK, BETTER_STACK)
    assert _titles(found) == ["Errors on serverless models", "Fine-tuning: downtime"]
    assert found.lines[0].components == ("Inference",)
    fine = {"data": {"type": "status_page", "attributes": {"aggregate_state": "operational"}}}
    assert _read(PageKind.BETTER_STACK, fine).state is GOOD
    bare = {"data": {"type": "status_page", "attributes": {"aggregate_state": "downtime"}}}
    assert _read(PageKind.BETTER_STACK, bare).state is TROUBLE


def test_endpoints() -> None:
    found = _read(PageKind.ONLINE_OR_NOT, ENDPOINTS)
    assert _titles(found) == ["Anthropic | claude-opus: up 61.5 % of 30 minutes"]


TODAY: Final = "2026-03-02T12:00:00Z"
STRONG: Final = "<p><small>x</small><br><strong>{}</strong> - We look. </p>"


@pytest.mark.parametrize(
    ("content", "state"),
    [
        (STRONG.format("Investigating"), TROUBLE),
        (STRONG.format("Update") + STRONG.format("Identified"), TROUBLE),
        (STRONG.format("Resolved") + STRONG.format("Investigating"), GOOD),
        (STRONG.format("Completed") + STRONG.format("In progress"), GOOD),
        ("<b>Status: Investigating</b><br/>We look.", TROUBLE),
        ("<b>Status: Resolved</b><br/>Status: Investigating", GOOD),
        ("Something else", UNREADABLE),
    ],
)
def test_an_entrys_newest_word_says_whether_it_is_open(content: str, state: PageState) -> None:
    assert _feed(atom(("Errors", TODAY, content))).state is state


def test_an_entry_that_nobody_closed_and_one_of_old_that_cannot_be_told_do_not_count() -> None:
    old = "2026-02-20T12:00:00Z"
    assert _feed(atom(("Errors", old, STRONG.format("Investigating")))).state is GOOD
    assert _feed(atom(("Errors", old, "Something else"))).state is GOOD


def test_a_title_tells_where_the_text_does_not() -> None:
    today = "Mon, 02 Mar 2026 11:50:00 GMT"
    found = _feed(rss(("Service impact: Increased errors", today, "We see")), kind="text/xml")
    assert _titles(found) == ["Service impact: Increased errors"]
    assert found.lines[0].posted_unix_s == NOW - 15 * 60
    assert found.lines[0].link == "https://status.example/1"
    assert _feed(rss(("[RESOLVED] Increased errors", today, "We saw"))).state is GOOD
    assert _feed(rss()).state is GOOD


def test_half_a_feed_is_unreadable() -> None:
    whole = atom(("Errors", TODAY, STRONG.format("Resolved")))
    assert _feed(whole).state is GOOD
    for length in range(len(whole.rstrip())):
        assert _feed(whole[:length]).state is UNREADABLE


def test_a_real_feed_is_read() -> None:
    text = REAL.read_text(encoding="utf-8")
    late = reading.instant("2026-08-22T04:00:00Z")
    assert _feed(text, late).state is GOOD
    reopened = text.replace("Resolved&lt;", "Monitoring&lt;", 1)
    found = _feed(reopened, late)
    assert _titles(found) == ["Intermittent failures creating agent tasks"]
    assert found.lines[0].link == "https://www.githubstatus.com/incidents/bhbcjn4n3jzp"


@given(views())
def test_our_own_page_is_read_as_it_is(view: View) -> None:
    body = statuspage_api.files(view)["/api/v2/summary.json"].body
    found = reader.read(PageKind.STATUSPAGE, Answer(status=200, kind=JSON, body=body), NOW)
    summary = json.loads(body)
    is_bad = summary["status"]["indicator"] in ("minor", "major", "critical")
    is_open = any(one["status"] in ("investigating", "identified") for one in summary["incidents"])
    if is_bad:
        assert found.state is TROUBLE
    if not is_bad and not summary["incidents"]:
        assert found.state is GOOD
    assert found.state is not UNREADABLE or is_open


def test_our_own_feed_is_read_as_it_is() -> None:
    found = _feed(feeds.files(VIEW)["/history.atom"].body.decode())
    assert _titles(found) == ["Nobody can log in"]


def test_a_link_that_is_not_of_the_web_is_none() -> None:
    for bad in ("javascript:alert(1)", "//x", 'https://x/"onx', "https://x/\u202e", None, 3):
        assert reading.web_link(bad) == ""
    assert reading.web_link(" https://x/y ") == "https://x/y"


LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([
        "major_outage", "investigating", "status_page", "degraded", "downtime", "HASISSUES",
        "SERVICE_OUTAGE", "critical", "2026-03-02T11:50:00Z", "status_report",
    ]),
)  # fmt: skip
KEYS: Final = st.sampled_from([
    "page", "components", "incidents", "status", "indicator", "data", "attributes", "included",
    "type", "endpoints", "name", "impact", "begin", "affected_products", "aggregate_state",
    "activeIncidents", "most_recent_update", "uptime_last_30m", "incident_updates", "id", "url",
])  # fmt: skip
GARBAGE: Final = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.sampled_from(PageKind), st.binary(max_size=300), st.integers(0, 999), st.text())
@example(PageKind.FEED, b"<feed><entry><title>Investigating</title>", 200, "application/xml")
@example(PageKind.FEED, b"<feed></feed>x</feed>", 200, "")
def test_bytes_never_raise_and_never_say_trouble(
    kind: PageKind, body: bytes, status: int, named: str
) -> None:
    for given_kind in (named, JSON, "text/xml", ""):
        found = reader.read(kind, Answer(status=status, kind=given_kind, body=body), NOW)
        assert found.state is not TROUBLE


@given(st.sampled_from(list(SHAPES)), GARBAGE)
def test_any_json_never_raises(kind: PageKind, document: Any) -> None:
    found = _read(kind, document)
    assert bool(found.lines) == (found.state is TROUBLE)
    assert bool(found.why) == (found.state is UNREADABLE)


def _keys(at: Any) -> list[Any]:
    """Return what can be taken away from here; nothing from a leaf."""
    if isinstance(at, dict):
        return list(cast("dict[Any, Any]", at))
    return list(range(len(cast("list[Any]", at)))) if isinstance(at, list) else []


def _bend(draw: st.DrawFn, document: Any) -> None:
    """Take something away, or put something else in its place."""
    at: Any = document
    while keys := _keys(at):
        key = draw(st.sampled_from(keys))
        if not _keys(at[key]) or draw(st.booleans()):
            if draw(st.booleans()):
                at[key] = draw(LEAVES)
            else:
                del at[key]
            return
        at = at[key]


@st.composite
def _bent(draw: st.DrawFn) -> tuple[PageKind, Any]:
    """Draw a document of the right shape in which something is missing or of another kind."""
    kind = draw(st.sampled_from(list(SHAPES)))
    document: Any = json.loads(json.dumps(SHAPES[kind]))
    for _ in range(draw(st.integers(1, 4))):
        _bend(draw, document)
    return kind, document


@given(_bent())
def test_a_document_with_something_missing_or_strange_never_raises(
    bent: tuple[PageKind, Any],
) -> None:
    kind, document = bent
    for line in _read(kind, document).lines:
        assert 0 < len(line.title) <= reading.WORDS_MAX
        assert line.title.isprintable()
        assert line.link == "" or line.link.startswith("http")
        assert line.posted_unix_s >= 0


PIECES: Final = st.lists(
    st.sampled_from([
        "<feed>", "</feed>", "<entry>", "</entry>", "<title>", "</title>", "<![CDATA[", "]]>",
        "<rss>", "</rss>", "<item>", "</item>", "<!--", "-->", "<?xml", "&lt;", "&#0;", "<", ">",
        "<updated>2026-03-02T12:00:00Z</updated>", "<link href='x'/>", "text", "<content>", "\x00",
    ]) | st.text(max_size=5),
    max_size=25,
).map("".join)  # fmt: skip


@given(PIECES)
def test_pieces_of_feeds_never_raise_and_never_say_trouble(text: str) -> None:
    found = _feed(text)
    assert found.state is not TROUBLE


@given(st.text() | st.datetimes().map(str))
def test_any_time_is_one_or_none(said: str) -> None:
    assert 0.0 <= reading.instant(said) < reading.UNTIL_UNIX_S
