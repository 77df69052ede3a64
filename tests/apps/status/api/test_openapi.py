"""The OpenAPI document is valid, answers are as it says, and each role ends where it should.

Schemathesis makes calls of every endpoint, right ones and wrong ones, from the document alone:
none may be answered by a 5xx or in another shape than the document's.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from tests.apps.status.ground import id_of
from tests.apps.status.operator import ROLES, Operator, operator

from penstock.apps.status.api.table import ENDPOINTS
from penstock.web.endpoint import Endpoint, Role
from penstock.web.http import PREFIX

EXAMPLES = 12  # of each endpoint, right ones and wrong ones
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
NOBODY = 401
FORBIDDEN = 403
MISSING = 404
BROKEN = 500  # the status from which on a fault is ours


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator's API with incidents of each kind."""
    with operator(tmp_path_factory.mktemp("state")) as one:
        touched = {"components": {id_of("API"): "partial_outage"}}
        said = {"name": "It fails", "body": "We look."}
        one.done("POST", "/incidents", {**said, **touched})
        one.done("POST", "/incidents", {**said, "is_draft": True})
        now_s = one.page.now_s
        times = {"from_unix_s": now_s + 3600, "until_unix_s": now_s + 7200}
        one.done("POST", "/maintenances", {**said, **times, "components": [id_of("API")]})
        yield one


def test_the_document_is_openapi_and_names_all_endpoints(api: Operator) -> None:
    told = api.raw("GET", "/openapi.json").json()
    assert OPENAPI_31_VALIDATOR.is_valid(told), next(OPENAPI_31_VALIDATOR.iter_errors(told))
    assert {
        (method.upper(), path) for path, methods in told["paths"].items() for method in methods
    } == {(one.method, PREFIX + one.path) for one in ENDPOINTS}


@pytest.fixture(scope="module")
def described(api: Operator) -> Any:
    """What schemathesis makes of the document."""
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", api.app)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_all_answers_are_as_described(
    endpoint: Endpoint, mode: GenerationMode, api: Operator, described: Any
) -> None:
    headers = {"authorization": f"Bearer {api.owner}"}
    operation = described[PREFIX + endpoint.path][endpoint.method]
    looked_at: list[Any] = [getattr(checks, name) for name in CHECKS]
    no_bound: list[Any] = list(HealthCheck)  # how fast cases are made is no matter of ours

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=no_bound)
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        answer = case.call(headers=headers)
        assert answer.status_code < BROKEN, answer.text
        case.validate_response(answer, headers=headers, checks=looked_at)

    check()


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_each_endpoint_lets_in_its_role_and_no_other(endpoint: Endpoint, api: Operator) -> None:
    path = endpoint.path.replace("{id}", "nothing").replace("{update}", "nothing")
    content = "{}" if endpoint.body is not None else None
    for role in ROLES:
        answer = api.raw(endpoint.method, path, api.tokens[role], content=content)
        is_let_in = Role[role.upper()] >= endpoint.role
        assert (answer.status_code != FORBIDDEN) is is_let_in, f"{role}: {answer.text}"
        assert answer.status_code != NOBODY, answer.text
    assert endpoint.role is not Role.NOBODY
    stranger = api.raw(endpoint.method, path, "no-such-token", content=content)
    assert stranger.status_code == NOBODY
    assert stranger.json()["error"]["remedy"]


def test_what_changes_needs_an_operator(api: Operator) -> None:
    del api
    for endpoint in ENDPOINTS:
        assert (endpoint.method == "GET") is (endpoint.role is Role.VIEWER), endpoint.path


def test_a_zero_byte_in_a_path_names_nothing(api: Operator) -> None:
    for endpoint in ENDPOINTS:
        if "{" in endpoint.path:
            path = endpoint.path.partition("{")[0] + "%00" + endpoint.path.partition("}")[2]
            path = path.replace("{update}", "nothing")
            content = "{}" if endpoint.body is not None else None
            answer = api.raw(endpoint.method, path, content=content)
            assert answer.status_code == MISSING, f"{endpoint.method} {path}: {answer.text}"
