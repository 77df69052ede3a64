"""``penstock up`` as it is, with stand-ins in place of the processes that it starts."""

import sys
from pathlib import Path

from penstock.cli import main, up

STAND_IN = Path(__file__).with_name("stand_in.py")


def run(argv: list[str]) -> int:
    return up.run(argv, (sys.executable, str(STAND_IN)))


if __name__ == "__main__":
    raise SystemExit(main.call("up", run, sys.argv[1:]))
