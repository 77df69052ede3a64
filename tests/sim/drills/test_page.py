"""The report: one file that needs nothing else, of whatever was found; what it says is true."""

import html
import io
import re
from xml.parsers import expat

import msgspec
import pytest
from tests.sim.drills import played

from penstock.sim.drills import plots, shapes, strips, words
from penstock.sim.drills.page import page
from penstock.sim.drills.shapes import Arm, Result, Series, Strike, Timetable, Window
from penstock.web.page import render

WHOLE = played.result()
BLOWS = Timetable(
    windows=(Window(from_s=0.0, to_s=20.0, from_unix_s=0.0, to_unix_s=20.0),),
    strikes=(
        Strike(place="ours", kind="kill", share=1.0, from_s=4.0, to_s=6.0, surface="gateway-1"),
    ),
    played_s=20.0,
    true_s=20.0,
)
ODD = '<b> & "more"'


def report(result: Result) -> str:
    return render("drill.html", **page(result))


def text(result: Result) -> str:
    """Return what a reader sees, on one line."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", report(result), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_it_needs_nothing_else_and_runs_nothing() -> None:
    found = report(WHOLE)
    assert not re.search(r"<script|<link|<img|<iframe|url\(|@import|javascript:", found)
    assert not re.search(r'(?:src|href)="(?!#)', found)
    assert not re.search(r'\sstyle="|\son\w+="', found)


def test_its_drawings_are_well_formed() -> None:
    drawings = re.findall(r"<figure.*?</figure>", report(WHOLE), flags=re.DOTALL)
    assert len(drawings) > 20
    for one in drawings:
        expat.ParserCreate().ParseFile(io.BytesIO(one.encode()))


def test_every_reference_within_it_is_there() -> None:
    found = report(WHOLE)
    ids = re.findall(r'\sid="([^"]+)"', found)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', found)) <= set(ids)


def test_its_first_line_is_what_went_worst_with_the_remedy() -> None:
    first = WHOLE.findings[0]
    told = text(WHOLE).replace("\u00a0", " ")
    at = told.index(first.words)
    assert at < told.index("Calls that were complete") < told.index("What was replayed")
    assert first.remedy in told[at : at + 600]


def test_it_says_what_is_published_what_is_assumed_and_what_was_left_out() -> None:
    told = text(WHOLE)
    for one in (*WHOLE.outage.published, *WHOLE.outage.assumed, *WHOLE.timetable.notes):
        assert words.plain(one)[1:] in told
    for one in WHOLE.timetable.unplayed:
        assert one.why in told
    assert "(assumed)" in report(WHOLE)


@pytest.mark.parametrize(
    "result",
    [
        msgspec.structs.replace(WHOLE, arms=(), customer=(), findings=()),
        msgspec.structs.replace(WHOLE, arms=WHOLE.arms[-1:], customer=()),
        msgspec.structs.replace(
            WHOLE, seen=(), bills=(), checks=(), reckonings=(), findings=(), uncut=WHOLE.seen
        ),
        msgspec.structs.replace(
            WHOLE, timetable=Timetable(windows=(), strikes=(), played_s=0.0, true_s=0.0)
        ),
        msgspec.structs.replace(
            WHOLE,
            arms=tuple(Arm(name=one.name, title=one.title) for one in WHOLE.arms),
            scale="each exchange stands for 1,000",
        ),
        msgspec.structs.replace(
            WHOLE,
            mode=shapes.CHAOS,
            timetable=BLOWS,
            outage=msgspec.structs.replace(WHOLE.outage, provider="", title="kill -9"),
        ),
    ],
    ids=["no arms", "one arm", "bare", "no windows", "no figures", "chaos"],
)
def test_what_is_not_there_is_left_out(result: Result) -> None:
    assert "How to read this" in text(result)


def test_words_of_others_are_text() -> None:
    odd = msgspec.structs.replace(
        WHOLE,
        set_up=ODD,
        outage=msgspec.structs.replace(WHOLE.outage, title=ODD, sources=(ODD,), assumed=(ODD,)),
        seen=(msgspec.structs.replace(WHOLE.seen[0], name=ODD, culprit=ODD, verdict=ODD),),
        checks=(msgspec.structs.replace(WHOLE.checks[0], name=ODD, words=ODD),),
    )
    assert "<b> &" not in report(odd)


# --- plots


def test_a_line_does_not_cross_a_gap_or_a_cut() -> None:
    windows = WHOLE.timetable.windows  # of 90 s each
    values = [1.0] * 9 + [0.5] * 4 + [None] + [0.5] * 4 + [None] * 3 + [0.25]
    one = Series(arm="a", tier="", what="success_ratio", step_s=10.0, values=tuple(values))
    found = plots.runs(one, windows)
    assert [len(run) for run in found] == [9, 4, 4, 2]  # a lone value is as wide as its step
    assert found[3][1][0] - found[3][0][0] == pytest.approx(10.0)
    for run in found:
        assert len({value for _, value in run}) == 1


def test_ticks_are_apart_and_tell_the_outages_own_clock() -> None:
    found = plots.ticks(WHOLE.timetable)
    told = [plots.clock(WHOLE.timetable, at_s) for at_s in found]
    assert told == [clock for clock, _ in played.CHANGES]


def test_a_row_of_faults_adds_up_kinds_and_takes_the_worst_surface() -> None:
    def strike(kind: str, share: float, surface: str, from_s: float, to_s: float) -> Strike:
        return Strike(
            place="chat", kind=kind, share=share, surface=surface, from_s=from_s, to_s=to_s
        )

    strikes = (
        strike("http_500", 0.5, "web", 0.0, 20.0),
        strike("hang", 0.2, "web", 10.0, 20.0),
        strike("http_500", 0.6, "mobile", 0.0, 10.0),
        strike("http_500", 0.5, "web", 30.0, 40.0),
    )
    table = Timetable(windows=(), strikes=strikes, played_s=40.0, true_s=40.0)
    (row,) = strips.rows(table)
    assert row.name == "Chat"
    assert [span[:3] for span in row.spans] == [
        (0.0, 10.0, 0.6),
        (10.0, 20.0, 0.7),
        (30.0, 40.0, 0.5),
    ]


def test_only_where_time_is_left_out_is_a_cut() -> None:
    windows = tuple(
        Window(from_s=from_s, to_s=from_s + 10.0, from_unix_s=at_s, to_unix_s=at_s + 10.0)
        for from_s, at_s in ((0.0, 1e9), (10.0, 1e9 + 10.0), (20.0, 1e9 + 500.0))
    )
    table = Timetable(windows=windows, strikes=(), played_s=30.0, true_s=510.0)
    assert plots.replayed(table).count('class="cut"') == 1


def test_blows_to_our_own_parts_are_no_outage_that_was() -> None:
    result = msgspec.structs.replace(WHOLE, mode=shapes.CHAOS)
    told = text(result)
    assert "What was done" in told
    assert "replayed" not in told


@pytest.mark.parametrize(
    ("told", "plain"),
    [
        ("11:37 login: http_500 (no share)", "11:37 login: HTTP 500 (share not published)"),
        ("model:opus-4.6: elevated_errors 10%", "Opus 4.6: elevated errors 10 %"),
        ("web, coding-cli, api: slow_ttft", "web, coding CLI, API: slow ttft"),
        ("claude-opus-*: the emulator has it", "claude-opus-*: the emulator has it"),
    ],
)
def test_words_of_a_drill_file_are_told_as_people_say_them(told: str, plain: str) -> None:
    assert words.plain(told) == plain


def test_an_axis_of_shares_that_does_not_begin_at_none_says_so() -> None:
    calm = msgspec.structs.replace(
        WHOLE.arms[0],
        series=tuple(
            msgspec.structs.replace(one, values=tuple(0.93 for _ in one.values))
            for one in WHOLE.arms[0].series
        ),
    )
    drawn = plots.compared(plots.SUCCESS, WHOLE.timetable, [calm], "")
    assert drawn is not None
    assert "the axis begins at 80 %" in drawn
    assert "axis begins" not in str(plots.hero(WHOLE.timetable, WHOLE.arms[:1]))


def test_who_worked_and_was_said_to_fail_is_told_and_other_good_news_is_counted() -> None:
    good = msgspec.structs.replace(WHOLE.seen[0], failed_at_s=None, name="Fine", verdict="none")
    wrong = msgspec.structs.replace(good, is_right=False, name="Slandered", verdict="problem")
    told = text(msgspec.structs.replace(WHOLE, seen=(good, wrong, *WHOLE.seen[:1])))
    assert "Slandered" in told
    assert "Fine" not in told
    assert "1 other component did not fail, and was not said to" in told


def test_what_failed_twice_is_named_by_its_time() -> None:
    twice = [msgspec.structs.replace(WHOLE.seen[0], failed_at_s=at_s) for at_s in (10.0, 460.0)]
    told = text(msgspec.structs.replace(WHOLE, seen=tuple(twice), uncut=tuple(twice)))
    for one in ("Chat, 11:37", "Chat, 17:15", "Chat, 1 ", "Chat, 2 "):
        assert one in told
