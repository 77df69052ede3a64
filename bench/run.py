"""Runs the benchmark: all peers, interleaved, nginx beside each. ``make bench ARGS="--help"``."""

import argparse
import hashlib
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from host import (
    BENCH,
    BUILD,
    BenchError,
    Cores,
    commit,
    describe,
    free_port,
    only_one,
    raise_file_limit,
    rss_bytes,
)
from measure import Bench, Sample, Test, all_tests, compare, mark_void
from peer import Endpoint, Peer, Running, Site
from peers import PEERS, install
from report import print_report, write_json, write_markdown
from results import Goal, Outcome, describe_tests, failures, goals, summarise
from rich.console import Console
from selftest import self_test
from traffic import Load, build_programs, start_mock

WORK = BUILD / "work"
RESULTS = BENCH / "results"
OURS = ("penstock", "penstock_interpreted", "penstock_all")
MUST_NOT_FAIL = (*OURS, "nginx", "direct")
DIRECT_TESTS = ("unary", "latency", "paced", "thousand")
SETTLE_S = 1.0
WIDTH = 120  # of the tables, where there is no terminal to ask
SHOWN = (
    "requests_per_s", "cpu_us", "x_nginx", "added_p50_ms", "added_p99_ms", "stalls", "gap_max_ms",
    "kb_per_stream", "listening_s", "rss_mb", "extra_us", "proxy_share",
)  # fmt: skip


class Runner:
    """Takes the peers through their rounds."""

    def __init__(self, bench: Bench, tests: list[Test], outcome: Outcome, console: Console) -> None:
        self.bench = bench
        self.tests = tests
        self.outcome = outcome
        self.console = console
        self.reference: Running | None = None
        self.begun_at_s = time.monotonic()

    def site(self, name: str) -> Site:
        """Return a fresh place for a peer."""
        mock = self.bench.mock
        return Site(WORK / name, free_port(), mock.port, mock.tls_port, mock.ca_file)

    def start_reference(self) -> None:
        """Start the nginx that is measured beside every peer."""
        nginx = next((peer for peer in self.outcome.peers if peer.name == "nginx"), None)
        if nginx:
            self.reference = nginx.start(self.site("reference"), self.bench.cores)
            self.bench.wait_answers(self.reference.endpoints["openai"])

    def stop_reference(self) -> None:
        """Stop it."""
        if self.reference:
            self.reference.program.stop()

    def run_round(self, number: int) -> None:
        """Run the direct baseline and then every peer, beginning with another one each time."""
        direct = Endpoint(self.bench.mock.port)
        for test in self.tests:
            if test.name in DIRECT_TESTS:
                sample = Sample(number, "direct", test.name, "", test.load.text())
                self.take(sample, test.load, direct, None)
                self.say(sample)
        peers = self.outcome.peers
        first = (number - 1) % len(peers) if peers else 0
        for peer in peers[first:] + peers[:first]:
            self.run_peer(number, peer)

    def run_peer(self, number: int, peer: Peer) -> None:
        """Take one peer through its tests; each test of memory gets a peer freshly started."""
        start = Sample(number, peer.name, "start", "", "")
        self.outcome.samples.append(start)
        fresh = [test for test in self.tests if test.needs_fresh and test.load_for(peer)]
        usual = [test for test in self.tests if not test.needs_fresh]
        try:
            for tests in [usual, *([test] for test in fresh)]:
                self.run_tests(start, peer, tests)
        except (BenchError, OSError) as error:
            start.error = str(error)
            self.say(start)

    def run_tests(self, start: Sample, peer: Peer, tests: list[Test]) -> None:
        """Start a peer, take it through these tests, and stop it."""
        running = peer.start(self.site(peer.name), self.bench.cores)
        try:
            if any(test.call not in running.endpoints for test in tests if test.needs_fresh):
                return
            self.bench.wait_answers(running.endpoints["openai"])
            time.sleep(SETTLE_S)
            if not start.values:
                start.values["listening_s"] = running.listening_s
                start.values["rss_mb"] = rss_bytes(running.pids_for_memory()) / 1e6
                start.values |= running.start_values
                self.say(start)
            for test in tests:
                self.run_test(start.round, peer, test, running)
        finally:
            running.program.stop()

    def run_test(self, number: int, peer: Peer, test: Test, running: Running) -> None:
        """Measure a peer, just after what stands beside it."""
        load = test.load_for(peer)
        endpoint = running.endpoints.get(test.call)
        if not load or not endpoint:
            return
        reference = self.beside(test, running)
        beside: Sample | None = None
        if reference:
            name, at, its_running = reference
            beside = Sample(number, name or peer.name, test.name, peer.name, load.text())
            self.take(beside, load, at, its_running)
        sample = Sample(number, peer.name, test.name, "", load.text())
        self.take(sample, load, endpoint, running)
        if beside:
            compare(sample, beside)
        self.say(sample)

    def beside(self, test: Test, running: Running) -> tuple[str, Endpoint, Running | None] | None:
        """Return what is measured just before: its name (empty: the peer itself) and address."""
        if test.beside == "nginx" and self.reference:
            return "nginx", self.reference.endpoints["openai"], self.reference
        if test.beside == "direct":
            return "direct", Endpoint(self.bench.mock.port), None
        if test.beside in running.endpoints:
            return "", running.endpoints[test.beside], running
        return None

    def take(self, sample: Sample, load: Load, endpoint: Endpoint, running: Running | None) -> None:
        """Take one sample."""
        self.outcome.samples.append(sample)
        self.bench.measure(sample, load, endpoint, running)

    def say(self, sample: Sample) -> None:
        """Print what was just measured."""
        passed_s = time.monotonic() - self.begun_at_s
        shown = {k: v for k, v in sample.values.items() if k in SHOWN}
        text = ", ".join(f"{name} {value:,.3g}" for name, value in shown.items())
        if sample.error:
            text = f"[red]failed: {sample.error}[/red]"
        where = f"round {sample.round} {sample.peer} {sample.test}"
        self.console.print(f"{passed_s:6.0f} s  {where}: {text}", highlight=False, soft_wrap=True)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=0, help="default: 5, with --quick 1")
    parser.add_argument("--quick", action="store_true", help="short windows; not for publication")
    parser.add_argument("--peers", default="", help="comma-separated; default: all")
    parser.add_argument("--tests", default="", help="comma-separated; default: all")
    parser.add_argument("--cores", default="", help="PROXY,LOAD; default: last and first")
    parser.add_argument("--list", action="store_true", help="list peers and tests, then stop")
    return parser.parse_args()


