"""Answers: jobs of the process, which no page can lose."""
