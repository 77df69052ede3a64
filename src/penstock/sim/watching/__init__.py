"""A world in which the watch is tried: drills, faults, waves of reports, and what it finds."""
