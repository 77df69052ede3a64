"""No name of a model leaves its place in the path, and every caller's prefix is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError
from penstock.dialects.gemini_generate.place import (
    method_path,
    path_of,
    read_method_path,
    read_path,
    resource,
)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3-flash", b"/models/gemini-3-flash:generateContent"),
        ("models/gemini-3-flash", b"/models/gemini-3-flash:generateContent"),
        ("tunedModels/x", b"/tunedModels/x:generateContent"),
        ("../files", b"/models/..%2Ffiles:generateContent"),
        ("a?key=b#c", b"/models/a%3Fkey%3Db%23c:generateContent"),
        ("a:countTokens", b"/models/a%3AcountTokens:generateContent"),
        ("a\r\nb", b"/models/a%0D%0Ab:generateContent"),
        ("\udcff", b"/models/%3F:generateContent"),
    ],
)
def test_a_model_is_one_segment(model: str, path: bytes) -> None:
    assert path_of(model, is_stream=False) == path


def test_a_stream_is_asked_for_as_events() -> None:
    assert path_of("m", is_stream=True) == b"/models/m:streamGenerateContent?alt=sse"


@given(model=st.text(st.characters(codec="utf-8"), min_size=1), is_stream=st.booleans())
def test_what_is_written_is_read_again(*, model: str, is_stream: bool) -> None:
    path = path_of(model, is_stream=is_stream)
    assert not set(path.partition(b"?")[0]) - set(
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/:"
    )
    assert path.count(b"/") == 2
    name = model.removeprefix("models/")
    if name not in ("", "tunedModels/", "models/") and not name.startswith("models/"):
        assert read_path(b"/v1beta" + path) == (name, is_stream)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        (b"/v1/models/m:generateContent", "m"),
        (b"/v1beta/models/m:generateContent", "m"),
        (b"/genai/v1beta/models/m:generateContent", "m"),
        (b"/v1beta/models/models/m:generateContent", "m"),
        (b"/v1beta/models/claude/opus-5:generateContent", "claude/opus-5"),
        (b"/v1beta/models/claude%2Fopus%3A5:generateContent", "claude/opus:5"),
        (b"/v1beta/models/m%3AgenerateContent", "m"),
        (b"/v1beta/tunedModels/x:generateContent", "tunedModels/x"),
        (b"/v1beta/models/m:generateContent?key=x", "m"),
    ],
)
def test_the_model_stands_behind_any_prefix(path: bytes, model: str) -> None:
    assert read_path(path) == (model, False)


def test_events_are_the_only_framing_of_a_stream() -> None:
    path = b"/v1/models/m:streamGenerateContent"
    assert read_path(path) == ("m", True)
    assert read_path(path + b"?key=a&alt=sse") == ("m", True)
    with pytest.raises(DialectError, match="alt=sse"):
        read_path(path + b"?alt=json")


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/v1/models",
        b"/v1/models/m",
        b"/v1/models/m:countTokens",
        b"/v1/models/:generateContent",
        b"/v1/files/m:generateContent",
        b"/v1/models/%ff:generateContent",
        b"/v1/tunedModels/:generateContent",
    ],
)
def test_any_other_path_is_refused(path: bytes) -> None:
    with pytest.raises(DialectError):
        read_path(path)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("m", "models/m"),
        ("models/m", "models/m"),
        ("tunedModels/m", "tunedModels/m"),
        ("models/tunedModels/m", "tunedModels/m"),
    ],
)
def test_a_body_names_the_collection_too(model: str, name: str) -> None:
    assert resource(model) == name
    assert method_path(model, "countTokens") == f"/{name}:countTokens".encode()
    assert read_method_path(b"/v1beta/" + name.encode() + b":countTokens", "countTokens") in (
        name,
        "m",
    )


def test_another_method_is_refused() -> None:
    with pytest.raises(DialectError, match="must end in :countTokens"):
        read_method_path(b"/v1/models/m:generateContent", "countTokens")
