"""The steps, each a revision."""
