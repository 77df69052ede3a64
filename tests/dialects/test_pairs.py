"""Each row of the tables, held against the code for every pair of dialects."""

import pytest
from tests.dialects.pairing import EXAMPLES, PAIRS, translated

from penstock.core.errors import CallerError
from penstock.dialects import pairs
from penstock.dialects.concepts import Verdict
from penstock.dialects.registry import DIALECTS

ROWS = [
    (caller, upstream, concept, name)
    for caller, upstream in PAIRS
    for concept, name in pairs.rows(caller)
]


@pytest.mark.parametrize(
    ("caller", "upstream", "concept", "name"),
    ROWS,
    ids=[f"{concept}-{caller}-{upstream}" for caller, upstream, concept, _ in ROWS],
)
def test_each_row_is_what_the_code_does(
    caller: str, upstream: str, concept: str, name: str
) -> None:
    fields = EXAMPLES[caller].by_concept[concept]
    given = pairs.verdict(concept, upstream)
    if given is not Verdict.REFUSED:
        _, dropped = translated(caller, upstream, fields, concept)
        assert dropped == ([] if given is Verdict.CARRIED else [name])
        return
    with pytest.raises(CallerError) as caught:
        translated(caller, upstream, fields, concept)
    place = caught.value.param or ""
    in_list = place.partition("[")[0]
    assert place == name or in_list in (EXAMPLES[caller].history, "tools")


def test_every_dialect_is_paired() -> None:
    assert list(EXAMPLES) == list(DIALECTS)


@pytest.mark.parametrize("name", DIALECTS)
def test_all_tables_have_the_same_concepts_in_the_same_order(name: str) -> None:
    first = next(iter(DIALECTS.values()))
    assert list(DIALECTS[name].concepts) == list(first.concepts)


def test_what_only_one_dialect_has_becomes_the_same_everywhere() -> None:
    for concept in next(iter(DIALECTS.values())).concepts:
        entries = [dialect.concepts[concept] for dialect in DIALECTS.values()]
        if sum(1 for entry in entries if entry.name) <= 1:
            read_by_all = {Verdict.CARRIED, Verdict.APPROXIMATED}
            said = {entry.verdict for entry in entries}
            assert len(said) == 1 or said & read_by_all, concept


def test_the_page_has_a_table_for_each_caller_with_every_row() -> None:
    page = pairs.render()
    for caller in DIALECTS:
        table = page.partition(f"## From `{caller}`")[2].partition("## From")[0]
        assert all(f"| `{name}` |" in table for _, name in pairs.rows(caller))
        others = [name for name in DIALECTS if name != caller]
        assert all(f"to `{name}`" in table for name in others)
