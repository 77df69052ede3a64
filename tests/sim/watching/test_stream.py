"""The stream: the same dice give the same evidence, and a fault shows in it as it should."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.sim.watching.given import case, dice

from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, Gap, How, Span, Wave, Words
from penstock.sim.watching.crowd import Curve
from penstock.sim.watching.installation import PROBE_S
from penstock.sim.watching.stream import HANG_S, Evidence, Stream
from penstock.watch.confirming import EARNS, GAP_S, PURSE
from penstock.watch.evidence import (
    Counts,
    Kind,
    PageState,
    Post,
    Probe,
    ProbeResult,
    Report,
    Silence,
)

HOUR = case()
FROM_S = HOUR.from_unix_s


def heard(told: Case, seed: object = 1, tick_s: float = 10.0) -> list[Evidence]:
    return [one for _, tick in Stream(told, dice(seed), tick_s) for one in tick]


def counts_of(evidence: list[Evidence], component: str) -> Iterator[Counts]:
    return (one for one in evidence if isinstance(one, Counts) and one.component == component)


def span(component: str, share: float, how: How = How.ERROR, word: str = "http_5xx") -> Span:
    return Span(component, FROM_S + 1200, FROM_S + 2400, share, how, word)


def probed(evidence: list[Evidence], component: str) -> list[float]:
    return [
        one.at_unix_s for one in evidence if isinstance(one, Probe) and one.component == component
    ]


def test_the_same_dice_give_the_same_evidence() -> None:
    assert heard(HOUR) == heard(HOUR)
    assert heard(HOUR) != heard(HOUR, seed=2)


def test_evidence_lies_within_its_tick_and_probes_come_four_a_minute() -> None:
    for now_s, tick in Stream(HOUR, dice(1), 10.0):
        for one in tick:
            at_s = one.to_unix_s if isinstance(one, Counts) else one.at_unix_s
            assert now_s - 10.0 <= at_s <= now_s
    evidence = heard(HOUR)
    for one in inst.PROFILES:
        if one.probes_per_min:  # and a few that confirm what has failed by chance
            instants = probed(evidence, one.component.id)
            assert 235 <= len(instants) <= 240 * (1 + 1 / EARNS) + PURSE
            assert max(later - at_s for at_s, later in pairwise(instants)) < 15.001


def test_a_bad_probe_is_confirmed_at_once_for_a_while() -> None:
    broken = heard(case(span(inst.WEB, 0.3)))
    before = [at_s for at_s in probed(broken, inst.WEB) if at_s < FROM_S + 1200]
    during = [at_s for at_s in probed(broken, inst.WEB) if FROM_S + 1200 <= at_s < FROM_S + 2400]
    gaps = {round(later - at_s, 3) for at_s, later in pairwise(during)}
    assert gaps == {GAP_S + PROBE_S, 15.0}
    assert len(before) == pytest.approx(80, abs=10)
    assert 80 + PURSE - 8 <= len(during) <= 80 + PURSE + 80 / EARNS


def test_one_that_confirms_and_hangs_takes_its_time() -> None:
    broken = heard(case(span(inst.WEB, 1.0, How.HANG, "timeout")))
    during = [at_s for at_s in probed(broken, inst.WEB) if FROM_S + 1215 <= at_s < FROM_S + 1400]
    gaps = [later - at_s for at_s, later in pairwise(during)]
    assert gaps == pytest.approx([GAP_S + PROBE_S + HANG_S] * len(gaps))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_share_of_exchanges_fails_while_the_fault_lasts(share: float) -> None:
    evidence = heard(case(span(inst.OPUS, share, word="dns")))
    inside = [
        c for c in counts_of(evidence, inst.OPUS) if FROM_S + 1200 < c.to_unix_s <= FROM_S + 2400
    ]
    outside = [c for c in counts_of(evidence, inst.OPUS) if c not in inside]
    failed = sum(c.failed for c in inside) / sum(c.failed + c.good for c in inside)
    usual = sum(c.failed for c in outside) / sum(c.failed + c.good for c in outside)
    assert failed == pytest.approx(share, abs=0.03)
    assert usual < 0.02
    assert sum(c.by_kind.get("dns", 0) for c in inside) > 0.8 * share * sum(
        c.failed + c.good for c in inside
    )
    assert all(sum(c.by_kind.values()) == c.failed for c in counts_of(evidence, inst.OPUS))


def test_a_hang_is_seen_only_when_the_caller_has_left() -> None:
    evidence = heard(case(span(inst.OPUS, 1.0, How.HANG, "timeout")))
    hit = [c.to_unix_s for c in counts_of(evidence, inst.OPUS) if c.by_kind.get("timeout")]
    assert FROM_S + 1200 + HANG_S <= min(hit) <= FROM_S + 1200 + HANG_S + 20
    first = min(
        one.at_unix_s
        for one in evidence
        if isinstance(one, Probe)
        and one.component == inst.OPUS
        and one.result is ProbeResult.FAILED
        and one.at_unix_s >= FROM_S + 1200
    )
    assert first >= FROM_S + 1200 + HANG_S


def test_wrong_content_shows_in_canaries_alone() -> None:
    evidence = heard(case(span(inst.GPT, 1.0, How.WRONG, "wrong_content")))
    wrong = [
        one
        for one in evidence
        if isinstance(one, Probe) and one.component == inst.GPT and one.result is ProbeResult.WRONG
    ]
    assert 80 + PURSE - 3 <= len(wrong) <= 80 + PURSE + 80 / EARNS + 3
    assert sum(c.failed for c in counts_of(evidence, inst.GPT)) < 200


def test_slow_first_tokens_are_good_and_late() -> None:
    evidence = heard(case(span(inst.SONNET, 0.5, How.SLOW, "slow_ttft")))
    inside = [
        c for c in counts_of(evidence, inst.SONNET) if FROM_S + 1220 < c.to_unix_s < FROM_S + 2400
    ]
    assert sum(c.slow for c in inside) / sum(c.good for c in inside) == pytest.approx(0.5, abs=0.05)
    assert all(c.slow <= c.good for c in counts_of(evidence, inst.SONNET))


def test_a_source_out_of_reach_says_so_and_nothing_else() -> None:
    gap = Gap(Kind.TELEMETRY, FROM_S, FROM_S + 3600)
    evidence = heard(case(gaps=(gap,)))
    assert not any(isinstance(one, Counts) for one in evidence)
    assert {one.kind for one in evidence if isinstance(one, Silence)} == {Kind.TELEMETRY}
    assert any(isinstance(one, Probe) for one in evidence)


def test_a_wave_reaches_its_components_and_spills_over() -> None:
    wave = Wave(
        from_unix_s=FROM_S, to_unix_s=FROM_S + 3600, curve=Curve.LARGE, on={inst.WEB: 1.0},
        sympathy_ratio=0.05,
    )  # fmt: skip
    reports = [one for one in heard(case(waves=(wave,))) if isinstance(one, Report)]
    on = [sum(one.component == c for one in reports) for c in (inst.WEB, inst.API, inst.LOGIN)]
    assert on[0] > 5000
    for other in on[1:]:
        assert 0.02 * on[0] < other < 0.1 * on[0]


def test_a_page_is_told_while_it_says_so() -> None:
    words = Words((inst.OPUS,), FROM_S + 600, FROM_S + 1200, PageState.UNREADABLE)
    posts = [one for one in heard(case(words=(words,))) if isinstance(one, Post)]
    assert len(posts) == pytest.approx(10, abs=1)
    assert {one.state for one in posts} == {PageState.UNREADABLE}


def test_the_week_has_its_nights_and_its_weekend() -> None:
    hours = [inst.rhythm(inst.MONDAY_UNIX_S + hour * 3600) for hour in range(168)]
    assert sum(hours) / len(hours) == pytest.approx(1.0, abs=0.02)
    assert hours[3] < 0.4
    assert hours[14] > 1.5
    assert hours[5 * 24 + 14] < 0.6 * hours[14]
