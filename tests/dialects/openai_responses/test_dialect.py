"""OpenAI Responses: where requests go, and how errors look."""

import msgspec

from penstock.core.errors import CallerError
from penstock.dialects.openai_responses.dialect import OpenAIResponses

DIALECT = OpenAIResponses()


def test_the_credential_is_a_bearer_token() -> None:
    assert DIALECT.auth_headers("key", "", {}) == b"authorization: Bearer key\r\n"
    assert DIALECT.path("m", is_stream=True) == b"/responses"


def test_an_error_has_the_envelope_of_chat() -> None:
    error = CallerError("no such field", param="seed")
    told = msgspec.json.decode(DIALECT.error_body(error, "r"))["error"]
    assert (told["param"], told["type"]) == ("seed", "invalid_request_error")
    assert DIALECT.status_of(error) == 400
