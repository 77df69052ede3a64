"""Processes for end-to-end tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from tests.e2e.emulator import KEY, RunningEmulator
from tests.e2e.gateway import RunningGateway, config_of, document

from penstock.config.model import Config

StartEmulator = Callable[..., RunningEmulator]


@pytest.fixture(scope="session")
def start_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartEmulator]:
    """Start emulators with given flags; all are stopped in the end."""
    started: list[RunningEmulator] = []

    def start(*flags: str) -> RunningEmulator:
        folder: Path = tmp_path_factory.mktemp("emulator")
        started.append(RunningEmulator(folder, *flags))
        return started[-1]

    yield start
    for emulator in started:
        emulator.stop()


@pytest.fixture(scope="session")
def shared_emulator(start_emulator: StartEmulator) -> RunningEmulator:
    """Start the one emulator that most tests share; it obeys the fault header."""
    return start_emulator("--instant", "--seed", "7", "--allow-fault-header")


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> RunningEmulator:
    """Hand out the shared emulator with nothing wrong, limited or recorded."""
    shared_emulator.reset()
    return shared_emulator


# Clients are ``Any``: tests give them arguments that are wrong on purpose.


@pytest.fixture
def claude(emulator: RunningEmulator) -> Iterator[Any]:
    """Give the anthropic SDK, set on the emulator, without retries."""
    url = emulator.urls["claude"]
    with anthropic.Anthropic(base_url=url, auth_token=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(emulator: RunningEmulator) -> Iterator[Any]:
    """Give the openai SDK, set on the emulated GPT."""
    with openai.OpenAI(base_url=emulator.urls["gpt"], api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def compatible(emulator: RunningEmulator) -> Iterator[Any]:
    """Give the openai SDK, set on Gemini's compatible endpoint."""
    with openai.OpenAI(base_url=emulator.urls["gemini"], api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def gemini(emulator: RunningEmulator) -> Iterator[Any]:
    """Give the models of google-genai, set on the native endpoint."""
    options = types.HttpOptions(base_url=emulator.urls["gemini_native"])
    client = genai.Client(api_key=KEY, http_options=options)
    yield client.models
    client.close()


StartGateway = Callable[..., RunningGateway]


@pytest.fixture(scope="session")
def start_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartGateway]:
    """Start gateways with a given configuration; all are stopped in the end."""
    started: list[RunningGateway] = []

    def start(config: Config) -> RunningGateway:
        started.append(RunningGateway(tmp_path_factory.mktemp("gateway"), config))
        return started[-1]

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture(scope="session")
def shared_gateway(start_gateway: StartGateway, shared_emulator: RunningEmulator) -> RunningGateway:
    """Start the one gateway that most tests share."""
    return start_gateway(config_of(document(shared_emulator)))


@pytest.fixture
def gateway(shared_gateway: RunningGateway, emulator: RunningEmulator) -> RunningGateway:
    """Hand out the shared gateway with nothing learned, and nothing wrong at the providers.

    What is learned belongs to an upstream's name, so every test gets upstreams of new names.
    """
    shared_gateway.reload(config_of(document(emulator, f".{shared_gateway.version}")))
    return shared_gateway
