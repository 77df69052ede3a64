"""What pages ask the ledger: pure functions of a connection."""
