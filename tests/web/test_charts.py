"""Charts: well formed, escaped, within their plane, with a table behind, for all values."""

import io
import itertools
import re
from xml.parsers import expat

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.web import assets
from penstock.web.charts.bars import Bar, BarPlot, Mark, small, spark
from penstock.web.charts.dots import Dot, DotPlot, DotRow
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import Frame, Line, ticks_of
from penstock.web.charts.over_time import Band, Look, Series, Span, lines, stacked, ticks
from penstock.web.charts.waterfall import Step, waterfall
from penstock.web.page import environment
from penstock.web.quantities import share

VALUES = st.lists(st.none() | st.floats(0.0, 1e9), min_size=1, max_size=40)
ODD = '<b> & "more"'


def well_formed(piece: str) -> str:
    expat.ParserCreate().ParseFile(io.BytesIO(piece.encode()))  # raises what is not
    return piece


def numbers(piece: str, attribute: str) -> list[float]:
    return [float(one) for one in re.findall(rf' {attribute}="(-?[\d.]+)%"', piece)]


def test_a_template_takes_a_chart_as_it_is() -> None:
    assert environment().from_string("{{ a }}{{ b }}").render(a=Drawn("<i>"), b="<i>") == (
        "<i>&lt;i&gt;"
    )


def test_a_frame_is_well_formed_and_its_text_is_escaped() -> None:
    frame = Frame(ODD)
    frame.scale_x([1, 2, 10], "x", is_log=True)
    frame.scale_y([0, 1], ["0", "<1>"])
    frame.draw(Line("a", "series-1", [(1, 0.5), (10, 3.0)], "3 3"))
    frame.names([(0.5, "a", "series-1"), (0.5, "b", "series-2")])
    frame.shade(2, 10, ODD, "bad")
    for one in (frame.figure(), frame.alone(assets.tokens().replace("<", "&lt;"))):
        assert "<b> &" not in well_formed(one)
    assert frame.alone("").startswith("<svg xmlns")


def test_names_that_would_touch_stand_apart() -> None:
    frame = Frame("t")
    frame.scale_x([0, 1])
    frame.scale_y([0, 1], ["0", "1"])
    frame.names([(0.5, str(one), "ink") for one in range(6)])
    drawn = frame.figure().partition('class="names"')[2].partition("</svg>")[0]
    places = [float(one) for one in re.findall(r'<text x="0.00%" y="([\d.]+)"', drawn)]
    assert len(places) == 6
    assert all(b - a >= 15 for a, b in itertools.pairwise(places))


@given(st.lists(VALUES.map(lambda one: (one * 40)[:24]), max_size=4))
def test_what_happens_over_time_stays_in_its_plane(columns: list[list[float | None]]) -> None:
    series = [Series(f"s{at}", "series-1", values) for at, values in enumerate(columns)]
    span = Span(1_800_000_000, 60, 24)
    bands = [Band(0, 2e9, "all"), Band(1_800_000_060, 1_800_000_120, ODD, "bad")]
    for draw in (stacked, lines):
        drawn = well_formed(draw(Look("t"), span, series, bands))
        assert all(-0.01 <= one <= 100.01 for one in numbers(drawn, "x"))
        for points in re.findall(r' points="([^"]*)"', drawn):
            for pair in points.split():
                x, y = map(float, pair.split(","))
                assert 0 <= x <= 1000
                assert 0 <= y <= 220
        assert drawn.count("<tr>") == 25


def test_a_gap_is_not_drawn_as_zero() -> None:
    drawn = lines(Look("t"), Span(0, 60, 5), [Series("s", "ink", [1, None, 1, 1, None])])
    assert drawn.count("<polyline") == 2


@given(st.integers(0, 2_000_000_000), st.integers(1, 86_400), st.integers(1, 400))
@example(1, 539, 1)
def test_a_time_axis_has_a_few_round_labels(start_s: int, step_s: int, steps: int) -> None:
    span = Span(start_s, step_s, steps)
    found = ticks(span)
    assert len(found) <= 8
    assert all(span.start_s <= one <= span.end_s for one in found)
    assert len(found) >= 2 or span.end_s - span.start_s < 20


@pytest.mark.parametrize(
    ("high", "found"),
    [
        (0, [0, 1]),
        (5e-324, [0, 1]),
        (3, [0, 1, 2, 3]),
        (64, [0, 20, 40, 60, 80]),
        (7, [0, 2, 4, 6, 8]),
    ],
)
def test_ticks_are_round(high: float, found: list[float]) -> None:
    assert ticks_of(high) == found


