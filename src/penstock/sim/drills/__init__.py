"""Drills: outages as files, how they are played, and what was seen."""
