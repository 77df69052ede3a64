"""The drill: replays outages against a set-up, and reports what each tier saw."""
