"""The log: JSON lines on standard error, through the standard library's logging.

event    what happened, one word or two with an underscore
time     seconds since 1970, UTC
fields   plain values; never a body, a header or a secret
"""

import logging
import sys
from typing import TextIO, cast

import msgspec

LOGGER = logging.getLogger("penstock")


class _JsonLines(logging.Formatter):
    """Formats a record whose ``fields`` are a dictionary."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= cast("dict[str, object]", getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def start(process: str, stream: TextIO | None = None) -> None:
    """Send the log of this process to ``stream``, by default standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines())
    LOGGER.handlers = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)
    logging.getLogger("asyncio").handlers = [handler]
    info("started", process=process)


def info(event: str, **fields: object) -> None:
    """Log what an operator may want to know."""
    LOGGER.info(event, extra={"fields": fields})


def warn(event: str, **fields: object) -> None:
    """Log what an operator should look at."""
    LOGGER.warning(event, extra={"fields": fields})


def fault(message: str, error: BaseException | None) -> None:
    """Log a defect of ours, with where it happened."""
    LOGGER.error("fault", extra={"fields": {"message": message}}, exc_info=error)