def chosen(given: str, known: list[str]) -> list[str]:
    """Return the names that were asked for, or all; refuse unknown ones."""
    names = [name for name in given.split(",") if name] or known
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BenchError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return names


def source_hash() -> str:
    """Return a hash of the benchmark's own source."""
    digest = hashlib.sha256()
    for path in sorted([*BENCH.glob("*.py"), *BENCH.glob("c/*"), BENCH / "build.sh"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prepare_peers(names: list[str], outcome: Outcome, console: Console) -> None:
    """Install the peers that were asked for and note who cannot be had."""
    for make in PEERS:
        peer = make()
        if peer.name not in names:
            continue
        console.print(f"bench: preparing {peer.title} ...", highlight=False)
        problem = install(peer)
        if problem:
            outcome.missing[peer.name] = problem
            console.print(f"bench: {peer.title} cannot be had: {problem}", highlight=False)
        else:
            outcome.peers.append(peer)
    outcome.facts["versions"] = {peer.name: peer.version() for peer in outcome.peers}
    outcome.facts["configurations"] = {peer.name: peer.config_hash() for peer in outcome.peers}


def run_all(runner: Runner, rounds: int, path: Path) -> None:
    """Run every round; what is there is written after each, so that a crash loses little."""
    runner.start_reference()
    try:
        for number in range(1, rounds + 1):
            runner.console.print(f"bench: round {number} of {rounds}", highlight=False)
            runner.run_round(number)
            write_json(runner.outcome, path)
    finally:
        runner.stop_reference()


def conclude(outcome: Outcome, path: Path, console: Console) -> int:
    """Judge, write and print; return the exit status."""
    mark_void(outcome.samples)
    summary = summarise(outcome.samples)
    gateways = [p.name for p in outcome.peers if p.kind == "gateway" and p.name not in OURS]
    found: list[Goal] = goals(summary, gateways)
    write_json(outcome, path, found)
    write_markdown(outcome, summary, found, path.with_name("latest.md"))
    print_report(outcome, summary, found, console)
    console.print(f"bench: every sample is in {path.relative_to(BENCH.parent)}", highlight=False)
    broken = [text for text in failures(summary) if text.partition(",")[0] in MUST_NOT_FAIL]
    return 1 if broken or any(goal.passed is False for goal in found) else 0


def facts_of(arguments: argparse.Namespace, cores: Cores, rounds: int) -> dict[str, object]:
    """Return what the result says of itself before anything is measured."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": describe(),
        "cores": {"proxy": cores.proxy, "load": cores.load},
        "bench_source": source_hash(),
        "is_quick": arguments.quick,
        "rounds": rounds,
        "tests": describe_tests(all_tests(is_quick=arguments.quick)),
    }


def result_path(facts: dict[str, object]) -> Path:
    """Return where the samples go; a quick look is no result."""
    folder = BUILD / "quick" if facts["is_quick"] else RESULTS
    return folder / f"{str(facts['date'])[:10]}-{str(facts['commit']).rstrip('+')}.json"


def measure_all(tests: list[Test], outcome: Outcome, cores: Cores, console: Console) -> None:
    """Start the upstream, check ourselves, and take all peers through all rounds."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    build_programs()
    mock = start_mock(free_port(), cores, WORK)
    try:
        console.print("bench: checking that the generator finds faults ...", highlight=False)
        self_test(mock, cores, WORK)
        if any(test.call == "tls" for test in tests):
            mock.add_tls(free_port(), cores, WORK / "tls")
        runner = Runner(Bench(cores, mock, WORK), tests, outcome, console)
        run_all(runner, int(str(outcome.facts["rounds"])), result_path(outcome.facts))
    finally:
        mock.stop()


def bench_main(arguments: argparse.Namespace, console: Console) -> int:
    """Install, measure, report."""
    tests = all_tests(is_quick=arguments.quick)
    names = chosen(arguments.peers, [make.name for make in PEERS])
    wanted = [tests[name] for name in chosen(arguments.tests, list(tests))]
    if arguments.list:
        console.print(f"peers: {', '.join(names)}\ntests: {', '.join(tests)}", highlight=False)
        return 0
    cores = Cores.choose(arguments.cores)
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    raise_file_limit()
    with only_one(BUILD / "lock"):
        outcome = Outcome(facts_of(arguments, cores, rounds), [])
        prepare_peers(names, outcome, console)
        measure_all(wanted, outcome, cores, console)
        return conclude(outcome, result_path(outcome.facts), console)


def on_terminate(_number: int, _frame: FrameType | None) -> None:
    """Leave by an exception, so that every ``finally`` runs."""
    raise SystemExit(143)


def main() -> int:
    """Run the command."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    # So that a terminated run stops the programs it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        return bench_main(read_arguments(), console)
    except BenchError as error:
        console.print(f"bench: {error}", highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("bench: interrupted", highlight=False)
        return 130


if __name__ == "__main__":
    sys.exit(main())
