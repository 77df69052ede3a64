"""Every concept that the dialect has is shown by an example."""

from tests.dialects.gemini_generate.examples import EXAMPLES

from penstock.dialects.gemini_generate.concepts import CONCEPTS


def test_every_named_concept_has_an_example_and_no_other_has() -> None:
    named = [concept for concept, entry in CONCEPTS.items() if entry.name]
    assert sorted(EXAMPLES.by_concept) == sorted(named)


def test_names_are_given_once() -> None:
    names = [entry.name for entry in CONCEPTS.values() if entry.name]
    assert len(set(names)) == len(names)
