"""The waiting room, the notices, and reports to the status page."""
