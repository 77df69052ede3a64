"""The OpenAPI document is valid, and what the API answers is what the document says.

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
from tests.apps.control.operator import Operator, operator
from tests.postgres import Postgres

from penstock.apps.control.api.table import ENDPOINTS
from penstock.web.endpoint import Endpoint
from penstock.web.http import PREFIX
from penstock.web.process import break_glass

EXAMPLES = 12  # of each endpoint, right ones and wrong ones
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
MISSING = 404
BROKEN = 500  # the status from which on a fault is ours


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Operator]:
    """An operator's API with entries of each kind; PostgreSQL refuses more than SQLite."""
    with operator(tmp_path_factory.mktemp("state"), postgres.new_database()) as one:
        one.done("PUT", "/tenants/acme", {"tenant": {"id": "acme"}, "sla": {}})
        one.done("POST", "/keys", {"id": "k", "tenant": "acme"})
        one.done("PUT", "/prices", {"costs": [{"model": "gpt-*", "input_microusd": 5}]})
        one.done("POST", "/tokens", {"name": "ci"})
        one.done("POST", "/operators/invitations", {"email": "ann@example.com"})
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
    return schemathesis.openapi.from_asgi(f"{PREFIX}/openapi.json", api.control.app)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_all_answers_are_as_described(
    endpoint: Endpoint, mode: GenerationMode, api: Operator, described: Any
) -> None:
    headers = {"authorization": f"Bearer {break_glass(api.folder)}"}
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


def test_a_zero_byte_in_a_path_names_nothing(api: Operator) -> None:
    for endpoint in ENDPOINTS:
        if "{" in endpoint.path:
            path = endpoint.path.partition("{")[0] + "%00" + endpoint.path.partition("}")[2]
            content = "{}" if endpoint.body is not None else None
            answer = api.raw(endpoint.method, path, content=content)
            assert answer.status_code == MISSING, f"{endpoint.method} {path}: {answer.text}"
