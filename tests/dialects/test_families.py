"""The table of families: what every row owes, so that a new one cannot contradict itself."""

import pytest

from penstock.dialects import families
from penstock.dialects.families import (
    CLAUDES,
    EFFORTS,
    ENGINES,
    GEMINIS,
    OPENAIS,
    Capability,
    Engine,
    Prefill,
    Thinking,
)

ROWS: list[tuple[str, Capability]] = [
    *CLAUDES.items(),
    *OPENAIS.items(),
    *GEMINIS.items(),
    *((engine.value, row) for engine, row in ENGINES.items()),
    ("unknown claude", families.UNKNOWN_CLAUDE),
    ("unknown gemini", families.UNKNOWN_GEMINI),
    ("imitated claude", families.IMITATED_CLAUDE),
    ("newer gemini in chat", families.REFUSING_GEMINI),
]
ROW = pytest.mark.parametrize("row", [row for _, row in ROWS], ids=[name for name, _ in ROWS])


@ROW
def test_a_row_does_not_contradict_itself(row: Capability) -> None:
    assert list(row.efforts) == sorted(row.efforts, key=EFFORTS.index)
    takes_efforts = row.thinking in (Thinking.ADAPTIVE, Thinking.LEVEL, Thinking.EFFORT)
    assert takes_efforts is bool(row.efforts)
    assert row.images or not row.image_urls
    assert row.tools or not row.forced_tool
    assert row.output_tokens_max <= (row.context_tokens_max or row.output_tokens_max)


@pytest.mark.parametrize("row", [*CLAUDES.values(), *GEMINIS.values()])
def test_what_must_have_an_output_maximum_has_one(row: Capability) -> None:
    assert row.output_tokens_max >= 4096


@pytest.mark.parametrize(
    ("table", "newest"),
    [
        (CLAUDES, ("claude-opus-4-6", "claude-opus-5", "claude-sonnet-5-5")),
        (GEMINIS, ("gemini-3-5-flash-lite", "gemini-3-6", "gemini-3-7")),
    ],
)
def test_the_newest_refuse_a_prefill(table: dict[str, Capability], newest: tuple[str, ...]) -> None:
    assert {table[name].prefill for name in newest} == {Prefill.REFUSED}


def test_the_provider_takes_a_prefill_and_begins_anew() -> None:
    own = {row.prefill for row in OPENAIS.values()}
    assert own == {Prefill.RESTARTS}


def test_every_engine_has_a_row_and_is_asked_in_the_old_words() -> None:
    assert list(ENGINES) == list(Engine)
    assert not any(row.names_completion_tokens for row in ENGINES.values())
    assert [kind for kind, row in ENGINES.items() if row.developer_role] == [Engine.OTHER]
