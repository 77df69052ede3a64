"""The public pages: the words that answer, every kind of view, and nothing hostile gets through."""

import functools
import html.parser
import re
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.apps.status.sample_views import (
    HOSTILE,
    NOW,
    components,
    failing,
    history,
    kinds,
    many,
    open_incident,
    several,
    view,
)

from penstock.apps.status.site import (
    incident_pages,
    incident_rows,
    messages,
    now,
    pages,
    rendering,
    sentence,
    wording,
)
from penstock.apps.status.site.component_rows import BARS_MAX
from penstock.apps.status.site.files import File
from penstock.apps.status.view import Day, Evidence, UpdateView, View
from penstock.watch.component import State
from penstock.web import serving

ALL: Final = kinds()
VOID: Final = frozenset({"meta", "link", "input", "br", "img", "hr", "!doctype"})


class Reading(html.parser.HTMLParser):
    """Reads a page: its tags must nest, its ids be of one place, its links be known."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> list[str]:
        return [attrs[name] for _, attrs in self.tags if name in attrs]


def html_of(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, file in found.items():
        if file.kind.startswith("text/html"):
            yield path, file.body.decode()


def text(view: View, path: str = "/") -> str:
    page = pages.files(view)[path].body.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@functools.cache
def rendered(kind: str) -> dict[str, File]:
    return rendering.render(ALL[kind])


@pytest.mark.parametrize("kind", ALL)
def test_each_page_is_whole_and_its_links_lead_somewhere(kind: str) -> None:
    found = rendered(kind)
    for path, page in html_of(found):
        read = Reading(page)
        assert len(read.values("id")) == len(set(read.values("id"))), path
        labels = {one for names in read.values("aria-labelledby") for one in names.split()}
        assert labels | set(read.values("for")) <= set(read.values("id")), path
        for target in read.values("href"):
            if target.startswith("/"):
                assert target in found, f"{path} leads to {target}"
        assert [tag for tag, _ in read.tags].count("h1") == 1, path
        assert not read.values("style"), "a policy forbids it"
        assert all("src" in attrs for tag, attrs in read.tags if tag == "script"), path


@pytest.mark.parametrize("kind", ALL)
def test_the_same_view_is_rendered_to_the_same_bytes(kind: str) -> None:
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(ALL[kind]), type=View)
    assert rendering.render(again) == rendered(kind)


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("good", "good", "All systems work"),
        ("empty", "unknown", "Nothing is watched yet"),
        ("fresh", "unknown", "We cannot tell right now: nothing is measured"),
        ("silent", "good", "All that is measured works; nothing is known of Log-in"),
        ("rising", "good", "All systems work; reports of trouble with Web chat are rising"),
        ("degraded", "degraded", "API is slow or unreliable; everything else works"),
        ("partial", "partial", "gpt-5.2 is partly down; everything else works"),
        (
            "carried",
            "degraded",
            "Anthropic fails, your traffic is served by gpt-5.2; everything else works",
        ),
        ("major", "bad", "Everything is down"),
        ("several", "bad", "Log-in is down; Web chat is partly down; more has trouble"),
        ("maintenance", "work", "Status page is under maintenance; everything else works"),
        ("many", "partial", "route-17 is partly down; everything else works"),
    ],
)
def test_the_first_line_answers(kind: str, state: str, words: str) -> None:
    assert sentence.said(ALL[kind]) == (state, words)
    page = pages.files(ALL[kind])["/"].body.decode()
    assert f"<title>{words}" in page
    assert f'href="/favicon-{state}.svg"' in page


def test_an_open_incident_is_said_even_if_no_component_fails() -> None:
    late = open_incident(name="Bills are late", impact="minor", updates=())
    told = sentence.said(view(incidents=(late,)))
    assert told == ("degraded", "An incident is open: Bills are late")
    told = sentence.said(view(incidents=(open_incident(name="Log-in fails", impact="minor"),)))
    assert told == ("degraded", "Works just now, but the incident is still open: Log-in fails")
    watched = open_incident(name="Bills are late", impact="minor", status="monitoring")
    told = sentence.said(view(incidents=(watched,)))
    assert told == ("good", "Works again, and is being watched: Bills are late")


STATES: Final = st.lists(
    st.tuples(st.sampled_from(State), st.sampled_from(["", "gpt-5.2"])), min_size=11, max_size=11
)


@given(STATES)
@settings(max_examples=200)
def test_all_systems_work_is_said_only_if_they_do(states: list[tuple[State, str]]) -> None:
    found = components()
    leaves = iter(states)
    changed = [
        one
        if one.is_group
        else msgspec.structs.replace(one, state=(told := next(leaves))[0], carried_by=told[1])
        for one in found
    ]
    said = sentence.said(view(changed))
    is_well = all(state is State.OPERATIONAL for state, _ in states)
    assert (said.words == "All systems work") == is_well
    is_lost = any(state is State.MAJOR and not by for state, by in states)
    assert (said.state == "bad") == is_lost


def test_each_open_incident_has_a_banner_and_the_rest_is_named_by_number() -> None:
    told = text(ALL["several"])
    assert told.count("Identified · since 22 Aug 2026, 11:40 UTC") == 1
    assert "gpt-5.2 answers slowly" in told
    assert "The database moves" in told
    eight = tuple(open_incident(id=f"inc{at:09d}") for at in range(8))
    assert "2 more are open" in text(view(incidents=eight))


def test_a_row_says_state_both_formulas_and_who_serves() -> None:
    told = text(ALL["several"])
    assert "gpt-5.2 Partial outage Served by claude-sonnet-4 meanwhile." in told
    assert re.search(r"\d\d\.\d\d % without outage · \d\d\.\d\d % weighted", told)
    page = pages.files(ALL["several"])["/"].body.decode()
    assert re.search(r"<li>2026-\d\d-\d\d: [^<]*(outage|degraded)", page), "bars read as a list"


def test_rising_reports_are_said_calmly() -> None:
    page = pages.files(ALL["rising"])["/"].body.decode()
    assert "Reports are rising: Web chat" in page
    assert "23 people in the last hour, usually 2" in page
    assert "banner" not in page.partition("<main")[2]


def test_an_emulated_installation_says_so_on_every_page() -> None:
    for kind in ("fresh", "carried"):
        for path, page in html_of(pages.files(ALL[kind])):
            assert "Demonstration." in page, path
    for path, page in html_of(pages.files(ALL["several"])):
        assert "Demonstration." not in page, path


def test_forms_go_to_the_process_also_from_elsewhere() -> None:
    page = pages.files(view(intake_url="https://intake.example.org"))
    front = page["/"].body.decode()
    assert 'action="https://intake.example.org/report"' in front
    assert 'action="https://intake.example.org/subscribe"' in front
    read = Reading(page["/report"].body.decode())
    categories = {at["value"] for _, at in read.tags if at.get("name") == "category"}
    assert categories == {"timeout", "errors", "login", "slow", "wrong", "billing"}
    assert "component" in read.values("name")
    kinds = Reading(page["/subscribe"].body.decode())
    told = {at["value"] for _, at in kinds.tags if at.get("name") == "kind"}
    assert told == {"email", "webhook", "slack"}


def test_mail_is_offered_only_where_there_is_any() -> None:
    found = pages.files(view(takes_mail=False))
    assert 'type="email"' not in found["/"].body.decode()
    assert 'value="email"' not in found["/subscribe"].body.decode()
    assert 'value="webhook"' in found["/subscribe"].body.decode()


def test_what_scripts_refresh_is_small_and_has_the_first_line() -> None:
    told = msgspec.json.decode(rendering.render(ALL["several"])[now.PATH].body)
    assert told["sentence"] == sentence.said(ALL["several"]).words
    assert told["state"] == "bad"
    assert len(told["components"]) == 11
    later = msgspec.structs.replace(ALL["several"], rendered_unix_s=NOW + 60)
    assert now.version(later) == told["version"], "time alone is nothing new"
    page = pages.files(ALL["several"])["/"].body.decode()
    assert f'data-version="{told["version"]}"' in page
    assert now.version(ALL["good"]) != told["version"]


def test_the_front_page_carries_its_style_and_the_policy_knows_it() -> None:
    page = pages.files(ALL["good"])["/"].body.decode()
    style = serving.style_of(page)
    assert "--accent" in style
    policy = serving.headers(style)["content-security-policy"]
    assert "style-src 'sha256-" in policy
    assert serving.style_of(pages.files(ALL["good"])["/uptime"].body.decode()) == ""


def test_what_is_not_offered_is_not_there() -> None:
    found = pages.files(ALL["quiet"])
    assert "/report" not in found
    assert "/subscribe" not in found
    for path, page in html_of(found):
        assert "<form" not in page, path


def test_hostile_words_are_words_everywhere() -> None:
    changed = [
        msgspec.structs.replace(
            one, name=HOSTILE, description=HOSTILE, reasons=(HOSTILE,), carried_by=HOSTILE,
            verdict="possible",
        )
        for one in components(API=failing(State.MAJOR))
    ]  # fmt: skip
    told = msgspec.structs.replace(open_incident().updates[0], body=HOSTILE)
    seen = msgspec.structs.replace(open_incident().detections[0], words=HOSTILE)
    hostile = open_incident(
        name=HOSTILE, culprit_name=HOSTILE, updates=(told,), detections=(seen,),
        provider_link="javascript:alert(3)",
        postmortem=f"# {HOSTILE}\n\n- {HOSTILE}\n| {HOSTILE} |",
    )  # fmt: skip
    over = msgspec.structs.replace(hostile, id="over", status="resolved", resolved_unix_s=NOW)
    found = pages.files(
        view(
            changed, name=HOSTILE, incidents=(hostile, over), maintenances=(hostile,),
            sources_silent=(HOSTILE,),
        )
    )  # fmt: skip
    for path, page in html_of(found):
        assert "<script>" not in page, path
        assert "<img" not in page, path
        assert "javascript:" not in "".join(Reading(page).values("href")), path
        assert "49" not in page.partition("<title>")[2].partition("</title>")[0], path


def test_an_incident_tells_scope_timeline_evidence_and_lead() -> None:
    told = text(several(), "/incidents/inc000000001")
    assert "Probes noticed 31 min before Anthropic posted on its own page." in told
    assert "API ◐" not in told
    assert re.search(r"Scope now Components Log-in Major outage Web chat Partial outage API", told)
    assert told.index("The API fails too") < told.index("Who is logged in stays in")
    assert "API: Operational → Degraded" in told
    assert "User reports people, by 2 min" in told
    assert "noticed 11:40 UTC" in told
    assert told.count("Anthropic posted 12:12 UTC") == 3
    assert "Whose fault Anthropic" in told


def test_a_post_mortem_is_shown_once_it_is_published() -> None:
    page = pages.files(ALL["good"])["/incidents/inc000000001"].body.decode()
    assert "<h3>What happened</h3>" in page
    assert '<th scope="col">UTC</th>' in page
    assert "Post-mortem" not in text(several(), "/incidents/inc000000001")


def test_a_page_of_an_incident_that_is_over_changes_only_with_it() -> None:
    before = pages.files(ALL["good"])
    later = msgspec.structs.replace(
        ALL["good"], rendered_unix_s=NOW + 86_400, components=tuple(components())
    )
    after = pages.files(later)
    same = [path for path in before if path.startswith(("/incidents/", "/history/"))]
    assert len(same) > 30
    assert [path for path in same if before[path] != after[path]] == []
    assert before["/"] != after["/"]


def test_months_have_all_incidents_and_link_to_each_other() -> None:
    found = pages.files(ALL["degraded"])
    months = sorted(path for path in found if path.startswith("/history/"))
    assert len(months) == len({wording.month(one.started_unix_s) for one in history()})
    for one in history():
        page = found[f"/history/{wording.month(one.started_unix_s)}"].body.decode()
        assert f'href="/incidents/{one.id}"' in page
    earlier = wording.month_words(months[-2][-7:])
    assert f'rel="prev">← {earlier}' in found[months[-1]].body.decode()
    overview = found["/history"].body.decode()
    assert all(f'href="{path}"' in overview for path in months)


def test_a_page_of_very_many_components_stays_small() -> None:
    found = pages.files(view(many()))
    assert len(found["/"].body) < 700_000
    assert found["/"].body.count(b'class="uptime"') < BARS_MAX
    assert found["/uptime"].body.count(b'class="uptime"') == 200


def test_one_change_among_all_incidents_is_rendered_at_once() -> None:
    incidents = tuple(
        msgspec.structs.replace(one, id=f"{one.id}{at}", started_unix_s=one.started_unix_s - at)
        for at in range(22)
        for one in history()
    )[:800]
    assert len(incidents) >= 770
    pages.files(view(incidents=incidents))
    changed = msgspec.structs.replace(incidents[9], name="Renamed")
    again = view(incidents=(*incidents[:9], changed, *incidents[10:]))
    started_s = time.process_time()
    found = pages.files(again)
    assert time.process_time() - started_s < 1.0  # 0.1 s; the bench has figures
    assert b"Renamed" in found[f"/incidents/{changed.id}"].body


def test_a_message_is_a_page_with_one_form_at_most() -> None:
    ask = messages.Ask("/subscribe/end", "Unsubscribe", (("token", '"<t>'),))
    made = messages.message_page(view(), "Leave?", "One.\n\nTwo <b>.", "unknown", ask)
    read = Reading(made)
    assert "<p>One.</p>" in made
    assert "<p>Two &lt;b&gt;.</p>" in made
    assert '"<t>' in read.values("value")
    assert "<form" not in messages.message_page(view(), "Thank you", "Done.").partition("<main")[2]


@pytest.mark.parametrize(
    ("day", "state", "words"),
    [
        (Day("d"), "good", "no outage"),
        (Day("d", major_s=720, partial_s=60), "bad", "12 min major outage, 1 min partial outage"),
        (Day("d", unknown_s=86_400), "unknown", "not measured"),
        (Day("d", unknown_s=3600), "good", "1 h not measured"),
        (Day("d", maintenance_s=7200), "work", "2 h maintenance"),
        (Day("d", total_s=0.0), "unknown", "not measured"),
    ],
)
def test_a_day_is_the_worst_of_it(day: Day, state: str, words: str) -> None:
    assert (wording.day_state(day), wording.day_words(day)) == (state, words)


@given(st.floats(0, 1))
def test_a_share_of_time_never_looks_better_than_it_was(ratio: float) -> None:
    told = float(wording.share_of_time(ratio).removesuffix(" %"))
    assert told <= ratio * 100 + 1e-6
    assert ratio * 100 - told < 0.01 + 1e-6


@given(st.floats(0, 1e7))
def test_a_span_says_about_how_long_it_was(span_s: float) -> None:
    sizes = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    parts = wording.span(span_s).split()
    told = sum(int(n) * sizes[unit] for n, unit in zip(parts[::2], parts[1::2], strict=True))
    assert abs(told - span_s) <= max(31, span_s * 0.05)


@given(st.lists(st.none() | st.floats(0, 1), max_size=400))
def test_intervals_put_together_keep_sums_and_bounds(values: list[float | None]) -> None:
    evidence = Evidence(from_unix_s=NOW, grain_s=60)
    if not values:
        return
    span, kept = incident_pages.together(evidence, values, is_sum=True)
    known = [one for one in values if one is not None]
    assert len(kept) == span.steps <= incident_pages.INTERVALS_MAX
    assert sum(one for one in kept if one is not None) == pytest.approx(sum(known))
    _, means = incident_pages.together(evidence, values, is_sum=False)
    assert all(0 <= one <= 1 for one in means if one is not None)


def test_whose_fault_it_is_is_named_as_it_is_written() -> None:
    one = open_incident(culprit="provider", culprit_name="anthropic")
    assert incident_pages.culprit(one) == "Anthropic"
    assert incident_pages.culprit(open_incident(culprit="model", culprit_name="gpt-5")) == "gpt-5"


def test_a_long_update_is_cut_after_a_sentence_in_lists() -> None:
    def told(body: str) -> str:
        said = UpdateView(id="u", incident="i", status="identified", body=body)
        return str(incident_rows.brief(open_incident(updates=(said,)), {}).words)

    long = "Claude fails. " + "Something else, of which there is much to say, works. " * 8
    assert told(long).endswith("works.</p>")
    assert "\u2026" not in told(long)
    assert told("word " * 100).endswith("word\u2026</p>")
    assert told("gpt-5.6 " * 100).endswith("gpt-5.6\u2026</p>")


def test_the_gravest_of_the_open_incidents_stands_first() -> None:
    view = ALL["several"]
    heavy = [one for one in view.incidents if one.is_open]
    light = [msgspec.structs.replace(one, impact="none", impact_override="") for one in heavy[:1]]
    heavy = [msgspec.structs.replace(heavy[-1], impact="critical", impact_override="")]
    rest = [one for one in view.incidents if not one.is_open]
    shown = msgspec.structs.replace(view, incidents=(*light, *heavy, *rest))
    page = pages.files(shown)["/"].body.decode()
    first, second = (page.index(f"/incidents/{one.id}") for one in (*heavy, *light))
    assert first < second
