"""Synthetic users: who asks what and when, how they take it, and what they saw."""
