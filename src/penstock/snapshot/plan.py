"""What ``penstock up`` is going to serve, for control to publish: ``run/plan.json``.

The configuration as ``up`` has resolved it, with the emulator's addresses in it; secrets are in it
by reference only, as they are in the file that it comes from.
"""

from pathlib import Path
from typing import Final

import msgspec

from penstock.config import private_file
from penstock.config.model import Config
from penstock.core.errors import StoreError

NAME: Final = "plan.json"


class PlanFile(msgspec.Struct, frozen=True, kw_only=True):
    """What ``up`` is going to serve."""

    config: Config
    origin: str = ""  # where it comes from, for people: a file's path
    is_emulated: bool = False
    run: str = ""  # which run of ``up`` wrote it


def path_of(state_dir: Path) -> Path:
    """Return where the plan lies."""
    return state_dir / "run" / NAME


def read(path: Path) -> PlanFile | None:
    """Return the plan, None if there is none; raises StoreError if it cannot be understood."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(private_file.read(path), type=PlanFile)
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path} cannot be understood: {error}") from error


def write(path: Path, plan: PlanFile) -> None:
    """Replace the plan atomically; raises StoreError."""
    private_file.write_json(path, plan)
