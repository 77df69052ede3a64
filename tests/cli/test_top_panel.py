"""The picture: it fits every width, and at 80 and 140 columns it is what it was."""

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tests.web.test_live import desk, reading, telemetry, times, with_tier

from penstock.cli.columns import bar
from penstock.cli.panel import render
from penstock.core.tier import WORDS
from penstock.exchange.statistics import ConsumerStatistics, DeskStatistics, GateStatistics
from penstock.web.live import Figures, PairRead, TierRead, figures_of

PICTURES = Path(__file__).parents[1] / "data" / "top"


def busy() -> Figures:
    """Return a gateway with an upstream that is full, one that is broken, and an idle one."""
    full: dict[str, Any] = {
        "enterprise": {"in_flight": 9, "ceiling": 48},
        "standard": {"in_flight": 20, "waiting": 3, "oldest_wait_s": 0.4, "ceiling": 47},
        "free": {"in_flight": 18, "waiting": 212, "oldest_wait_s": 3.2, "ceiling": 46},
        "batch": {"in_flight": 1, "waiting": 40, "oldest_wait_s": 95.0, "ceiling": 38},
    }
    desks = (
        desk(
            "claude", 48, 48, limit_max=64, reserve=2, held_s=4.48, quota_usage_ratio=0.83, **full
        ),
        desk("gpt", 3, 200, rest_s=0.0, standard={"in_flight": 3}),
        DeskStatistics("engine-in-the-cellar", 8, 8, 0, saturation_ratio=1.1),
    )
    tiers: dict[str, dict[str, Any]] = {
        "enterprise": {"outcomes": {"complete": 40}, "output_tokens": 9000, "ttft": times(b3=40)},
        "standard": {
            "outcomes": {"complete": 90, "failed": 3}, "output_tokens": 31_000,
            "refusals": {"rate_limit_exceeded": 7}, "ttft": times(b4=80), "wait": times(b3=80),
        },
        "free": {
            "outcomes": {"complete": 60, "refused": 50}, "output_tokens": 12_400,
            "refusals": {"tier_capacity": 24, "no_new_sessions": 26},
            "degraded": {"max_tokens": 60}, "moved": 3, "input_tokens": 31_000,
            "ttft": times(b6=60), "wait": times(b6=60),
        },
        "batch": {"outcomes": {"refused": 1}, "refusals": {"tier_capacity": 1}},
    }  # fmt: skip
    now = telemetry(
        exchanges_in_flight=306,
        exchanges_waiting=255,
        snapshot_version=7,
        is_emulated=True,
        gate=GateStatistics(255, desks, ConsumerStatistics(5, 1204, 0.2, 0.9)),
        tiers=tuple(TierRead(word, **tiers.get(word, {})) for word in WORDS),
        upstreams=(
            PairRead("claude", "haiku", {"success": 150}, 62_000, 40_000, times(b3=150)),
            PairRead("claude", "opus", {"overloaded": 9}, breaker="open", rest_s=11.0),
            PairRead("gpt", "gpt-5.6", {"server_error": 3}, breaker="open", rest_s=4.2),
        ),
        refusals={"no_key": 2},
    )
    return figures_of(reading(10.0, telemetry()), reading(12.0, now))


def drawn(figures: Figures, width: int) -> list[str]:
    return [line.plain for line in render(figures, width)]


@pytest.mark.parametrize("width", [80, 140])
def test_the_picture_is_what_it_was(width: int) -> None:
    told = "\n".join(drawn(busy(), width)) + "\n"
    assert told == (PICTURES / f"{width}.txt").read_text(encoding="utf-8")


def shapes() -> st.SearchStrategy[Figures]:
    quiet = figures_of(reading(10.0, telemetry()), reading(12.0, telemetry()))
    first = figures_of(None, reading(10.0, telemetry(gate=GateStatistics())))
    down = figures_of(None, reading(10.0, None, "connection refused " * 9))
    return st.sampled_from([busy(), quiet, first, down])


@given(shapes(), st.integers(0, 300))
def test_no_line_is_longer_than_there_is_room(figures: Figures, width: int) -> None:
    lines = render(figures, width)
    assert max(line.cell_len for line in lines) <= max(40, width)
    assert all(line.plain == line.plain.rstrip() for line in lines)


@given(st.integers(40, 300))
def test_what_matters_most_is_there_at_every_width(width: int) -> None:
    text = "\n".join(drawn(busy(), width))
    for words in (*WORDS, "claude", "gpt", "212", "48/48", "tier_capacity", "level 5"):
        assert words in text


@given(st.integers(40, 299))
def test_more_room_shows_no_less(width: int) -> None:
    def heads(width: int) -> list[str]:
        return [w for line in drawn(busy(), width) for w in line.split() if w.isupper()]

    assert set(heads(width)) <= set(heads(width + 1))


def test_the_headline_says_how_much_it_leaves_out() -> None:
    figures = busy()
    assert len(figures.said) > 3
    assert "shed/s (" in drawn(figures, 80)[0]
    assert "shed/s; " in drawn(figures, 56)[0]
    assert drawn(figures, 80)[0].endswith("; 2 more")
    assert drawn(figures, 300)[0].endswith(figures.said[-1])


def test_a_first_read_has_no_rates() -> None:
    figures = figures_of(None, reading(10.0, telemetry()))
    text = "\n".join(drawn(figures, 120))
    assert "known after the next read" in text
    assert "nobody is refused" not in text


def test_nobody_answers() -> None:
    lines = drawn(figures_of(None, reading(10.0, None, "connection refused")), 120)
    assert lines[0] == "■ no gateway answers at http://127.0.0.1:8401: connection refused"
    assert lines[1].endswith("UTC  trying again")
    assert len(lines) == 2
    long = drawn(figures_of(None, reading(10.0, None, "refused " * 20)), 60)
    assert " ".join(line.strip() for line in long).count("refused") == 20, "all of it"


def test_no_words_of_a_name_become_colours() -> None:
    named = msgspec.structs.replace(desk("[red]x[/red]"), in_flight=1)
    now = telemetry(gate=GateStatistics(desks=(named,)), tiers=with_tier("free"))
    console = Console(file=io.StringIO(), width=120, markup=False)
    for line in render(figures_of(None, reading(1.0, now)), 120):
        console.print(line)
    assert isinstance(console.file, io.StringIO)
    assert "[red]x[/red]" in console.file.getvalue()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=7), st.integers(1, 64))
def test_a_bar_is_as_long_as_its_parts_and_hides_none(sizes: list[int], width: int) -> None:
    shades = [(chr(ord("a") + at), "") for at in range(len(sizes))]
    total = max(1, sum(sizes))
    drawn_bar = bar(zip(sizes, shades, strict=True), total, width).plain
    assert len(drawn_bar) == (width if sum(sizes) else 0)
    assert sorted(drawn_bar) == list(drawn_bar)
    if sum(size > 0 for size in sizes) == 1:
        assert set(drawn_bar) == {shade for n, (shade, _) in zip(sizes, shades, strict=True) if n}
