"""Every dialect is there under its own name, and keeps the contract."""

import pytest

from penstock.dialects.contract import Dialect
from penstock.dialects.registry import DIALECTS


def test_names() -> None:
    assert sorted(DIALECTS) == [
        "anthropic_messages", "gemini_generate", "openai_chat", "openai_responses",
    ]  # fmt: skip
    assert all(dialect.name == name for name, dialect in DIALECTS.items())


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_an_upstream_can_be_addressed(dialect: Dialect) -> None:
    for is_stream in (False, True):
        assert dialect.path("m", is_stream=is_stream).startswith(b"/")
    assert dialect.request_id_header == dialect.request_id_header.lower()
    lines = dialect.auth_headers("secret", "", {})
    assert b"secret" in lines
    assert all(b": " in line for line in lines.removesuffix(b"\r\n").split(b"\r\n"))
