"""Penstock with a gateway that keeps quiet about lines that its full disk did not take."""

import sys
from unittest.mock import patch

from penstock.cli import slow_names
from penstock.ledger.spool import SpoolWriter

if __name__ == "__main__":
    with patch.object(SpoolWriter, "_missing", return_value=b""):
        raise SystemExit(slow_names.run(sys.argv[1:], (sys.executable, __file__)))
