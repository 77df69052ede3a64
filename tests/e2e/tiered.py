"""A gateway of its own with tenants of every tier, over an emulator with few slots."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import GPT, RunningGateway, config_of, target

from penstock.config.model import Config
from penstock.config.tenancy import NO_LIMITS, Contract, Limits, Tenant, TierName
from penstock.snapshot import build, file
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

SECRETS = {
    name: f"pk-{name}-canary-0123456789"
    for name in ("enterprise", "standard", "free", "other-free", "batch", "few", "metered")
}
THREADS_MAX = 96
CALL_S_MAX = 30.0
FEW_REQUESTS = 3
METERED_TOKENS = 1500  # more than one exchange reserves at first, less than two
TENANTS = (
    Tenant(id="enterprise", tier=TierName.ENTERPRISE, contract=Contract(tokens_per_min=1_000_000)),
    Tenant(id="standard"),
    Tenant(id="free", tier=TierName.FREE),
    Tenant(id="other-free", tier=TierName.FREE),
    Tenant(id="batch", tier=TierName.BATCH),
    Tenant(id="few"),
    Tenant(id="metered", limits=Limits(tokens_per_min=METERED_TOKENS)),
)


def tiered_document(emulator: RunningEmulator, slots: int, **admission: object) -> dict[str, Any]:
    """Return a configuration with one upstream of so many slots, and no ladder unless told."""
    return {
        "gateway": {"drain_s": 1.0},
        "timeouts": {"first_token_s": 20.0, "unary_s": 20.0, "total_s": 30.0},
        "admission": {"ladder": {"is_enabled": False}, **admission},
        "upstreams": [
            {
                "name": "gpt",
                "dialect": "openai_chat",
                "base_url": emulator.urls["gpt"],
                "api_key_env": "EMULATED_KEY",
                "concurrency_max": slots,
                "is_adaptive": False,
            }
        ],
        "routes": [{"name": "chat", "targets": [target("gpt", GPT)]}],
    }


class TieredGateway(RunningGateway):
    """A gateway process whose keys belong to tenants of all tiers."""

    def __init__(self, folder: Path, table: dict[str, Any]) -> None:
        super().__init__(folder, config_of(table))

    def publish(self, config: Config, routes: tuple[str, ...] = ()) -> None:
        """Write a snapshot with a key for each tenant."""
        self.version += 1
        few = Limits(requests_per_min=FEW_REQUESTS)
        keys = [
            Key(
                id=f"key-{name}",
                tenant=name,
                sha256=sha256(secret),
                routes=routes,
                may_assert_user=name.endswith("free"),
                limits=few if name == "few" else NO_LIMITS,
            )
            for name, secret in SECRETS.items()
        ]
        snapshot = build.build(
            config,
            keys,
            version=self.version,
            now_unix_s=time.time(),
            tenancy=build.Tenancy(TENANTS),
        )
        file.write(self.folder / "snapshot", snapshot)

    @property
    def gate(self) -> dict[str, Any]:
        """What the gate says of itself."""
        return self.telemetry()["gate"]

    def slots_taken(self) -> int:
        """Return how many attempts are under way."""
        return sum(desk["in_flight"] for desk in self.gate["desks"])

    def waiting(self) -> int:
        """Return how many wait."""
        return int(self.telemetry()["exchanges_waiting"])

    def record_of(self, request_id: str) -> dict[str, Any]:
        """Return the final record of an exchange, once it is there."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [one for one in self.records() if one["id"] == request_id]
            return bool(found)

        wait_until(look)
        return found[0]


class Background:
    """Calls under way in threads; ``join`` returns what they returned, or raises what they did."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=THREADS_MAX)
        self._calls: list[Future[Any]] = []

    def start(self, call: Callable[[], Any]) -> None:
        """Begin a call."""
        self._calls.append(self._threads.submit(call))

    def join(self) -> list[Any]:
        """Wait for all of them; results are in the order of starting."""
        try:
            return [call.result(CALL_S_MAX) for call in self._calls]
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
