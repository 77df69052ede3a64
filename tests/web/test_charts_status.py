"""Charts of the status page: uptime bars, response times, marks over time."""

import io
import re
from xml.parsers import expat

from hypothesis import given
from hypothesis import strategies as st

from penstock.web.charts.days import HEIGHTS, STEP, bars
from penstock.web.charts.over_time import Look, Mark, Series, Span, lines
from penstock.web.charts.response import HEIGHT, POINTS_MAX, Multiple, figure, highest_s, thinned

ODD = '<b> & "more"'
WORDS = st.text().filter(lambda words: "M" not in words and '"' not in words)  # as paths have them
DAYS = st.lists(st.tuples(st.just(ODD), st.sampled_from(sorted(HEIGHTS)), WORDS), max_size=95)
TIMES = st.none() | st.floats(0, 1e6)
PAIRS = st.lists(st.tuples(TIMES, TIMES), max_size=300)


def well_formed(piece: str) -> str:
    # Not characters that XML has none of: a browser shows them as nothing.
    told = re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", piece)
    expat.ParserCreate().ParseFile(io.BytesIO(f"<div>{told}</div>".encode()))
    return piece


@given(DAYS)
def test_each_day_is_one_bar_and_what_was_not_good_is_told(
    days: list[tuple[str, str, str]],
) -> None:
    made = well_formed(bars(days, ODD))
    assert "<b>" not in made
    good = sum(state == "good" for _, state, _ in days)
    assert made.count("<rect") == len(days) - good
    assert len(re.findall(r"M\d+ \d+h3", made)) == good
    places = [int(one) for one in re.findall(r"(?:M| x=\")(\d+)", made)]
    assert sorted(places) == [at * STEP for at in range(len(days))]
    assert ("<li>" in made) == (good < len(days))


def test_days_of_the_same_words_are_told_as_one() -> None:
    made = bars(
        [("1", "unknown", "x"), ("2", "unknown", "x"), ("3", "good", ""), ("4", "bad", "y")], ""
    )
    assert re.findall(r"<li>(.*?)</li>", made) == ["1 to 2: x", "4: y"]


def test_the_worse_a_day_the_taller_its_bar() -> None:
    order = ["unknown", "good", "degraded", "partial", "bad"]
    assert sorted(order, key=lambda state: HEIGHTS[state]) == order
    assert len({HEIGHTS[state] for state in order}) == len(order)


@given(PAIRS)
def test_response_times_are_well_formed_and_within_their_plane(
    pairs: list[tuple[float | None, float | None]],
) -> None:
    made = well_formed(figure(Multiple(ODD, pairs, highest_s(pairs), "/?a&b")))
    assert len(thinned(pairs)) <= POINTS_MAX
    for points in re.findall(r'points="([^"]*)"', made):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert -0.1 <= x <= 1000.1
            assert 0 <= y <= HEIGHT


@given(PAIRS)
def test_thinning_keeps_the_worst(pairs: list[tuple[float | None, float | None]]) -> None:
    assert highest_s(thinned(pairs)) == highest_s(pairs)


def test_marks_have_names_above_the_plane_each_in_a_row_of_its_own() -> None:
    marks = [Mark(130, ODD), Mark(240, "b"), Mark(9999, "outside")]
    made = lines(
        Look("t", is_named=False, top=1.0), Span(0, 60, 10), [Series("a", "ink", [0.5] * 10)],
        marks=marks,
    )  # fmt: skip
    well_formed(made)
    assert "outside" not in made
    assert made.count('class="instant"') == 2
    rows = [float(one) for one in re.findall(r'y="([\d.]+)"[^>]*class="strong halo"', made)]
    assert rows == [12.0, 27.0]
    tops = [float(one) for one in re.findall(r'y1="([\d.]+)"[^>]*class="grid"', made)]
    assert min(tops) > max(rows), "names stand above the scale"
    assert '<rect class="fill c-ink" width="14"' not in made, (
        "no names of a line that the title has"
    )
