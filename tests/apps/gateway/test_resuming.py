"""Which requests are to be kept, and which paths name a response."""

from typing import Final

import pytest
from tests.apps.gateway.reading import Socket

from penstock.apps.gateway.keeper import Owner, Wish
from penstock.apps.gateway.resuming import Resuming, response_of
from penstock.core.errors import CallerError
from penstock.dialects.registry import DIALECTS
from penstock.snapshot.model import Key
from penstock.telemetry.metrics import Counters
from penstock.wire.call import Call

KEY: Final = Key(id="k", tenant="t", sha256="00")


def call_of(target: bytes, body: bytes = b"", name: bytes | None = None) -> Call:
    call = Socket().call
    call.target, call.body = target, body
    if name is not None:
        call.headers[b"idempotency-key"] = name
    return call


def wish_of(
    dialect: str, extra: str = "", name: bytes | None = None, target: bytes = b"/a"
) -> Wish | None:
    body = b'{"model": "m", "max_tokens": 9, "messages": [], "input": "i"%b}' % extra.encode()
    call = call_of(target, body, name)
    inquiry = DIALECTS[dialect].inquire(body)
    return Resuming(Counters()).wish(call, KEY, "route", DIALECTS[dialect], inquiry)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (b"/v1/responses/resp_1", ("resp_1", "")),
        (b"/openai/v1/responses/resp_1/cancel", ("resp_1", "cancel")),
        (b"/openai/responses/cancel", ("cancel", "")),
        (b"/v1/responses", None),
        (b"/v1/responses/", None),
        (b"/v1/responses/a/b", None),
        (b"/responses/a", None),
    ],
)
def test_a_path_names_a_response(path: bytes, named: tuple[str, str] | None) -> None:
    assert response_of(call_of(path)) == named


def test_only_what_is_asked_for_is_kept() -> None:
    assert wish_of("openai_responses") is None
    assert wish_of("openai_responses", ', "store": false') is None
    assert wish_of("openai_responses", ', "store": null') is None
    assert wish_of("openai_chat", ', "store": true') is None
    stored = wish_of("openai_responses", ', "store": true')
    assert stored is not None
    assert (stored.owner, stored.scope) == (Owner("t", "k"), None)


def test_a_key_is_bound_to_path_and_body_and_its_scope_to_the_dialect() -> None:
    first = wish_of("openai_chat", name=b"n")
    assert first is not None
    assert wish_of("openai_chat", name=b"n") == first
    others = (
        wish_of("openai_chat", " ", name=b"n"),
        wish_of("openai_chat", name=b"n", target=b"/b"),
        wish_of("openai_chat", name=b"N"),
        wish_of("anthropic_messages", name=b"n"),
    )
    found = [(one.scope == first.scope, one.digest == first.digest) for one in others if one]
    assert found == [(True, False), (True, False), (False, True), (False, True)]


@pytest.mark.parametrize("name", [b"", b"a b", b"a, b", b"\xff", b"x" * 256])
def test_a_key_that_is_none_is_refused(name: bytes) -> None:
    with pytest.raises(CallerError) as caught:
        wish_of("openai_chat", name=name)
    assert caught.value.code == "invalid_idempotency_key"
    assert caught.value.remedy
