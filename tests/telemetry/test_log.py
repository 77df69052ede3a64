"""Every line of the log is one JSON object."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from penstock.telemetry import log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return what is logged into, and put the loggers back."""
    names = ("penstock", "asyncio")
    before = [(logging.getLogger(name), logging.getLogger(name).handlers) for name in names]
    propagated = log.LOGGER.propagate
    out = io.StringIO()
    log.start("test", out)
    yield out
    log.LOGGER.propagate = propagated
    for logger, handlers in before:
        logger.handlers = handlers


def test_lines_are_json_whatever_is_in_them(stream: io.StringIO) -> None:
    log.info("one", text='quote " and\nline\u2028end', number=1.5, nested={"a": [None, True]})
    log.warn("two")
    told = LookupError("told")
    logging.getLogger("asyncio").error("three\nlines", exc_info=told)
    lines = [json.loads(line) for line in stream.getvalue().strip().split("\n")]
    assert [line["event"] for line in lines] == ["started", "one", "two", "three\nlines"]
    assert [line["level"] for line in lines] == ["info", "info", "warning", "error"]
    assert lines[0]["process"] == "test"
    assert lines[1]["text"] == 'quote " and\nline\u2028end'
    assert lines[1]["nested"] == {"a": [None, True]}
    assert "LookupError: told" in lines[3]["exception"]
    assert all(line["time"] > 1.6e9 for line in lines)
