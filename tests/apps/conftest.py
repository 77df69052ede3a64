"""What the tests of all applications share.

An API's description is made of its table of endpoints, in 50 ms, with each application. The tables
never change, so tests make each description once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from penstock.web import http, openapi
from penstock.web.endpoint import Endpoint


@pytest.fixture(scope="session", autouse=True)
def described_once() -> Iterator[None]:
    """Give applications the description that was made for the same table."""
    made: dict[tuple[int, str], tuple[Sequence[Endpoint], dict[str, Any]]] = {}

    def document(endpoints: Sequence[Endpoint], prefix: str) -> dict[str, Any]:
        key = (id(endpoints), prefix)  # what is kept keeps its table, and that its id
        if key not in made:
            made[key] = (endpoints, openapi.document(endpoints, prefix))
        return made[key][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "document", document)
        yield
