"""Decisions: pure, synchronous, told the time. One idea a file."""
