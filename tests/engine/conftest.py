"""Two real engines with one model, and a gateway process before them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.gateway import RunningGateway, config_of, target
from tests.engine import llama_server
from tests.engine.llama_server import MODEL, Engine

StartEngine = Callable[..., Engine]
# Where this server is not as llama.cpp's own, which the row "llama_cpp" describes
# (``test_probing.py``). It makes a call only if the tool is named.
DECLARED: Final[dict[str, object]] = {
    "named_tool": True,
    "structured_output": False,
    "stream_usage": False,
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the model, if there is an engine to load it."""
    if not llama_server.is_installed():
        pytest.skip(
            f"no engine: {llama_server.PYTHON} has no llama_cpp.server. "
            "'make engine' compiles one (minutes, once) and runs these tests."
        )
    return llama_server.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def start_engine(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartEngine]:
    """Start engines; all are ended at the end."""
    started: list[Engine] = []

    def start(*flags: str) -> Engine:
        started.append(Engine(model, tmp_path_factory.mktemp("engine") / "log", *flags))
        return started[-1]

    yield start
    for engine in started:
        engine.kill()


@pytest.fixture(scope="session")
def pool() -> list[Engine]:
    """Hold the engines that tests have left alive."""
    return []


@dataclass(frozen=True)
class Pair:
    """Who is asked first, who then, and the gateway before them."""

    first: Engine
    second: Engine
    gateway: RunningGateway


def table(first: Engine, second: Engine, mark: str, **more: object) -> dict[str, Any]:
    """Return a configuration; what is learned belongs to a name, so ``mark`` makes new ones.

    ``more`` is declared of the model.
    """
    names = {f"first.{mark}": first, f"second.{mark}": second}
    targets = [target(name, MODEL) for name in names]
    seconds = ("first_token_s", "between_tokens_s", "unary_s", "total_s")
    return {
        "timeouts": dict.fromkeys(seconds, 60.0),
        "breaker": {"failures_min": 100_000.0},
        "upstreams": [
            {
                "name": name,
                "dialect": "openai_chat",
                "base_url": engine.url,
                "engine": "llama_cpp",
                "models": {MODEL: DECLARED | more},
            }
            for name, engine in names.items()
        ],
        "routes": [
            {"name": "strict", "targets": targets},
            {"name": "continued", "targets": targets, "on_break": "continue"},
            {"name": "second", "targets": targets[1:]},
        ],
    }


@pytest.fixture(scope="session")
def running(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """Start the one gateway, with nobody behind it yet."""
    del model  # without an engine it is not needed
    nobody = config_of({"emulate": {"is_enabled": True}})
    gateway = RunningGateway(tmp_path_factory.mktemp("gateway"), nobody)
    yield gateway
    gateway.stop()


@pytest.fixture
def pair(pool: list[Engine], start_engine: StartEngine, running: RunningGateway) -> Pair:
    """Give two engines that are alive, started where one has been killed."""
    pool[:] = [engine for engine in pool if engine.is_alive]
    while len(pool) < 2:
        pool.append(start_engine())
    first, second = pool
    running.reload(config_of(table(first, second, str(running.version))))
    return Pair(first, second, running)
