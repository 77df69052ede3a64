"""What the tables say of single fields, and how a refusal reads."""

from typing import Final

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


DATA: Final = "iVBORw0KGgo="


def seen(caller: str, media_type: str) -> Fields:
    """Return a request with data that is said to be an image."""
    url = f"data:{media_type};base64,{DATA}"
    source = {"type": "base64", "media_type": media_type, "data": DATA}
    parts: dict[str, Fields] = {
        "openai_chat": {"type": "image_url", "image_url": {"url": url}},
        "openai_responses": {"type": "input_image", "image_url": url},
        "anthropic_messages": {"type": "image", "source": source},
    }
    history = "input" if caller == "openai_responses" else "messages"
    return {history: [{"role": "user", "content": [parts[caller]]}]}


@pytest.mark.parametrize("media_type", ["", "text", "application/pdf"])
@pytest.mark.parametrize("caller", ["openai_chat", "openai_responses", "anthropic_messages"])
def test_an_image_that_is_none_is_refused_where_it_stands(caller: str, media_type: str) -> None:
    with pytest.raises(CallerError, match="is no type of an image") as caught:
        translated(caller, "gemini_generate", seen(caller, media_type))
    history = "input" if caller == "openai_responses" else "messages"
    assert caught.value.param.startswith(f"{history}[0].content[0]")
    translated(caller, "gemini_generate", seen(caller, "image/PNG"))


def test_a_document_is_refused_where_it_is_neither_pdf_nor_text() -> None:
    def sent(media_type: str) -> Fields:
        source = {"type": "base64", "media_type": media_type, "data": "aGk="}
        return {"messages": [{"role": "user", "content": [{"type": "document", "source": source}]}]}

    with pytest.raises(CallerError, match="application/zip is neither PDF nor text"):
        translated("anthropic_messages", "gemini_generate", sent("application/zip"))
    for media_type in ("", "application/pdf", "text/csv"):
        translated("anthropic_messages", "gemini_generate", sent(media_type))
