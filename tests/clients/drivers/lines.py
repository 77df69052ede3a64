"""The conversation between the tests and a driver: a line of JSON in, a line of JSON out.

A driver makes one request with one client for each line, and says what the client's user saw:

    in    way, base_url, key, model, prompt
    out   text, finish, error, status, code, message, input_tokens, output_tokens

``text`` is what had come when the client raised ``error``, if it raised. The first line out names
the versions. A driver ends with its input.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from types import TracebackType
from typing import Any, Self

MESSAGE_MAX = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request."""

    way: str
    base_url: str
    key: str
    model: str
    prompt: str


@dataclass(slots=True)
class Heard:
    """What the user of the client saw. As a context it takes down an error and ends it."""

    text: str = ""
    finish: str | None = None
    error: str | None = None
    status: int | None = None
    code: str | None = None
    message: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    error_events: list[str] = field(default_factory=list[str])  # that came as plain events

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:  # fmt: skip
        del trace
        if kind is None or not isinstance(error, Exception):
            return False
        seen: Any = error
        status = getattr(seen, "status_code", None) or getattr(seen, "code", None)
        code = getattr(seen, "code", None) or getattr(seen, "type", None)
        self.error = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
        self.status = status if isinstance(status, int) else None
        self.code = code if isinstance(code, str) else None
        self.message = str(error)[:MESSAGE_MAX]
        return True

    def add(self, text: str | None, finish: str | None = None) -> None:
        """Take a piece of text, and why the model stopped."""
        self.text += text or ""
        self.finish = finish or self.finish

    def used(self, input_tokens: int | None, output_tokens: int | None) -> None:
        """Take the counts that the client shows."""
        self.input_tokens, self.output_tokens = input_tokens, output_tokens


Way = Callable[[Ask, Heard], None]


def serve(ways: Mapping[str, Way], *packages: str) -> None:
    """Answer every line of the input."""
    versions = {name: metadata.version(name) for name in packages}
    sys.stdout.write(json.dumps(versions) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        ask = Ask(**json.loads(line))
        heard = Heard()
        with heard:
            ways[ask.way](ask, heard)
        sys.stdout.write(json.dumps(asdict(heard)) + "\n")
        sys.stdout.flush()
