"""A check that must fail: for each fault of the mock, the generator has to find an error."""

from pathlib import Path

from host import BenchError, Cores
from peer import Endpoint
from traffic import Hooks, Load, Mock, run_generator

# What the mock can do wrong (``enum fault`` in c/mock.c).
FAULTS = {1: "status 500", 2: "a cut answer", 3: "a reset", 4: "a lost event", 5: "no end"}


def errors_found(mock: Mock, endpoint: Endpoint, load: Load, cores: Cores, folder: Path) -> int:
    """Run a short load and return how many errors the generator reports."""
    figures = run_generator(endpoint, load, cores, folder, Hooks())
    if not figures["answered"] and not figures["errors"]:
        raise BenchError(f"nothing was answered by the mock on port {mock.port}")
    return int(str(figures["errors"]))


def self_test(mock: Mock, cores: Cores, folder: Path) -> None:
    """Raise BenchError if a fault goes unnoticed, or an error is reported without a fault."""
    stream = Load("stream", conns=2, secs=0.1, warm_s=0, ramp_s=0, events=5, beat=0)
    unary = Load("closed", conns=2, secs=0.1, warm_s=0, ramp_s=0)
    openai = Endpoint(mock.port)
    anthropic = Endpoint(mock.port, path="/v1/messages", dialect="anthropic")
    for fault in (0, *FAULTS):
        mock.set(events=5, rate=0, idle=0, drain=0, fault=fault)
        loads = [(openai, stream), (anthropic, stream)]
        if fault <= 2:
            loads.append((openai, unary))
        for endpoint, load in loads:
            found = errors_found(mock, endpoint, load, cores, folder)
            if bool(found) != bool(fault):
                what = FAULTS.get(fault, "no fault")
                raise BenchError(
                    f"the generator reported {found} errors for {what} ({endpoint.dialect})"
                )
    mock.set(fault=0)
