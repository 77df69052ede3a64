"""OpenAI chat: how an upstream is addressed, and what callers are told."""

from penstock.core.errors import ShedError
from penstock.dialects.openai_chat.dialect import OpenAIChat


def test_the_credential_is_a_bearer_token() -> None:
    lines = OpenAIChat().auth_headers("k", "ignored", {b"anthropic-beta": b"b"})
    assert lines == b"authorization: Bearer k\r\n"


def test_a_status_is_the_errors_own() -> None:
    assert OpenAIChat().status_of(ShedError("full", retry_after_s=1)) == 503
