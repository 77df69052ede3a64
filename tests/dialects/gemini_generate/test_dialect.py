"""The dialect as the exchange uses it."""

from penstock.dialects.registry import DIALECTS

GEMINI = DIALECTS["gemini_generate"]


def test_the_key_goes_into_googles_header() -> None:
    assert GEMINI.auth_headers("secret", "", {}) == b"x-goog-api-key: secret\r\n"


def test_the_model_goes_into_the_path_and_not_into_the_body() -> None:
    body = b'{"contents":[{"parts":[{"text":"hi"}]}]}'
    asked = GEMINI.inquire(body, b"/v1beta/models/m:generateContent")
    assert GEMINI.forward(asked, "other", asks_usage=True) is body
    assert GEMINI.path("other", is_stream=False) == b"/models/other:generateContent"
