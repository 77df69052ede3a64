"""The OpenAPI document is valid, answers are as it says, and nobody comes in without an account.

Schemathesis makes calls of every endpoint, right ones and wrong ones, from the document alone: none
may be answered by a fault of ours or in another shape than the document's.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from tests.apps.chat.api.ground import Ground, ground

from penstock.apps.chat.api import conversations, exporting, messages, search
from penstock.apps.chat.rates import Rates
from penstock.web.http import PREFIX

ENDPOINTS = (
    *conversations.ENDPOINTS,
    *messages.ENDPOINTS,
    *search.ENDPOINTS,
    *exporting.ENDPOINTS,
)
EXAMPLES = 12  # of each endpoint, right ones and wrong ones
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
TALK = "conversation-1"
FULL = 503  # the waiting room is full: said, and no fault


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A chat in which something has been said."""
    with ground(tmp_path_factory.mktemp("state")) as one:
        one.done("ada", "POST", "/conversations", {"id": TALK})
        one.talk("ada", TALK, "Whales")
        yield one


@pytest.fixture(scope="module")
def described(chat: Ground) -> Any:
    """What schemathesis makes of the document."""
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", chat.app)


def test_the_document_is_openapi(chat: Ground) -> None:
    told = chat.raw("", "GET", "/openapi.json").json()
    assert OPENAPI_31_VALIDATOR.is_valid(told), next(OPENAPI_31_VALIDATOR.iter_errors(told))


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_all_answers_are_as_described(
    endpoint: Any, mode: GenerationMode, chat: Ground, described: Any
) -> None:
    operation = described[PREFIX + endpoint.path][endpoint.method]
    looked_at: list[Any] = [getattr(checks, name) for name in CHECKS]
    no_bound: list[Any] = list(HealthCheck)  # how fast cases are made is no matter of ours
    headers = {"x-who": "ada"}

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=no_bound,
        deadline=None,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        chat.parts.rates = Rates()
        if mode is GenerationMode.POSITIVE and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = "ada-a-000000" if "messages/{" in endpoint.path else TALK
        answer = case.call(headers=headers)
        assert answer.status_code < 500 or answer.status_code == FULL, answer.text
        case.validate_response(answer, headers=headers, checks=looked_at)

    check()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_nobody_comes_in_without_an_account(endpoint: Any, chat: Ground) -> None:
    path = endpoint.path.replace("{id}", TALK)
    answer = chat.raw("", endpoint.method, path, content="{}")
    assert answer.status_code == 401
    assert answer.json()["error"]["remedy"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_anothers_is_as_what_is_nobodys(endpoint: Any, chat: Ground) -> None:
    if "{" not in endpoint.path:
        return
    bodies = {
        "PATCH": {"title": "Mine"},
        "PUT": {"message": "ada-a-000000"},
        "POST": {"id": "b" * 8, "answer": "c" * 8, "text": "x"},
    }
    body = bodies.get(endpoint.method) if endpoint.body is not None else None
    if body and "messages/{" in endpoint.path:
        body = {"id": "b" * 8}
    theirs = "ada-a-000000" if "messages/{" in endpoint.path else TALK
    answers = [
        chat.ask("bob", endpoint.method, endpoint.path.replace("{id}", name), body)
        for name in (theirs, "nobodys-id")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
