"""Metrics and logs: every name declared once."""
