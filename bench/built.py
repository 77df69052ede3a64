"""``slots.Slots``, compiled by mypyc where penstock is compiled, below ``.build/slots``."""

import hashlib
import shutil
import subprocess
import sys

from host import BENCH, BUILD, BenchError
from slots import Slots as Plain

from penstock import is_compiled

SOURCE = BENCH / "slots.py"
FLAGS = ("--ignore-missing-imports", "--disable-error-code=return")


def compiled() -> type[Plain]:
    """Return the compiled class; what was compiled from the same text is used again."""
    text = SOURCE.read_bytes()
    name = f"slots_{hashlib.sha256(text).hexdigest()[:12]}_{sys.version_info.minor}"
    folder = BUILD / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{name}.*.so")):
        shutil.copyfile(SOURCE, folder / f"{name}.py")
        argv = [sys.executable, "-m", "mypyc", *FLAGS, f"{name}.py"]
        done = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchError(
                f"the stand-in cannot be compiled: {(done.stdout + done.stderr)[-500:]}"
            )
    sys.path.insert(0, str(folder))
    made: type[Plain] = __import__(name).Slots
    return made


Slots = compiled() if is_compiled() else Plain
