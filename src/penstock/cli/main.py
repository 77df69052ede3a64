"""The ``penstock`` command: a table of commands, each loaded only when it is called.

Each module has ``build_parser()`` and ``run(argv)``, which returns the exit status: 0 done, 1 it
failed and said why, 2 the command line was wrong. Ctrl-C is 130, as shells have it.
"""

import importlib
import sys
from collections.abc import Callable
from typing import Final

import penstock
from penstock.core.errors import ConfigError, PenstockError

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("penstock.cli.up", "Start everything, and say how to use it"),
    "check": ("penstock.cli.check", "Say everything that is wrong with a configuration"),
    "probe": ("penstock.cli.probe", "Measure what upstreams accept, against what is declared"),
    "init": ("penstock.cli.init", "Write a commented penstock.toml from what is found here"),
    "reload": ("penstock.cli.reload", "Apply the changed configuration to what is running"),
    "keys": ("penstock.cli.keys", "Add, list and revoke callers' keys"),
    "tenants": ("penstock.cli.tenants", "Say who keys belong to, what is owed, what is limited"),
    "prices": ("penstock.cli.prices", "Show the prices in force, or put others in force"),
    "audit": ("penstock.cli.audit", "List who changed what"),
    "import": ("penstock.cli.importing", "Take over LiteLLM's configuration, keys and prices"),
    "slo": ("penstock.cli.slo", "Show objectives and budgets; OpenSLO in, Prometheus rules out"),
    "operators": ("penstock.cli.operators", "Say who may log in to the console"),
    "ledger": ("penstock.cli.ledger", "Move the ledger from SQLite to PostgreSQL"),
    "tail": ("penstock.cli.tail", "Follow the record of every exchange"),
    "top": ("penstock.cli.top", "Watch tiers, queues, upstreams and refusals live"),
    "report": ("penstock.cli.report", "Write a month's SLAs, or how load was managed"),
    "simulate": ("penstock.cli.simulate", "Show what admission would do under a load"),
    "drill": ("penstock.cli.drill", "Replay an outage, and say what each tier saw"),
    "gateway": ("penstock.cli.gateway", "Run the gateway process alone, from a snapshot"),
    "limiter": ("penstock.cli.limiter", "Own the capacity that several gateways share"),
    "control": ("penstock.cli.control", "Run the operator's process alone"),
    "status": ("penstock.cli.status", "Run the public status page; show verdicts, post incidents"),
    "chat": ("penstock.cli.chat", "Run the web chat; say who may use it"),
    "emulate": ("penstock.cli.emulate", "Stand in for Claude, GPT and Gemini"),
}
INTERRUPTED: Final = 130  # 128 and the number of SIGINT
START_HERE: Final = (
    "up", "check", "probe", "init", "reload", "keys", "tenants", "prices", "audit", "import", "slo",
    "operators", "ledger", "tail", "top", "report", "simulate", "drill",
)  # fmt: skip


def overview() -> str:
    """Return what ``penstock`` says without a command."""

    def rows(names: list[str]) -> str:
        return "\n".join(f"  {name:<10} {COMMANDS[name][1]}" for name in names)

    return (
        f"penstock {penstock.__version__}: the resilient pipe for LLM traffic\n\n"
        "  penstock up            start here: serves what it finds, or emulates it\n"
        "  penstock COMMAND -h    what a command does, and its options\n\n"
        f"Commands\n{rows(list(START_HERE))}\n\n"
        f"Processes that 'up' starts\n"
        f"{rows([name for name in COMMANDS if name not in START_HERE])}\n"
    )


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = sys.argv[1:] if argv is None else argv
    name = args[0] if args else "--help"
    if name in {"-h", "--help", "help"}:
        sys.stdout.write(overview())
        return 0
    if name in {"-V", "--version"}:
        sys.stdout.write(f"penstock {penstock.version()}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"penstock: there is no command {name!r}\n\n{overview()}")
        return 2
    return call(name, lambda rest: importlib.import_module(COMMANDS[name][0]).run(rest), args[1:])


def call(name: str, run: Callable[[list[str]], int], args: list[str]) -> int:
    """Run one command, and say in words what went wrong."""
    try:
        return run(args)
    except ConfigError as error:
        told = "\n".join(f"  ■ {problem}" for problem in error.problems)
        sys.stderr.write(f"penstock {name}: the configuration is wrong\n{told}\n")
    except PenstockError as error:
        sys.stderr.write(f"penstock {name}: {error.message}\n")
    except BrokenPipeError:  # whoever read us has read enough
        sys.stderr.close()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    return 1
