"""A concept is data that nobody changes while others read it."""

from penstock.dialects.concepts import Concept, Verdict


def test_a_concept_stays_as_it_was_declared() -> None:
    concept = Concept("seed", Verdict.DROPPED)
    assert hash(concept) == hash(Concept("seed", Verdict.DROPPED))  # what changes has none
    assert concept.note == ""


def test_a_verdict_is_one_lower_case_word_for_the_table() -> None:
    assert all(one.value == one.value.lower() for one in Verdict)
    assert len({one.value for one in Verdict}) == len(Verdict)
