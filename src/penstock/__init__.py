"""Penstock: the resilient pipe for LLM traffic."""

__version__ = "0.1.0"
