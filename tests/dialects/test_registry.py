"""Every dialect is there under its own name, and keeps the contract."""

import pytest

from penstock.dialects.contract import Dialect
from penstock.dialects.operation import Operation
from penstock.dialects.registry import DIALECTS, ENDPOINTS


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


def test_every_endpoint_stands_under_the_name_of_its_dialect() -> None:
    assert all(endpoint.dialect.name == name for name, endpoint in ENDPOINTS.items())
    assert {name for name, one in ENDPOINTS.items() if one.speakers is None} == set(DIALECTS)
    operations = {one.operation for one in ENDPOINTS.values()}
    assert operations == set(Operation)


@pytest.mark.parametrize("name", sorted(set(ENDPOINTS) - set(DIALECTS)))
def test_an_upstream_of_the_callers_dialect_gets_the_same_bytes(name: str) -> None:
    endpoint = ENDPOINTS[name]
    assert endpoint.speakers is not None
    assert set(endpoint.speakers) < set(DIALECTS)
    assert endpoint.dialect in endpoint.speakers.values()
    for own, sibling in endpoint.speakers.items():
        # Only path and body differ: credential and errors are the dialect's.
        assert sibling.auth_headers("k", "v", {}) == DIALECTS[own].auth_headers("k", "v", {})
        assert sibling.path("m", is_stream=False) == sibling.path("m", is_stream=True)
        assert sibling.path("m", is_stream=False) != DIALECTS[own].path("m", is_stream=False)
