"""Burn rates as the Workbook has them, and an alert that never flaps, doubles or forgets."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.core import slo
from penstock.core.slo import QUIET, Change, Count, Memory, Reading, Rule, Severity

MONTH = slo.rules(30)
HOUR_S = 3600
WINDOWS = sorted({s for rule in MONTH for s in (rule.long_s, rule.short_s)})


def counts(**by_minutes: tuple[int, int]) -> dict[int, Count]:
    """Return all windows of the rules: as given by minutes, else good."""
    found = {window_s: Count(10_000, 10_000) for window_s in WINDOWS}
    return found | {int(name[1:]) * 60: Count(*value) for name, value in by_minutes.items()}


def test_thirty_days_have_the_workbooks_table() -> None:
    told = [
        (r.severity.word, r.long_s / HOUR_S, r.short_s / 60, r.burn, r.used_ratio) for r in MONTH
    ]
    assert told == [
        ("page", 1, 5, 14.4, 0.02),
        ("page", 6, 30, 6.0, 0.05),
        ("ticket", 72, 360, 1.0, 0.10),
    ]


def test_four_weeks_keep_windows_and_budget_used() -> None:
    assert [rule.burn for rule in slo.rules(28)] == pytest.approx([13.44, 5.6, 1.0])
    assert [rule.long_s / HOUR_S for rule in slo.rules(28)] == pytest.approx([1, 6, 67.2])


@given(days=st.integers(1, 90))
def test_every_window_has_rules_that_a_kept_objective_does_not_reach(days: int) -> None:
    for rule in slo.rules(days):
        assert rule.burn >= (2.0 if rule.severity is Severity.PAGE else 1.0)
        assert rule.long_s % 60 == rule.short_s % 60 == 0
        assert 60 <= rule.short_s <= rule.long_s <= days * 86_400
        assert rule.short_s - 60 < rule.long_s / 12 <= rule.short_s
        used = rule.burn * rule.long_s / (days * 86_400)
        assert used == pytest.approx(rule.used_ratio, abs=60 * rule.burn / (days * 86_400))


def test_thresholds_of_99_5_percent_are_7_2_and_3_percent() -> None:
    def burning(bad: int, long_min: int, short_min: int) -> bool:
        measured = counts(**{f"m{m}": (1000 - bad, 1000) for m in (long_min, short_min)})
        return any(one.is_burning for one in slo.read(MONTH, measured, 0.995, 30))

    assert [burning(71, 60, 5), burning(72, 60, 5)] == [False, True]
    assert [burning(29, 360, 30), burning(30, 360, 30)] == [False, True]


def test_both_windows_must_burn() -> None:
    for one_sided in (counts(m60=(0, 1000)), counts(m5=(0, 1000))):
        assert not any(one.is_burning for one in slo.read(MONTH, one_sided, 0.999, 30))


def test_too_few_events_raise_no_alert_and_are_said() -> None:
    measured = counts(m60=(0, 29), m5=(0, 29))
    page = slo.read(MONTH, measured, 0.999, 30)[0]
    assert page.is_thin
    assert not page.is_burning
    assert page.is_lasting, "but an alert that fires already goes on"
    assert slo.read(MONTH, counts(m60=(0, 30), m5=(0, 30)), 0.999, 30)[0].is_burning


def test_what_was_not_measured_is_unknown() -> None:
    assert slo.burn_rate(Count(), 0.99) is None
    assert Count().good_ratio is None
    measured = dict.fromkeys(WINDOWS, Count())
    assert {one.long_burn for one in slo.read(MONTH, measured, 0.99, 0)} == {None}
    assert not any(one.is_burning for one in slo.read(MONTH, measured, 0.99, 0))


@given(total=st.integers(1, 10**9), share=st.floats(0, 1), target=st.floats(0.01, 0.9999))
def test_burning_at_rate_one_for_the_window_spends_the_budget(
    total: int, share: float, target: float
) -> None:
    count = Count(round(total * share), total)
    burn = slo.burn_rate(count, target)
    assert burn is not None
    assert slo.budget(count, target).left_ratio == pytest.approx(1.0 - burn)


def test_without_events_the_budget_is_whole() -> None:
    assert slo.budget(Count(), 0.99).left_ratio == 1.0


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=20))
def test_counts_add_up(pairs: list[tuple[int, int]]) -> None:
    found = sum((Count(good, good + bad) for good, bad in pairs), Count())
    assert (found.good, found.bad) == (sum(g for g, _ in pairs), sum(b for _, b in pairs))


# --- the alert


def readings(burning: Severity, *, lasting: Severity | None = None) -> list[Reading]:
    """Return what the rules say when those up to a severity burn, and others only last."""
    held = burning if lasting is None else lasting
    return [
        Reading(
            rule=rule,
            long_burn=1.0,
            short_burn=1.0,
            short_events=100,
            is_thin=False,
            is_burning=rule.severity <= burning,
            is_lasting=rule.severity <= held,
        )
        for rule in MONTH
    ]


def run(script: list[tuple[float, Severity]]) -> list[tuple[float, Change]]:
    memory, told = QUIET, list[tuple[float, Change]]()
    for now_s, severity in script:
        memory, change = slo.step(memory, readings(severity), now_s)
        told += [(now_s, change)] if change else []
    return told


NONE, TICKET, PAGE = Severity.NONE, Severity.TICKET, Severity.PAGE


def test_an_alert_opens_at_once_and_resolves_after_calm() -> None:
    script = [(0.0, PAGE), (30.0, PAGE), (60.0, NONE), (300.0, NONE), (329.0, NONE), (330.0, NONE)]
    assert run(script) == [(0.0, Change.OPENED), (330.0, Change.RESOLVED)]


def test_severity_rises_at_once_and_falls_after_calm() -> None:
    script = [(0.0, TICKET), (30.0, PAGE), (60.0, TICKET), (329.0, TICKET), (330.0, TICKET)]
    told = [(0.0, Change.OPENED), (30.0, Change.RAISED), (330.0, Change.LOWERED)]
    assert run(script) == told
    assert run([*script, (2129.0, NONE), (2130.0, NONE)]) == [*told, (2130.0, Change.RESOLVED)]


def test_silence_keeps_an_alert_that_the_long_window_still_shows() -> None:
    memory, change = slo.step(QUIET, readings(NONE, lasting=PAGE), 0.0)
    assert (memory, change) == (QUIET, None), "but does not open one"
    memory, _ = slo.step(QUIET, readings(PAGE), 0.0)
    for now_s in range(0, 3600, 30):
        memory, change = slo.step(memory, readings(NONE, lasting=PAGE), float(now_s))
        assert change is None
    memory, change = slo.step(memory, readings(NONE), 3600.0 + 300.0)
    assert (memory, change) == (QUIET, Change.RESOLVED)


STEPS = st.lists(st.tuples(st.floats(0.0, 4000.0), st.sampled_from(Severity)), max_size=60)


@given(STEPS)
def test_changes_come_in_an_order_that_makes_sense(steps: list[tuple[float, Severity]]) -> None:
    memory, now_s = QUIET, 0.0
    last_seen_s = dict.fromkeys(Severity, float("-inf"))
    for wait_s, burning in steps:
        now_s += wait_s
        before = memory
        last_seen_s |= {severity: now_s for severity in Severity if NONE < severity <= burning}
        memory, change = slo.step(memory, readings(burning), now_s)
        assert change == change_between(before, memory)
        if change in {Change.RESOLVED, Change.LOWERED}:
            assert now_s - last_seen_s[before.severity] >= before.calm_s > 0
        assert memory.severity >= burning, "what burns is never told as less"
        assert slo.step(memory, readings(burning), now_s) == (memory, None), "nothing twice"
        if memory.severity:
            assert memory.opened_at_s <= memory.held_at_s <= now_s


def change_between(before: Memory, after: Memory) -> Change | None:
    """Return what must be told of two severities."""
    if before.severity == after.severity:
        return None
    if before.severity is NONE:
        return Change.OPENED
    if after.severity is NONE:
        return Change.RESOLVED
    return Change.RAISED if after.severity > before.severity else Change.LOWERED


@given(st.lists(st.sampled_from([NONE, PAGE]), min_size=2, max_size=50), st.floats(1.0, 299.0))
def test_an_alert_does_not_flap(steps: list[Severity], wait_s: float) -> None:
    """However the readings flicker: it opens once as long as it burns again within the calm."""
    assume(PAGE in steps)
    until, script = 0.0, list[tuple[float, Severity]]()
    for at, severity in enumerate(steps):
        now_s = at * wait_s
        is_due = now_s - until > 300.0 - wait_s and script
        script.append((now_s, PAGE if is_due else severity))
        until = now_s if script[-1][1] is PAGE else until
    told = [change for _, change in run(script)]
    assert told == [Change.OPENED]


def test_a_rule_is_named_by_its_severity() -> None:
    assert [one.word for one in Severity] == ["", "ticket", "page"]
    assert isinstance(MONTH[0], Rule)
    assert Memory() == QUIET


@pytest.mark.parametrize("short", [(0, 0), (5, 5)])
def test_silence_does_not_resolve_while_the_long_window_burns(short: tuple[int, int]) -> None:
    fires = slo.read(MONTH, counts(m60=(8000, 10_000), m5=(80, 100)), 0.99, 20)
    memory, change = slo.step(QUIET, fires, 0.0)
    assert change is Change.OPENED
    quiet = slo.read(MONTH, counts(m60=(8000, 10_000), m5=short), 0.99, 20)
    for now_s in (300.0, 900.0, 3000.0):
        memory, change = slo.step(memory, quiet, now_s)
        assert (memory.severity, change) == (Severity.PAGE, None)
    calm = slo.read(MONTH, counts(m5=short), 0.99, 20)
    assert slo.step(memory, calm, 3300.0)[1] is Change.RESOLVED
