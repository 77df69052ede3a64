"""The admin port: health, readiness, metrics and telemetry of the gateway.

    GET /healthz     200 while the process lives
    GET /readyz      200 while it takes requests, 503 while it drains; no store is asked
    GET /metrics, /  for Prometheus
    GET /telemetry   cumulative counters as JSON, for the status process and for drills
    GET /live-drills        what this worker says of the live drill that is on, or was the last
    POST /live-drills/stop  stop it, here at once and at the others within a look; begun it is by
                            control alone: what has no log-in may make things better, never worse

Of several workers each listens on the same port, and tells what all have counted.

It listens on loopback by default and tells nothing that is secret.
"""

from typing import Final

import msgspec

from penstock.apps.gateway.keeper import Keeper
from penstock.apps.gateway.live import LiveDrills
from penstock.apps.gateway.recording import SpoolRecorder
from penstock.core.circuit_breaker import BreakerState
from penstock.core.retry_budget import RetryBudget
from penstock.exchange.gate import LocalGate
from penstock.exchange.statistics import GateStatistics, statistics_of
from penstock.fleet.remote_gate import RemoteGate
from penstock.ledger.spool import SpoolWriter
from penstock.snapshot.routing import Routing
from penstock.telemetry.declared import BUCKETS_S, Histogram
from penstock.telemetry.gauges import Gauges
from penstock.telemetry.metrics import Counters, exposition
from penstock.telemetry.shelf import Shelf, is_alive, together
from penstock.wire import clock
from penstock.wire.call import Call
from penstock.wire.client import HttpDialer
from penstock.wire.server import Server

JSON: Final = b"content-type: application/json\r\n"
TEXT: Final = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"
SERVED: Final = (
    b'{"error":"not found; there are /healthz, /readyz, /metrics, /telemetry, /live-drills"}'
)
LIVE: Final = b"/live-drills"
STOP: Final = b"/live-drills/stop"
BY_ADMIN: Final = "stopped at the admin port"
REFUSED: Final = (
    b'{"error":"a live drill is begun at the operator API, by an operator; here it is only seen '
    b'(GET /live-drills) and stopped (POST /live-drills/stop)"}'
)
OPENNESS: Final = {BreakerState.CLOSED: 0.0, BreakerState.HALF_OPEN: 0.5, BreakerState.OPEN: 1.0}


class Parts(msgspec.Struct, frozen=True):
    """What the admin port looks at."""

    routing: Routing
    recorder: SpoolRecorder
    counters: Counters
    spool: SpoolWriter
    gate: LocalGate
    dialer: HttpDialer
    budget: RetryBudget
    callers: Server
    keeper: Keeper
    started_unix_s: float
    asked: RemoteGate | None = None  # the limiter's gate, for one of several workers
    shelf: Shelf | None = None  # where all workers put what they have counted
    live: LiveDrills | None = None