@given(VALUES)
def test_small_lines_are_well_formed(values: list[float | None]) -> None:
    well_formed(spark(values, ODD))
    assert "&lt;b&gt;" in well_formed(small(ODD, "1", values))


def test_bars_end_at_the_top() -> None:
    plot = BarPlot(ODD, [Bar("a", "ink", 5.0, "5"), Bar("b", "ink", 0.0, "0")], 1.2, Mark(1, "m"))
    for one in (plot.figure(), plot.alone("")):
        assert max(numbers(well_formed(one), "width")) == 100


@given(
    st.lists(
        st.builds(
            Step,
            st.just(ODD),
            st.just(ODD),
            st.floats(0, 1e4),
            st.floats(0, 1e4),
            st.floats(0, 1e4),
            st.booleans(),
            st.booleans(),
            st.just("accent"),
        ),
        max_size=5,
    ),
    st.floats(0, 1e4),
)
def test_a_waterfall_stays_in_its_plane(steps: list[Step], total_s: float) -> None:
    drawn = well_formed(waterfall("t", steps, total_s))
    assert all(-0.01 <= one <= 100.01 for name in ("x", "x1", "x2") for one in numbers(drawn, name))
    assert drawn.count('fill="url(#hatch)"') == sum(one.is_failed for one in steps)


def test_shares_on_an_axis_have_no_decimals_that_say_nothing() -> None:
    look = Look("Probes", words=share, top=1.0)
    drawn = lines(look, Span(0.0, 60.0, 2), [Series("a", "series-1", [0.5, 0.5])])
    assert ">75 %<" in drawn
    assert ">75.0 %<" not in drawn


@given(st.lists(st.lists(st.floats(0.0, 1e6), max_size=4), min_size=1, max_size=5))
def test_dots_stay_on_their_axis_and_are_told_to_those_who_do_not_see(
    rows: list[list[float]],
) -> None:
    shapes = ("disc", "ring", "triangle", "square")
    plot = DotPlot(
        ODD,
        "note",
        [
            DotRow(
                f"{ODD}{at}",
                [
                    Dot(value, f"{value:.0f} s", "accent", shape, f"kind {shape}")
                    for value, shape in zip(values, shapes, strict=False)
                ],
            )
            for at, values in enumerate(rows)
        ],
    )
    piece = well_formed(plot.figure())
    assert all(-1.0 <= one <= 100.0 for one in numbers(piece, "x"))
    assert piece.count("<path") >= sum(len(values) > 2 for values in rows)
    assert "nobody" in piece or all(rows)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(0, 1)), max_size=6))
def test_strips_lie_under_the_axis_and_are_as_high_as_their_share(
    spans: list[tuple[float, float, float]],
) -> None:
    frame = Frame("strips", 150)
    frame.beneath(2)
    frame.scale_x([0.0, 10.0])
    frame.scale_y([0.0, 1.0], ["0", "1"])
    frame.cut(5.0)
    frame.strip(1, ODD, [(min(a, b), max(a, b), share, ODD) for a, b, share in spans])
    piece = well_formed(frame.figure())
    boxes = re.findall(r'y="([\d.]+)" width="[\d.]+%" height="([\d.]+)" class="fill c-bad"', piece)
    assert len(boxes) == len(spans)
    for (y, high), (_, _, ratio) in zip(boxes, spans, strict=True):
        assert frame.bottom < float(y) <= 150.0 - float(high)
        assert float(high) == pytest.approx(max(2.0, 11.0 * ratio), abs=0.06)


def test_a_key_shows_how_its_line_is_dashed() -> None:
    frame = Frame("keys", 120)
    frame.scale_x([0.0, 1.0])
    frame.scale_y([0.0, 1.0], ["0", "1"])
    frame.draw(Line("a", "series-3", [(0.0, 0.0), (1.0, 1.0)], "6 3"))
    frame.draw(Line("b", "series-1", [(0.0, 0.0), (1.0, 1.0)]))
    frame.names([(0.0, "a", "series-3"), (1.0, "b", "series-1")], is_ordered=True)
    piece = well_formed(frame.figure())
    assert piece.count('stroke-dasharray="6 3"') == 3  # the line, beside it, and beneath
    keys = piece[piece.index('<ul class="keys">') :]
    assert keys.index(">a<") < keys.index(">b<")
