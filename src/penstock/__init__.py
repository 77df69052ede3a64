"""Penstock: the resilient pipe for LLM traffic."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec

__version__ = "0.1.0"


def is_compiled() -> bool:
    """Tell whether the path of a request is compiled (ADR 0023)."""
    spec = find_spec("penstock.exchange.machine")
    return spec is not None and (spec.origin or "").endswith(tuple(EXTENSION_SUFFIXES))


def version() -> str:
    """Return the version, and whether it is compiled."""
    return f"{__version__}, compiled" if is_compiled() else __version__
