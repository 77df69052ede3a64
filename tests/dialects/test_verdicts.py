"""What the tables say of single fields, and how a refusal reads."""

import msgspec
import pytest
from tests.dialects.examples import Fields
from tests.dialects.pairing import PAIRS, translated

from penstock.core.errors import CallerError
from penstock.dialects import verdicts
from penstock.dialects.concepts import Concept, Verdict

CONCEPTS = {
    "limit": Concept("deep.limit", Verdict.REFUSED),
    "hint": Concept("hint", Verdict.DROPPED),
    "state": Concept("state", Verdict.REFUSED),
    "foreign": Concept("", Verdict.REFUSED),
}


def raws(**fields: object) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_what_asks_for_nothing_is_not_named(caller: str, upstream: str) -> None:
    nothing: Fields = {"logprobs": False, "container": None, "functions": [], "store": False}
    assert translated(caller, upstream, nothing)[1] == []


@pytest.mark.parametrize(("caller", "upstream"), PAIRS)
def test_an_unknown_field_is_named(caller: str, upstream: str) -> None:
    assert translated(caller, upstream, {"new_field": 1})[1] == ["new_field"]


def test_a_field_is_named_in_the_callers_words() -> None:
    assert verdicts.name_of("limit", CONCEPTS) == "deep.limit"
    assert verdicts.name_of("foreign", CONCEPTS) == "foreign"
    assert verdicts.name_of("unheard", {}) == "unheard"


def test_leftovers_are_named_unless_they_are_read_or_ask_for_nothing() -> None:
    fields = raws(hint=1, new=2, read=3, nothing=None, no=False)
    assert verdicts.leftovers(CONCEPTS, fields, frozenset({"read"})) == ["hint", "new"]


@pytest.mark.parametrize(("field", "prefix"), [("state", ""), ("limit", "deep.")])
def test_a_leftover_that_is_refused_is_named_in_the_error(field: str, prefix: str) -> None:
    with pytest.raises(CallerError) as caught:
        verdicts.leftovers(CONCEPTS, raws(**{field: 1}), frozenset(), prefix)
    assert caught.value.param == prefix + field
    assert prefix + field in caught.value.message


def test_a_deep_name_is_not_taken_for_a_top_level_one() -> None:
    assert verdicts.leftovers(CONCEPTS, raws(limit=1), frozenset()) == ["limit"]
