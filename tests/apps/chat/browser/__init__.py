"""Tests of the chat in a real browser, against all processes."""
