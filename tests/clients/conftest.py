"""A gateway, emulated providers, and one process for each client library."""

from collections.abc import Callable, Iterator

import pytest
from tests.clients.driver import Driver, missing
from tests.clients.roster import Library, configuration
from tests.clients.seen import Seen
from tests.e2e.emulator import RunningEmulator
from tests.e2e.gateway import RunningGateway, config_of

Drive = Callable[[Library], Driver]


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drive]:
    """Hand out the driver of a library; each is started once."""
    started: dict[str, Driver] = {}

    def hand_out(library: Library) -> Driver:
        if reason := missing(library):
            pytest.skip(reason)
        if library.name not in started or not started[library.name].is_running:
            started[library.name] = Driver(library, tmp_path_factory.mktemp(library.name))
        return started[library.name]

    yield hand_out
    for driver in started.values():
        driver.stop()


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """Hand out the table of what users see."""
    table = Seen()
    yield table
    table.close()


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    emulator = RunningEmulator(tmp_path_factory.mktemp("emulator"), "--instant", "--seed", "7")
    yield emulator
    emulator.stop()


@pytest.fixture(scope="session")
def shared_gateway(
    tmp_path_factory: pytest.TempPathFactory, shared_emulator: RunningEmulator
) -> Iterator[RunningGateway]:
    config = config_of(configuration(shared_emulator, ".0"))
    gateway = RunningGateway(tmp_path_factory.mktemp("gateway"), config)
    yield gateway
    gateway.stop()


@pytest.fixture
def emulator(shared_emulator: RunningEmulator) -> RunningEmulator:
    """Hand out the emulator with nothing wrong."""
    shared_emulator.reset()
    return shared_emulator


@pytest.fixture
def gateway(shared_gateway: RunningGateway, emulator: RunningEmulator) -> RunningGateway:
    """Hand out the gateway with nothing learned: its upstreams have new names."""
    table = configuration(emulator, f".{shared_gateway.version}")
    shared_gateway.reload(config_of(table))
    return shared_gateway
