"""The web chat: a fault domain of its own, and a client of the gateway."""