class Admin:
    """The handler of the admin port. Owned by one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def on_call(self, call: Call) -> None:
        """Answer one request."""
        if call.target.startswith(LIVE):
            self._on_live(call)
        elif call.method not in (b"GET", b"HEAD"):
            call.send(405, JSON, b'{"error":"only GET is served here"}')
        elif call.target in (b"/", b"/metrics"):
            call.send(200, TEXT, exposition(*self._all()))
        elif call.target == b"/telemetry":
            call.send(200, JSON, msgspec.json.encode(self._telemetry()))
        elif call.target == b"/healthz":
            call.send(200, JSON, b'{"status":"ok"}')
        elif call.target == b"/readyz":
            is_ready = not self._parts.callers.is_draining
            state = {"status": "ready" if is_ready else "draining", **self._workers()}
            call.send(200 if is_ready else 503, JSON, msgspec.json.encode(state))
        else:
            call.send(404, JSON, SERVED)

    def _on_live(self, call: Call) -> None:
        live = self._parts.live
        if live is None:
            call.send(404, JSON, SERVED)
        elif call.target == STOP and call.method == b"POST":
            was_on = live.stop(BY_ADMIN)
            call.send(200, JSON, msgspec.json.encode({"was_on": was_on, "worker": live.told}))
        elif call.target == LIVE and call.method in (b"GET", b"HEAD"):
            call.send(200, JSON, msgspec.json.encode({"is_on": live.is_on, "worker": live.told}))
        else:
            call.send(403, JSON, REFUSED)

    def tick(self) -> None:
        """Put what this worker has counted where the others find it; once a second."""
        parts = self._parts
        if parts.shelf is not None:
            parts.shelf.put(
                parts.counters,
                self._gauges(),
                clock.now_unix_s(),
                is_ready=not parts.callers.is_draining,
                asks="limiter" if parts.asked is not None and parts.asked.is_remote else "share",
            )

    def _all(self) -> tuple[Counters, Gauges]:
        """Return counts and figures of all workers; what this one adds is as of this moment."""
        shelf = self._parts.shelf
        if shelf is None:
            return self._parts.counters, self._gauges()
        self.tick()
        return together(shelf.sheets(), clock.now_unix_s())

    def _workers(self) -> dict[str, object]:
        """Return how each of several workers is."""
        shelf = self._parts.shelf
        if shelf is None:
            return {}
        now_unix_s = clock.now_unix_s()
        return {
            "workers": [
                {
                    "worker": sheet.worker,
                    "pid": sheet.pid,
                    "started_unix_s": sheet.started_unix_s,
                    "is_alive": is_alive(sheet, now_unix_s),
                    "is_ready": sheet.is_ready,
                    "asks": sheet.asks,
                }
                for sheet in shelf.sheets()
            ]
        }

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Say what was wrong with the request."""
        del call, status
        return b"application/json", msgspec.json.encode({"error": reason})

    def _gauges(self) -> Gauges:
        parts = self._parts
        connections = {"callers": parts.callers.connections}
        for name, pool in parts.dialer.pools.items():
            connections[name] = pool.open
        return Gauges(
            in_flight=parts.recorder.in_flight,
            waiting=parts.gate.waiting if parts.asked is None else parts.asked.waiting,
            connections=connections,
            breakers={
                pair: OPENNESS[state.breaker.state] for pair, state in parts.routing.targets()
            },
            slots={name: up.limit.in_flight for name, up in parts.routing.upstreams.items()},
            engines_silent={
                name: up.is_silent(clock.now_s())
                for name, up in parts.routing.upstreams.items()
                if up.entry.metrics_url
            },
            spool_lines=parts.spool.lines,
            spool_dropped=parts.spool.dropped,
            retry_budget_exhausted=parts.budget.exhausted,
            snapshot_version=parts.routing.version,
            kept=parts.keeper.count,
            kept_bytes=parts.keeper.bytes,
            live_drills=int(parts.live is not None and parts.live.is_on),
            gate=self._statistics(),
            contracts=parts.routing.contracts,
        )

    def _statistics(self) -> GateStatistics:
        parts = self._parts
        if parts.asked is not None and parts.asked.statistics is not None:
            return parts.asked.statistics
        return statistics_of(parts.gate, clock.now_s(), parts.routing.upstreams.values())

    def _telemetry(self) -> dict[str, object]:
        parts = self._parts
        counters, gauges = self._all()
        return {
            **self._workers(),
            "format": 1,
            "started_unix_s": parts.started_unix_s,
            "is_emulated": parts.routing.is_emulated,
            "snapshot_version": parts.routing.version,
            "exchanges_in_flight": gauges.in_flight,
            "exchanges_waiting": gauges.waiting,
            "buckets_s": BUCKETS_S,
            "routes": [
                {"route": route, "dialect": dialect, "outcome": outcome, "exchanges": count}
                for (route, dialect, outcome), count in counters.exchanges.items()
            ],
            "fates": _fates(counters),
            "refusals": counters.refusals,
            "replays": counters.replays,
            "not_kept": counters.not_kept,
            "live_drills": gauges.live_drills,
            "live_faults": counters.live_faults,
            "kept": {"exchanges": gauges.kept, "bytes": gauges.kept_bytes},
            "contracts_used_ratio": gauges.contracts,
            "upstreams": [
                {
                    "upstream": pair[0],
                    "model": pair[1],
                    "outcomes": counts.outcomes,
                    "abandoned": counts.abandoned,
                    "input_tokens": counts.input,
                    "output_tokens": counts.output,
                    "ttft": _histogram(counts.ttft),
                    **self._health(pair),
                }
                for pair, counts in counters.upstreams.items()
            ],
            "tiers": [
                {
                    "tier": tier,
                    "outcomes": counts.outcomes,
                    "refusals": counts.refusals,
                    "degraded": counts.degraded,
                    "moved": counts.moved,
                    "input_tokens": counts.input,
                    "output_tokens": counts.output,
                    "wait": _histogram(counts.waits),
                    "ttft": _histogram(counts.ttft),
                }
                for tier, counts in counters.tiers.items()
            ],
            "gate": gauges.gate,
            "spool": {
                "lines": gauges.spool_lines,
                "dropped": gauges.spool_dropped,
                "error": parts.spool.error,
            },
        }

    def _health(self, pair: tuple[str, str]) -> dict[str, object]:
        """Return what keeps an upstream and model from being asked; None: no quota is known."""
        state, now_s = self._parts.routing.states.get(pair), clock.now_s()
        if state is None:
            return {"breaker": BreakerState.CLOSED.value, "rest_s": 0.0, "quota_usage_ratio": None}
        until_s = state.cooldown.until_s
        if state.breaker.state is BreakerState.OPEN:
            until_s = max(until_s, state.breaker.retry_at_s)
        return {
            "breaker": state.breaker.state.value,
            "rest_s": max(0.0, until_s - now_s),
            "quota_usage_ratio": None if state.quota is None else state.quota.usage_ratio(now_s),
        }


def _fates(counters: Counters) -> list[dict[str, object]]:
    return [
        {
            "route": route,
            "is_stream": is_stream,
            "good": counts.good,
            "kinds": counts.kinds,
            "ttft": _histogram(counts.ttft),
        }
        for (route, is_stream), counts in counters.fates.items()
    ]


def _histogram(histogram: Histogram) -> dict[str, object]:
    return {"counts": histogram.counts, "sum_s": histogram.total}
