"""Requests handed over to another worker: who keeps what, and what is written of a request."""

import asyncio
from pathlib import Path
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from tests.apps.gateway.reading import Socket

from penstock.apps.gateway.handing import Handing, head_of
from penstock.wire.call import Call
from penstock.wire.server import Server


def handing(worker: int, workers: int) -> Handing:
    tasks = cast("asyncio.TaskGroup", None)
    made = Handing(Path("run"), worker, tasks, lambda: cast("Server", None))
    made.workers = workers
    return made


@given(st.binary(min_size=1, max_size=255), st.integers(1, 64))
def test_all_workers_agree_on_one_keeper(name: bytes, workers: int) -> None:
    fleet = [handing(worker, workers) for worker in range(1, workers + 1)]
    assert len({one.keeper_of(name) for one in fleet}) == 1
    assert [one.is_elsewhere(name) for one in fleet].count(False) == 1
    assert not handing(0, workers).is_elsewhere(name), "the only one keeps all"


@given(st.dictionaries(st.sampled_from([b"a", b"x-b", b"connection", b"expect"]), st.just(b"v")))
def test_a_request_goes_on_as_it_came_without_what_is_this_hops(headers: dict[bytes, Any]) -> None:
    call = Call(Socket())
    call.method, call.target, call.query, call.body = b"POST", b"/v1/x", b"k=1", b"body"
    call.headers = {**headers, b"content-length": b"99"}
    head = head_of(call)
    assert head.startswith(b"POST /v1/x?k=1 HTTP/1.1\r\n")
    assert head.endswith(b"content-length: 4\r\nconnection: close\r\n\r\n")
    assert head.count(b"content-length") == head.count(b"connection: ") == 1
    assert (b"x-b: v\r\n" in head) == (b"x-b" in headers)
    assert b"expect" not in head
