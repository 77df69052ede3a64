"""Incidents and maintenance: opened by the watch or by people, updated, closed, remembered."""
