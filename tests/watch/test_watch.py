"""The watch as a whole: what it finds, how soon, and what it must never say."""

from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.component import Component, Layer, State
from penstock.watch.evidence import Counts, Kind, Probe, ProbeResult, Report, Silence
from penstock.watch.watch import Watch

T0 = 1_767_600_000.0  # a Monday
API = Component(id="api000000000", name="API", layer=Layer.SURFACE, surface="api")


def probe(at_s: float, result: ProbeResult = ProbeResult.GOOD, component: str = API.id) -> Probe:
    how = "timeout" if result is ProbeResult.FAILED else ""
    return Probe(component=component, at_unix_s=T0 + at_s, result=result, how=how)


def counts(at_s: float, good: int, failed: int, slow: int = 0, span_s: float = 5.0) -> Counts:
    return Counts(
        component=API.id, from_unix_s=T0 + at_s - span_s, to_unix_s=T0 + at_s, good=good,
        failed=failed, slow=slow,
    )  # fmt: skip


def report(at_s: float, voter: int, network: int, component: str = API.id) -> Report:
    return Report(
        component=component, at_unix_s=T0 + at_s, voter=f"v{voter}", network=f"n{network}"
    )


def judged(watch: Watch, at_s: float) -> Assessment:
    return watch.judge(T0 + at_s)[0]


def warmed(until_s: int = 3600) -> Watch:
    watch = Watch([API])
    for at_s in range(0, until_s, 15):
        watch.on_probe(probe(at_s))
        assert judged(watch, at_s).verdict is Verdict.NONE
    return watch


def test_a_component_that_nobody_looks_at_is_unknown() -> None:
    found = judged(Watch([API]), 0)
    assert found.verdict is Verdict.NONE
    assert found.state is State.UNKNOWN


def test_a_lost_probe_is_no_problem_and_three_are_within_a_minute() -> None:
    watch = warmed()
    found: list[Verdict] = []
    for at_s in range(3600, 3660, 15):
        watch.on_probe(probe(at_s, ProbeResult.FAILED))
        found.append(judged(watch, at_s).verdict)
    assert found == [Verdict.NONE, Verdict.POSSIBLE, Verdict.PROBLEM, Verdict.PROBLEM]


def test_a_third_of_one_request_a_second_is_a_problem_within_a_minute() -> None:
    watch = Watch([API])
    for at_s in range(5, 3600, 5):
        watch.on_counts(counts(at_s, 5, 0))
        judged(watch, at_s)
    at_s = 3600
    while judged(watch, at_s).verdict is not Verdict.PROBLEM:
        at_s += 5
        watch.on_counts(counts(at_s, 3, 2 if at_s % 2 else 1))
    assert at_s <= 3660


def test_a_silent_hang_is_found() -> None:
    watch = Watch([API])
    for at_s in range(5, 3600, 5):
        watch.on_counts(counts(at_s, 5, 0))
        judged(watch, at_s)
    found = judged(watch, 3600)
    for at_s in range(3600, 3660, 5):
        watch.on_counts(counts(at_s, 5, 0, slow=4))
        found = judged(watch, at_s)
    assert found.verdict is Verdict.PROBLEM
    assert found.state is State.DEGRADED


def test_silence_is_unknown_and_no_outage() -> None:
    watch = warmed()
    watch.on_silence(Silence(component=API.id, kind=Kind.PROBES, at_unix_s=T0 + 3600))
    found = judged(watch, 3700)
    assert found.verdict is Verdict.NONE
    assert found.state is State.UNKNOWN


def test_a_brigade_of_three_networks_is_nothing() -> None:
    watch = warmed()
    for at_s in range(3600, 4200, 5):
        for at in range(9):
            watch.on_report(report(at_s, at_s * 10 + at, at % 3))
        watch.on_probe(probe(at_s))
        assert judged(watch, at_s).verdict is Verdict.NONE


def test_a_wave_of_many_networks_is_possible_and_never_more() -> None:
    watch = warmed()
    first_s = 0
    found = judged(watch, 3600)
    for at_s in range(3600, 4800, 5):
        for at in range((at_s - 3600) // 100 + 1):
            watch.on_report(report(at_s, at_s * 100 + at, at_s * 100 + at))
        watch.on_probe(probe(at_s))
        found = judged(watch, at_s)
        assert found.verdict is not Verdict.PROBLEM
        first_s = first_s or (at_s if found.verdict else 0)
    assert 3600 < first_s < 3900
    assert found.culprit is Culprit.CLIENT


def test_a_flap_of_five_minutes_is_one_episode_and_ends() -> None:
    watch = warmed()
    confirmed: set[float] = set()
    for at_s in range(3600, 3600 + 3600, 15):
        is_bad = (at_s // 300) % 2 == 0
        watch.on_probe(probe(at_s, ProbeResult.FAILED if is_bad else ProbeResult.GOOD))
        found = judged(watch, at_s)
        if at_s > 3700:
            assert found.verdict is Verdict.PROBLEM
            confirmed.add(found.confirmed_unix_s)
    assert len(confirmed) == 1
    found = judged(watch, 7200)
    for at_s in range(7200, 7800, 15):
        watch.on_probe(probe(at_s))
        found = judged(watch, at_s)
    assert found.verdict is Verdict.NONE
    assert found.state is State.OPERATIONAL


def test_what_failover_leads_away_does_not_make_a_whole_outage_a_partial_one() -> None:
    watch = Watch([API])
    for at_s in range(5, 3640, 5):
        watch.on_probe(probe(at_s))
        watch.on_counts(counts(at_s, 8, 0))
        judged(watch, at_s)
    found = judged(watch, 3640)
    for at_s in range(3640, 3730, 5):  # each attempt fails, and few are made
        watch.on_counts(counts(at_s, 0, 8 if at_s == 3640 else 1))
        found = judged(watch, at_s)
    assert found.verdict is Verdict.PROBLEM
    assert found.failing_ratio == 1.0
    assert found.state is State.MAJOR


def test_the_share_of_what_fails_in_part_is_not_overstated() -> None:
    watch = Watch([API])
    for at_s in range(5, 3640, 5):
        watch.on_counts(counts(at_s, 5, 0))
        judged(watch, at_s)
    shares: list[float] = []
    for at_s in range(3640, 3800, 5):
        watch.on_counts(counts(at_s, 7, 3))
        found = judged(watch, at_s)
        if found.verdict is Verdict.PROBLEM and found.failing_ratio is not None:
            shares.append(found.failing_ratio)
            assert found.state is State.PARTIAL
    assert shares
    assert max(shares) <= 0.31
