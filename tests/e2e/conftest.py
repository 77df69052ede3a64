"""Processes for end-to-end tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.emulator import RunningEmulator

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
