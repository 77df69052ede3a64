"""``penstock status render``: the whole site into a folder, from the database, without the process.

It works while the process runs, too: the folder is changed whole, by one writer at a time.
"""

import argparse
import importlib
from pathlib import Path

from penstock.cli import state
from penstock.cli.status_api import Adding
from penstock.cli.terminal import Terminal


def add_to(add: Adding) -> None:
    """Add the command of this module."""
    render = add("render", help="write the site from the database once, without the process")
    render.add_argument(
        "--out", type=Path, metavar="DIR", help="where to (default: as the process writes it)"
    )


def run(home: state.State, given: argparse.Namespace) -> int:
    """Write the site; returns the exit status."""
    # Imported here, for it takes as long as all the rest.
    module = importlib.import_module("penstock.apps.status.alone")
    url = state.url_of(home, "status")
    site, number = module.render(home.root, given.out.absolute() if given.out else None, url)
    Terminal(is_error=True).state("good", f"{number} files in {site}")
    return 0
