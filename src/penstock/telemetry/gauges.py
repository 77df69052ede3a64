"""What is true of a gateway now, for whoever asks."""

import msgspec

from penstock.exchange.statistics import GateStatistics


class Gauges(msgspec.Struct):
    """What is true now; read when somebody asks."""

    in_flight: int = 0
    waiting: int = 0
    connections: dict[str, int] = {}
    breakers: dict[tuple[str, str], float] = {}
    slots: dict[str, int] = {}
    engines_silent: dict[str, bool] = {}
    spool_lines: int = 0
    spool_dropped: int = 0
    retry_budget_exhausted: int = 0
    snapshot_version: int = 0
    kept: int = 0
    kept_bytes: int = 0
    live_drills: int = 0
    gate: GateStatistics = GateStatistics()
    contracts: dict[str, float] = {}
