"""Who comes in: accounts, log-in, sessions, guests."""
