"""What a live drill did to each line of the page: callers say so, and no provider is to blame."""

from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from penstock.sim.drills import felt
from penstock.sim.drills.felt import Felt
from penstock.sim.drills.shapes import Call, Seen
from penstock.sim.drills.truth import Line, Sighting

LINES: Final = (
    Line(id="api", name="API", layer="surface", surface="api"),
    Line(id="str", name="Streaming", layer="surface", surface="streaming"),
    Line(id="r1", name="auto", layer="route"),
    Line(id="r2", name="idle", layer="route"),
    Line(id="m", name="gpt-5", layer="model", provider="openai"),
    Line(id="web", name="Web chat", layer="surface", surface="web"),
)


def call(at_s: float, end: str = "complete", **more: Any) -> Call:
    """Return a call of the route that is asked."""
    return Call(arm="penstock", tier="free", route="auto", at_s=at_s, end=end, took_s=1.0, **more)


def sighting(component: str, at_s: float, verdict: str, culprit: str = "provider") -> Sighting:
    """Return what was said of a component."""
    state = "operational" if verdict == "none" else "partial_outage"
    return Sighting(
        at_s=at_s, component=component, state=state, verdict=verdict, culprit=culprit
    )  # fmt: skip


def seen(calls: list[Call], said: tuple[Sighting, ...] = (), **more: Any) -> dict[str, Seen]:
    """Return what was seen of each line, of a drill from 60 to 180 s."""
    found = felt.seen(LINES, said, Felt(calls, 60.0, 180.0, **more))
    return {one.component: one for one in found}


def test_lines_that_callers_felt_failed_then_and_others_did_not() -> None:
    calls = [call(at, "failed" if 70 <= at < 80 else "complete") for at in range(0, 200, 2)]
    found = seen(
        calls,
        (sighting("r1", 75.0, "problem"), sighting("r1", 120.0, "none")),
        reports={"r1": [20.0, 78.5]},
    )
    one = found["r1"]
    assert (one.failed_at_s, one.ended_at_s, one.watch_s, one.page_s) == (70.0, 79.0, 5.0, 5.0)
    assert (one.people_s, one.provider_s, one.is_right) == (8.5, None, True)
    assert (found["api"].failed_at_s, found["api"].is_right) == (70.0, None)
    assert found.keys() == {"api", "str", "r1", "m"}, "nobody asks the others, or knows of them"
    assert (found["m"].failed_at_s, found["m"].is_right) == (None, True)


def test_who_blames_a_provider_is_wrong_unless_one_failed_by_itself() -> None:
    said = (sighting("m", 90.0, "problem"),)
    calls = [call(70.0)]
    assert seen(calls, said)["m"].is_right is False
    assert seen(calls, said, is_quiet=False)["m"].is_right is None


def test_a_whole_failure_that_nobody_saw_is_wrong() -> None:
    calls = [call(at, "failed") for at in range(60, 180, 5)]
    assert seen(calls)["api"].is_right is False


@given(
    before=st.lists(st.floats(0.0, 59.9), max_size=5),
    during=st.lists(st.tuples(st.floats(60.0, 179.9), st.booleans()), max_size=20),
    limited=st.lists(st.floats(60.0, 179.9), max_size=5),
)
def test_only_losses_of_the_drill_count(
    before: list[float], during: list[tuple[float, bool]], limited: list[float]
) -> None:
    calls = [call(at, "failed") for at in before]
    calls += [call(at, "failed" if is_lost else "complete") for at, is_lost in during]
    calls += [call(at, "refused", status=429) for at in limited]  # over a limit of their own
    found = seen(calls).get("r1")
    lost = [at for at, is_lost in during if is_lost]
    if found is None:
        assert not during
        assert not limited
    elif lost:
        assert found.failed_at_s == min(lost)
        assert found.ended_at_s == max(lost) + 1.0
    else:
        assert found.failed_at_s is None
