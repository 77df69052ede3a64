"""Lengths and gaps that were cut from public traces, as the traffic mix names them."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from penstock.sim.arrivals import Length, parse_column, parse_lengths


class Traces(NamedTuple):
    """By the name in ``Traffic.lengths``; the gaps are of ``azure_code``."""

    lengths: Mapping[str, Sequence[Length]]
    gaps_ms: Sequence[float]


def load() -> Traces:
    """Read them; they are part of the package."""
    folder = resources.files("penstock.sim") / "data"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    lengths = {
        "azure_conv": parse_lengths(text("azure2023_conv_lengths.csv")),
        "azure_code": parse_lengths(text("azure2023_code_lengths.csv")),
        "agentic": parse_lengths(text("agentic_calls.csv")),
    }
    return Traces(lengths, parse_column(text("azure2023_code_gaps.csv"), 0))
