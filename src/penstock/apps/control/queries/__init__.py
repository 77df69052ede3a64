"""Questions to the ledger, as plain functions of a connection; what they return is bounded."""
