"""The operator API of the status process, by subject."""
