"""Whatever order messages come in, a history holds what every dialect accepts."""

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from penstock.core.errors import CallerError
from penstock.dialects.history import History
from penstock.dialects.message import CachePoint, Part, Role, Text, ToolCall, ToolResult

IDS = st.sampled_from("abc")
MESSAGES = st.one_of(
    st.tuples(st.sampled_from(Role), st.lists(st.builds(Text, st.sampled_from(["", "x"])))),
    st.tuples(
        st.just(Role.ASSISTANT),
        st.lists(st.builds(ToolCall, IDS, st.just("f"), st.just("{}")), max_size=2),
    ),
    st.tuples(st.sampled_from(Role), st.just([CachePoint()])),
    st.tuples(st.just(Role.USER), st.lists(st.builds(ToolResult, IDS, st.just(())), max_size=2)),
)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(messages=st.lists(MESSAGES, max_size=8))
def test_turns_are_what_every_dialect_accepts(messages: list[tuple[Role, list[Part]]]) -> None:
    history = History()
    try:
        for at, (role, parts) in enumerate(messages):
            history.add(role, parts, f"messages[{at}]")
        turns = history.turns()
    except CallerError:
        reject()
    assert all(turn.parts for turn in turns)
    assert not any(isinstance(turn.parts[0], CachePoint) for turn in turns)
    for before, turn in zip([None, *turns], turns, strict=False):
        assert before is None or before.role is not turn.role
        calls = [] if before is None else [p.id for p in before.parts if isinstance(p, ToolCall)]
        results = [part.call_id for part in turn.parts if isinstance(part, ToolResult)]
        assert sorted(results) == sorted(calls)
        assert [isinstance(part, ToolResult) for part in turn.parts[: len(results)]] == (
            [True] * len(results)
        )
    said = [p for _, parts in messages for p in parts if isinstance(p, Text) and p.text]
    kept = [part for turn in turns for part in turn.parts if isinstance(part, Text)]
    assert len(kept) + len(history.system.replace("\n", "")) == len(said)


def test_a_cache_point_stands_behind_what_has_been_said() -> None:
    history = History()
    point = CachePoint()
    history.add(Role.SYSTEM, [point], "0")
    assert not history.caches_system
    history.add(Role.SYSTEM, [Text("a"), point], "1")
    assert history.caches_system
    history.add(Role.USER, [Text("b"), point], "2")
    history.mark(point)
    history.add(Role.ASSISTANT, [Text(""), point, Text("c"), point], "3")
    assert [turn.parts for turn in history.turns()] == [
        (Text("b"), point),
        (Text("c"), point),
    ]
