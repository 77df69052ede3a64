"""``python -m penstock.cli.slow_names FILE COMMAND ...``: Penstock where names resolve slowly.

For chaos alone: FILE holds for how many seconds a name takes to resolve, read at each connection.
Addresses are not names. Processes that ``up`` starts are started in the same way.
"""

import asyncio
import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import uvloop

from penstock.cli import main, up
from penstock.web.keeping_up import pause

PROGRAM: Final = (sys.executable, "-m", "penstock.cli.slow_names")
METHOD: Final = "create_connection"  # through which all of ours connect
SLOW_S_MAX: Final = 60.0


def delay_s(path: Path) -> float:
    """Return how long a name takes now; 0 where the file does not say."""
    try:
        return min(SLOW_S_MAX, max(0.0, float(path.read_text(encoding="ascii"))))
    except (OSError, ValueError):
        return 0.0


def slow_down(path: Path) -> None:
    """Let names take their time in all loops of this process."""
    for kind in (uvloop.Loop, asyncio.SelectorEventLoop):
        original = kind.create_connection

        async def create_connection(
            loop: Any, factory: Any, host: Any = None, *args: Any, then: Any = original, **more: Any
        ) -> Any:
            if isinstance(host, str) and not _is_address(host):
                await pause(delay_s(path))
            return await then(loop, factory, host, *args, **more)

        setattr(kind, METHOD, create_connection)


def run(argv: Sequence[str], program: Sequence[str] = PROGRAM) -> int:
    """Run a command of Penstock, and what it starts in the same way; returns its exit status."""
    path, name, *rest = argv
    slow_down(Path(path))
    if name == "up":
        return main.call(name, lambda args: up.run(args, [*program, path]), rest)
    return main.main([name, *rest])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
