"""Anthropic Messages: how an upstream is addressed."""

import pytest

from penstock.dialects.anthropic_messages.dialect import AnthropicMessages


@pytest.mark.parametrize(
    ("pinned", "caller", "version"),
    [
        ("", {}, b"2023-06-01"),
        ("", {b"anthropic-version": b"2026-10-21"}, b"2026-10-21"),
        ("2023-06-01", {b"anthropic-version": b"2026-10-21"}, b"2023-06-01"),
    ],
)
def test_the_version(pinned: str, caller: dict[bytes, bytes], version: bytes) -> None:
    lines = AnthropicMessages().auth_headers("k", pinned, caller)
    assert lines == b"x-api-key: k\r\nanthropic-version: " + version + b"\r\n"


def test_betas_are_passed_on() -> None:
    lines = AnthropicMessages().auth_headers("k", "", {b"anthropic-beta": b"a-1,b-2"})
    assert lines.endswith(b"anthropic-beta: a-1,b-2\r\n")
