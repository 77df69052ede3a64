"""Requests as clients send them arrive whole, in every dialect."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from tests.dialects.pairing import EXAMPLES

from penstock.core.errors import CallerError
from penstock.dialects import capability, pairs
from penstock.dialects.concepts import Verdict
from penstock.dialects.message import Request, ToolCall
from penstock.dialects.registry import DIALECTS

REQUESTS: Final = Path(__file__).parent.parent / "data" / "requests"
CARRIED: Final = re.compile(rb"carry-[a-z]+")
NO_PLACE: Final = {"gemini_generate": {b"carry-user"}}  # it has no field for who asks
CASES: Final = [
    (path.parent.name, upstream, path.stem)
    for path in sorted(REQUESTS.glob("*/*.json"))
    for upstream in DIALECTS
    if path.parent.name in DIALECTS and path.parent.name != upstream
]


def calls_of(request: Request) -> list[str]:
    parts = [part for turn in request.turns for part in turn.parts]
    return [part.name for part in parts if isinstance(part, ToolCall)]


@pytest.mark.parametrize(("caller", "upstream", "name"), CASES)
def test_what_must_arrive_arrives(caller: str, upstream: str, name: str) -> None:
    body = (REQUESTS / caller / f"{name}.json").read_bytes()
    dialect, other = DIALECTS[caller], DIALECTS[upstream]
    is_stream = json.loads(body).get("stream", False)
    request = dialect.read_request(dialect.inquire(body, dialect.path("m", is_stream=is_stream)))
    model = EXAMPLES[upstream].model
    if request.stop and pairs.verdict("stop", upstream) is Verdict.REFUSED:
        with pytest.raises(CallerError):
            other.write_request(request, model, capability.of(upstream, model))
        return
    written, _ = other.write_request(request, model, capability.of(upstream, model))
    wanted = set(CARRIED.findall(body)) - NO_PLACE.get(upstream, set())
    assert set(CARRIED.findall(written)) == wanted
    path = other.path(model, is_stream=is_stream)
    again = other.read_request(other.inquire(written, path))
    assert calls_of(again) == calls_of(request)
    assert len(again.tools) == len(request.tools)


def test_every_dialect_has_requests() -> None:
    assert {caller for caller, _, _ in CASES} == set(DIALECTS)
