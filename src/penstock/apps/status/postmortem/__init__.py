"""Post-mortems: drafted from the record when an incident is over; causes are left to people."""
